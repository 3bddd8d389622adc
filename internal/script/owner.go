package script

import (
	"strconv"
	"time"

	"github.com/imageshare/sharing"
)

func register(w *world, a args) (string, error) {
	spec, err := a.spec()
	if err != nil {
		return "", err
	}
	spec.Region = a.region()
	w.name = a["IMAGE"]
	img, err := w.engine.Register(w.ctx, a.actor(), spec)
	return imageFacts(img), err
}

func capture(w *world, a args) (string, error) {
	spec, err := a.spec()
	if err != nil {
		return "", err
	}
	w.name = a["IMAGE"]
	img, err := w.engine.Capture(w.ctx, a.actor(), a.instance(), spec)
	return imageFacts(img), err
}

func copyImage(w *world, a args) (string, error) {
	spec, err := a.spec()
	if err != nil {
		return "", err
	}
	w.name = a["NEW"]
	img, err := w.engine.Copy(w.ctx, a.actor(), a.image(), a.region(), spec)
	return imageFacts(img), err
}

// spec reads what an image is to be like from the line's options.
func (a args) spec() (spec sharing.ImageSpec, err error) {
	size := ""
	err = a.options(func(o options) {
		spec = sharing.ImageSpec{
			Name: o.take("name"), Family: o.take("family"), Architecture: o.take("arch"),
			Digest: digest(o.take("digest")), Labels: o.labels(),
		}
		size = o.take("size")
	})
	if err == nil && size != "" {
		if spec.Size, err = strconv.ParseInt(size, 10, 64); err != nil {
			err = nonsense{err}
		}
	}
	return spec, err
}

func update(w *world, a args) (string, error) {
	var u sharing.ImageUpdate
	err := a.options(func(o options) {
		for key, field := range map[string]**string{"name": &u.Name, "family": &u.Family} {
			if value, ok := o[key]; ok {
				*field = &value
				delete(o, key)
			}
		}
		u.Labels = o.labels()
	})
	if err != nil {
		return "", err
	}
	img, err := w.engine.Update(w.ctx, a.actor(), a.image(), u)
	return imageFacts(img), err
}

func share(w *world, a args) (string, error) {
	shares, err := w.engine.Share(w.ctx, a.actor(), a.image(), a.grantees()...)
	return shareTable(shares), err
}

func shareUntil(w *world, a args) (string, error) {
	var until time.Time
	if a["TIME"] != "for-ever" {
		var err error
		if until, err = time.Parse(time.DateOnly, a["TIME"]); err != nil {
			return "", nonsense{err}
		}
	}
	shares, err := w.engine.ShareUntil(w.ctx, a.actor(), a.image(), until, a.grantees()...)
	return shareTable(shares), err
}

func setShares(w *world, a args) (string, error) {
	shares, err := w.engine.SetShares(w.ctx, a.actor(), a.image(), a.grantees()...)
	return shareTable(shares), err
}

func unshare(w *world, a args) (string, error) {
	return "", w.engine.Unshare(w.ctx, a.actor(), a.image(), a.grantees()...)
}

func deleteImage(w *world, a args) (string, error) {
	return "", w.engine.Delete(w.ctx, a.actor(), a.image())
}

func forceDelete(w *world, a args) (string, error) {
	return "", w.engine.ForceDelete(w.ctx, a.actor(), a.image())
}

func deprecate(w *world, a args) (string, error) {
	d := sharing.Deprecation{Notice: a["TEXT"], Replacement: sharing.ImageID(a["OTHER"])}
	return "", w.engine.Deprecate(w.ctx, a.actor(), a.image(), d)
}

func disable(w *world, a args) (string, error) {
	return "", w.engine.Disable(w.ctx, a.actor(), a.image())
}

func enable(w *world, a args) (string, error) {
	return "", w.engine.Enable(w.ctx, a.actor(), a.image())
}

func protect(w *world, a args) (string, error) {
	return "", w.engine.Protect(w.ctx, a.actor(), a.image())
}

func unprotect(w *world, a args) (string, error) {
	return "", w.engine.Unprotect(w.ctx, a.actor(), a.image())
}

func seal(w *world, a args) (string, error) {
	return "", w.engine.Seal(w.ctx, a.actor(), a.image())
}

func unseal(w *world, a args) (string, error) {
	return "", w.engine.Unseal(w.ctx, a.actor(), a.image())
}

func unshareImpact(w *world, a args) (string, error) {
	impact, err := w.engine.UnshareImpact(w.ctx, a.actor(), a.image(), a.grantees()...)
	return impactFacts(impact), err
}

func deleteImpact(w *world, a args) (string, error) {
	impact, err := w.engine.DeleteImpact(w.ctx, a.actor(), a.image())
	return impactFacts(impact), err
}

func exposure(w *world, a args) (string, error) {
	x, err := w.engine.Exposure(w.ctx, a.actor(), a.image())
	return exposureFacts(x), err
}
