package storetest

import (
	"cmp"
	"slices"
	"time"

	"github.com/imageshare/sharing"
)

func (tx *referenceTx) Load(need sharing.Need) (sharing.State, error) {
	var state sharing.State
	for _, ev := range tx.log {
		if need.Operation != "" && ev.Operation == need.Operation {
			state.Operation = append(state.Operation, ev)
		}
	}
	if need.Trust {
		state.Trust = tx.trust[need.Account]
	}
	state.Instance = tx.instance(need.Instance)
	image := need.Image
	if image == "" && state.Instance != nil {
		image = state.Instance.Image
	}
	state.Image = tx.access(image, need.Account, need.Organizations)
	for _, ev := range tx.log {
		if image != "" && ev.Image == image {
			state.Sequence = ev.Sequence
		}
	}
	for _, id := range need.Images {
		state.Images = append(state.Images, tx.access(id, need.Account, need.Organizations))
	}
	for _, id := range need.Instances {
		state.Instances = append(state.Instances, tx.instance(id))
	}
	tx.loadShares(need, image, &state)
	tx.loadCounts(need, image, &state)
	_, imageTaken := tx.images[need.NewImage]
	_, instanceTaken := tx.instances[need.NewInstance]
	state.Taken = imageTaken || instanceTaken
	return state, tx.ctx.Err()
}

func (tx *referenceTx) loadShares(need sharing.Need, image sharing.ImageID, state *sharing.State) {
	owned := need.Account != "" && need.Account == tx.images[image].Owner
	for key, s := range tx.shares {
		if key.Image != image {
			continue
		}
		if owned && need.AllShares || slices.Contains(need.Grantees, key.Grantee) {
			state.Shares = append(state.Shares, s)
		}
		if owned && !need.PresentAt.IsZero() && !expired(s.Expires, need.PresentAt) {
			state.PresentShares++
		}
	}
	slices.SortFunc(state.Shares, func(a, b sharing.Share) int { return cmp.Compare(a.Grantee, b.Grantee) })
}

func expired(expires, at time.Time) bool { return !expires.IsZero() && !expires.After(at) }

func (tx *referenceTx) loadCounts(need sharing.Need, image sharing.ImageID, state *sharing.State) {
	region := need.ImagesIn
	if need.ImagesBeside && state.Instance != nil {
		region = state.Instance.Region
	}
	for _, rec := range tx.images {
		if region != "" && rec.DeletedAt.IsZero() && rec.Owner == need.Account && rec.Region == region {
			state.ImagesOwned++
		}
	}
	for _, rec := range tx.instances {
		if need.OwnInstances && rec.TerminatedAt.IsZero() && rec.Owner == need.Account && rec.Image == image {
			state.OwnInstances++
		}
	}
}

func (tx *referenceTx) instance(id sharing.InstanceID) *sharing.InstanceRecord {
	if rec, ok := tx.instances[id]; ok {
		return &rec
	}
	return nil
}

func (tx *referenceTx) Access(account sharing.AccountID, organizations []sharing.OrganizationID, id sharing.ImageID) (
	sharing.Access, sharing.Trust, error) {
	return tx.access(id, account, organizations), tx.trust[account], tx.ctx.Err()
}

func (tx *referenceTx) access(id sharing.ImageID, account sharing.AccountID, organizations []sharing.OrganizationID) sharing.Access {
	var access sharing.Access
	if rec, ok := tx.images[id]; ok {
		access.Image = &rec
	}
	access.Own = tx.grant(id, sharing.Account(account))
	access.Everyone = tx.grant(id, sharing.Everyone)
	for _, o := range organizations {
		if g := tx.grant(id, sharing.Organization(o)); lastsLonger(g, access.Organization) {
			access.Organization = g
		}
	}
	return access
}

func (tx *referenceTx) grant(id sharing.ImageID, g sharing.Grantee) sharing.Grant {
	s, ok := tx.shares[sharing.ShareKey{Image: id, Grantee: g}]
	return sharing.Grant{Exists: ok, Status: s.Status, Expires: s.Expires}
}

func lastsLonger(a, b sharing.Grant) bool {
	if !a.Exists || !b.Exists {
		return a.Exists
	}
	return !b.Expires.IsZero() && (a.Expires.IsZero() || a.Expires.After(b.Expires))
}
