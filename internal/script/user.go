package script

import (
	"iter"

	"github.com/imageshare/sharing"
)

func accept(w *world, a args) (string, error) {
	return "", w.engine.Accept(w.ctx, a.actor(), a.image())
}

func reject(w *world, a args) (string, error) {
	return "", w.engine.Reject(w.ctx, a.actor(), a.image())
}

func leave(w *world, a args) (string, error) {
	return "", w.engine.Leave(w.ctx, a.actor(), a.image())
}

func trust(w *world, a args) (string, error) {
	return "", w.engine.SetTrust(w.ctx, a.actor(), sharing.Trust{Owners: a.accounts()})
}

func trustOnly(w *world, a args) (string, error) {
	return "", w.engine.SetTrust(w.ctx, a.actor(), sharing.Trust{Owners: a.accounts(), Enforce: true})
}

func launch(w *world, a args) (string, error) {
	w.name = a["INSTANCE"]
	spec := sharing.LaunchSpec{Image: a.image(), Region: a.region(), ExpectDigest: digest(a["DIGEST"])}
	inst, err := w.engine.Launch(w.ctx, a.actor(), spec)
	return instanceFacts(inst), err
}

func replaceDisk(w *world, a args) (string, error) {
	disk := sharing.DiskSpec{Image: a.image(), ExpectDigest: digest(a["DIGEST"])}
	inst, err := w.engine.ReplaceDisk(w.ctx, a.actor(), a.instance(), disk)
	return instanceFacts(inst), err
}

func reinit(w *world, a args) (string, error) {
	inst, err := w.engine.Reinit(w.ctx, a.actor(), a.instance())
	return instanceFacts(inst), err
}

func terminate(w *world, a args) (string, error) {
	return "", w.engine.Terminate(w.ctx, a.actor(), a.instance())
}

func canUse(w *world, a args) (string, error) {
	return "yes", w.engine.CanUse(w.ctx, a.actor(), a.image(), a.region())
}

func showImage(w *world, a args) (string, error) {
	img, err := w.engine.Image(w.ctx, a.actor(), a.image())
	return imageFacts(img), err
}

func showInstance(w *world, a args) (string, error) {
	inst, err := w.engine.Instance(w.ctx, a.actor(), a.instance())
	return instanceFacts(inst), err
}

func listImages(w *world, a args) (string, error) {
	var q sharing.ImageQuery
	err := a.options(func(o options) {
		q = sharing.ImageQuery{
			Region: sharing.Region(o.take("region")), Owner: sharing.AccountID(o.take("owner")),
			Family: o.take("family"), Name: o.take("name"), Digest: digest(o.take("digest")),
			Source: sharing.ImageID(o.take("source")), Deprecated: o.has("deprecated"), Labels: o.labels(),
		}
		for word, origin := range map[string]sharing.Origin{
			"own": sharing.OriginOwn, "shared": sharing.OriginShared, "public": sharing.OriginPublic,
		} {
			if o.has(word) {
				q.Origin |= origin
			}
		}
	})
	if err != nil {
		return "", err
	}
	images, err := collect(w.engine.Images(w.ctx, a.actor(), q))
	return imageTable(images), err
}

func listInstances(w *world, a args) (string, error) {
	instances, err := collect(w.engine.Instances(w.ctx, a.actor(), sharing.InstanceQuery{}))
	return instanceTable(instances), err
}

func listShares(w *world, a args) (string, error) {
	shares, err := collect(w.engine.Shares(w.ctx, a.actor(), a.image()))
	return shareTable(shares), err
}

func listReceived(w *world, a args) (string, error) {
	q, err := a.shareQuery()
	if err != nil {
		return "", err
	}
	shares, err := collect(w.engine.SharesReceived(w.ctx, a.actor(), q))
	return shareTable(shares), err
}

func listGiven(w *world, a args) (string, error) {
	q, err := a.shareQuery()
	if err != nil {
		return "", err
	}
	shares, err := collect(w.engine.SharesGiven(w.ctx, a.actor(), q))
	return shareTable(shares), err
}

// shareQuery reads which shares to list from the line's options.
func (a args) shareQuery() (q sharing.ShareQuery, err error) {
	err = a.options(func(o options) {
		q = sharing.ShareQuery{
			Grantee: sharing.Grantee(o.take("to")), Owner: sharing.AccountID(o.take("from")), Region: sharing.Region(o.take("region")),
		}
		for _, status := range []sharing.ShareStatus{sharing.ShareAccepted, sharing.SharePending, sharing.ShareRejected} {
			if o.has(status.String()) {
				q.Statuses = append(q.Statuses, status)
			}
		}
	})
	return q, err
}

func latest(w *world, a args) (string, error) {
	img, err := w.engine.Latest(w.ctx, a.actor(), sharing.LatestQuery{
		Owner: sharing.AccountID(a["OWNER"]), Family: a["FAMILY"], Region: a.region(), Architecture: a["ARCHITECTURE"],
	})
	return imageFacts(img), err
}

// collect returns the items of a listing.
func collect[T any](listing iter.Seq2[T, error]) ([]T, error) {
	var items []T
	for item, err := range listing {
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}
