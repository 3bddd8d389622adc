package sharingtest

import (
	"context"
	"slices"
	"time"

	"github.com/imageshare/sharing"
)

// UnshareImpact makes the change on a copy and looks at what is different afterwards.
func (m *Model) UnshareImpact(ctx context.Context, actor sharing.AccountID, id sharing.ImageID, grantees ...sharing.Grantee) (sharing.Impact, error) {
	after := m.clone()
	err := after.Unshare(ctx, actor, id, grantees...)
	return m.impact(after, id), err
}

// DeleteImpact makes the change on a copy and looks at what is different afterwards, even if the
// change itself would be refused.
func (m *Model) DeleteImpact(_ context.Context, actor sharing.AccountID, id sharing.ImageID) (sharing.Impact, error) {
	if !okAccount(actor) || !okImage(id) {
		return sharing.Impact{}, sharing.ErrInvalid
	}
	after := m.clone()
	img, err := after.owned(actor, id)
	if err != nil {
		return sharing.Impact{}, err
	}
	after.delete(img)
	return m.impact(after, id), nil
}

// impact returns the shares of an image that are no more afterwards, and how many
// instances could be reinitialised and now can't.
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

// Exposure says where an image's data may have gone (R10). It answers the image's owner, and also its former owner.
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
	reached := map[sharing.Grantee]*sharing.Holder{}
	reach := func(g sharing.Grantee) *sharing.Holder {
		if reached[g] == nil {
			reached[g] = &sharing.Holder{Grantee: g}
		}
		return reached[g]
	}
	for _, made := range sorted(m.images) {
		if made != img && !m.madeFrom(made, id) {
			continue
		}
		for account, disks := range made.disks {
			reach(sharing.Account(account)).Instances += disks
		}
		for _, held := range m.held(made) {
			if made.Owner == actor {
				if made.deleted && made != img {
					held.Image = ""
				}
				holder := reach(held.grantee)
				holder.Holdings = append(holder.Holdings, held.Holding)
				continue
			}
			exposure.Beyond.Shares++
			if _, isAccount := held.grantee.Account(); isAccount {
				reach(held.grantee)
			}
		}
		if made == img {
			continue
		}
		source, captured := made.Source.Image, made.Source.Instance != ""
		if owner := reach(sharing.Account(made.Owner)); captured && m.images[source].Owner == actor {
			owner.Captures++
		}
		if !m.sees(actor, made.ID) {
			exposure.Beyond.Images++
			continue
		}
		exposed := sharing.ExposedImage{Image: made.ID, Owner: made.Owner, Captured: captured}
		if source == id || m.sees(actor, source) {
			exposed.Source = source
		}
		exposure.Images = append(exposure.Images, exposed)
	}
	delete(reached, sharing.Account(actor))
	for _, holder := range sorted(reached) {
		if len(holder.Holdings) > 0 {
			exposure.Holders = append(exposure.Holders, *holder)
		} else {
			exposure.Beyond.Accounts++
			exposure.Beyond.Instances += holder.Instances
		}
	}
	return exposure, nil
}

// held are all shares of an image that ever were: those that ended, then the others.
func (m *Model) held(img *modelImage) []ended {
	held := slices.Clone(img.ended)
	present := m.present(img)
	for g, share := range img.shares {
		h := holding(share, m.now())
		if _, is := present[g]; is {
			h.To = time.Time{}
		}
		held = append(held, ended{g, h})
	}
	return held
}

// madeFrom reports whether an image was captured or copied from the other, through any number of steps.
func (m *Model) madeFrom(img *modelImage, from sharing.ImageID) bool {
	source := img.Source.Image
	return source != "" && (source == from || m.madeFrom(m.images[source], from))
}
