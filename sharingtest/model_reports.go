package sharingtest

import (
	"context"
	"slices"
	"strings"

	"github.com/imageshare/sharing"
)

// UnshareImpact does the change on a copy and looks what is different then.
func (m *Model) UnshareImpact(ctx context.Context, actor sharing.AccountID, id sharing.ImageID, grantees ...sharing.Grantee) (sharing.Impact, error) {
	after := m.clone()
	err := after.Unshare(ctx, actor, id, grantees...)
	return m.impact(after, id), err
}

// DeleteImpact does the change on a copy and looks what is different then, whatever may refuse the change itself.
func (m *Model) DeleteImpact(_ context.Context, actor sharing.AccountID, id sharing.ImageID) (sharing.Impact, error) {
	if !okAccount(actor) || !okImage(id) {
		return sharing.Impact{}, sharing.ErrInvalid
	}
	after := m.clone()
	img, err := after.owned(actor, id)
	if err != nil {
		return sharing.Impact{}, err
	}
	img.deleted = true
	return m.impact(after, id), nil
}

// impact returns the shares of an image that are no more afterwards, and how many instances could be reinitialised and now can't.
func (m *Model) impact(after *Model, id sharing.ImageID) sharing.Impact {
	img := m.images[id]
	if img == nil {
		return sharing.Impact{}
	}
	left := after.present(after.images[id])
	impact := sharing.Impact{Instances: map[sharing.AccountID]int{}}
	for _, share := range sorted(m.present(img)) {
		if _, still := left[share.Grantee]; !still {
			impact.Shares = append(impact.Shares, share)
		}
	}
	for _, inst := range m.instances {
		if !inst.terminated && m.canReinit(inst) && !after.canReinit(inst) {
			impact.Instances[inst.Owner]++
		}
	}
	return impact
}

func (m *Model) canReinit(inst *modelInstance) bool {
	return m.usable(inst.Owner, inst.Image, inst.Region, "") == nil
}

// Exposure says where an image's data may have gone (R10), to its owner, a former one too. The model gives what the rule
// says: which images made from it the actor sees, how many others there are, and who ever held a share of it or of such
// an image of the actor's own. What a system tells beyond that is not compared.
func (m *Model) Exposure(_ context.Context, actor sharing.AccountID, id sharing.ImageID) (sharing.Exposure, error) {
	if !okAccount(actor) || !okImage(id) {
		return sharing.Exposure{}, sharing.ErrInvalid
	}
	img := m.images[id]
	if img == nil || !img.deleted || img.Owner != actor {
		if _, err := m.owned(actor, id); err != nil {
			return sharing.Exposure{}, err
		}
	}
	exposure := sharing.Exposure{Image: id}
	holders := map[sharing.Grantee]sharing.Holder{}
	for _, made := range sorted(m.images) {
		if made != img && !m.madeFrom(made, id) {
			continue
		}
		if made.Owner == actor {
			for g := range made.held {
				holders[g] = sharing.Holder{Grantee: g}
			}
		}
		switch {
		case made == img:
		case m.sees(actor, made.ID):
			exposed := sharing.ExposedImage{Image: made.ID, Owner: made.Owner, Captured: made.Source.Instance != ""}
			if source := made.Source.Image; source == id || m.sees(actor, source) {
				exposed.Source = source
			}
			exposure.Images = append(exposure.Images, exposed)
		default:
			exposure.Beyond.Images++
		}
	}
	exposure.Holders = sorted(holders)
	return exposure, nil
}

// madeFrom reports whether an image was captured or copied from the other, through any number of steps.
func (m *Model) madeFrom(img *modelImage, from sharing.ImageID) bool {
	source := img.Source.Image
	return source != "" && (source == from || m.madeFrom(m.images[source], from))
}

// pinned is what the model's Exposure gives, in the order of IDs.
func pinned(e sharing.Exposure) sharing.Exposure {
	pinned := sharing.Exposure{Image: e.Image, Images: slices.Clone(e.Images)}
	slices.SortFunc(pinned.Images, func(a, b sharing.ExposedImage) int { return strings.Compare(string(a.Image), string(b.Image)) })
	for _, holder := range e.Holders {
		pinned.Holders = append(pinned.Holders, sharing.Holder{Grantee: holder.Grantee})
	}
	pinned.Beyond.Images = e.Beyond.Images
	return pinned
}
