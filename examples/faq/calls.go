package main

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/examples/internal/stage"
)

// A faq is the story in progress. Each method in this file makes a call of the engine and reports it.
type faq struct {
	*stage.Stage
	ctx context.Context
}

func (f *faq) share(actor sharing.AccountID, image sharing.ImageID, grantees ...sharing.Grantee) stage.Outcome {
	shares, err := f.Share(f.ctx, actor, image, grantees...)
	return f.Call(actor, fmt.Sprintf("Share(%s, %s)", image, list(grantees)), err, "%s", count(len(shares), "share"))
}

func (f *faq) unshare(actor sharing.AccountID, image sharing.ImageID, grantees ...sharing.Grantee) stage.Outcome {
	err := f.Unshare(f.ctx, actor, image, grantees...)
	return f.Call(actor, fmt.Sprintf("Unshare(%s, %s)", image, list(grantees)), err, "")
}

func (f *faq) image(actor sharing.AccountID, id sharing.ImageID) stage.Outcome {
	img, err := f.Image(f.ctx, actor, id)
	return f.Call(actor, fmt.Sprintf("Image(%s)", id), err, "%q of %s in %s", img.Name, img.Owner, img.Region)
}

func (f *faq) canUse(actor sharing.AccountID, image sharing.ImageID, region sharing.Region) stage.Outcome {
	err := f.CanUse(f.ctx, actor, image, region)
	return f.Call(actor, fmt.Sprintf("CanUse(%s, %s)", image, region), err, "")
}

// launch launches an instance with the ID id.
func (f *faq) launch(actor sharing.AccountID, id string, spec sharing.LaunchSpec) stage.Outcome {
	call := fmt.Sprintf("Launch(%s, %s", spec.Image, spec.Region)
	if spec.ExpectDigest != "" {
		call += ", expecting " + short(spec.ExpectDigest)
	}
	f.Name(id)
	inst, err := f.Launch(f.ctx, actor, spec)
	return f.Call(actor, call+")", err, "%s", inst.ID)
}

func (f *faq) replaceDisk(actor sharing.AccountID, id sharing.InstanceID, image sharing.ImageID) stage.Outcome {
	inst, err := f.ReplaceDisk(f.ctx, actor, id, sharing.DiskSpec{Image: image})
	return f.Call(actor, fmt.Sprintf("ReplaceDisk(%s, %s)", id, image), err, "its system disk number %d", inst.DiskGeneration)
}

func (f *faq) reinit(actor sharing.AccountID, id sharing.InstanceID) stage.Outcome {
	inst, err := f.Reinit(f.ctx, actor, id)
	return f.Call(actor, fmt.Sprintf("Reinit(%s)", id), err, "its system disk number %d", inst.DiskGeneration)
}

func (f *faq) instance(actor sharing.AccountID, id sharing.InstanceID) stage.Outcome {
	inst, err := f.Instance(f.ctx, actor, id)
	return f.Call(actor, fmt.Sprintf("Instance(%s)", id), err, "it runs, its disk made from %s", inst.Image)
}

// capture captures an instance into an image with the ID id.
func (f *faq) capture(actor sharing.AccountID, from sharing.InstanceID, id string) stage.Outcome {
	f.Name(id)
	img, err := f.Capture(f.ctx, actor, from, sharing.ImageSpec{Name: id})
	return f.Call(actor, fmt.Sprintf("Capture(%s)", from), err, "%s, owned by %s", img.ID, img.Owner)
}

func (f *faq) delete(actor sharing.AccountID, image sharing.ImageID) stage.Outcome {
	return f.Call(actor, fmt.Sprintf("Delete(%s)", image), f.Delete(f.ctx, actor, image), "")
}

func list(grantees []sharing.Grantee) string {
	if n := len(grantees); n > 3 {
		return fmt.Sprintf("%s … %s", grantees[0], grantees[n-1])
	}
	var b strings.Builder
	for i, g := range grantees {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(g))
	}
	return b.String()
}

// count says how many there are of a thing.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func short(digest string) string { return digest[:len("sha256:")+8] + "…" }

// collect returns the items of a listing.
func collect[T any](listing iter.Seq2[T, error]) ([]T, error) {
	var items []T
	for item, err := range listing {
		if err != nil {
			return items, err
		}
		items = append(items, item)
	}
	return items, nil
}
