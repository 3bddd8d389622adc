package memstore

import (
	"slices"

	"github.com/imageshare/sharing"
)

// Load implements [sharing.ViewTx].
func (tx *view) Load(need sharing.Need) (state sharing.State, err error) {
	if err := tx.ctx.Err(); err != nil {
		return sharing.State{}, err
	}
	s := tx.store
	id := need.Image
	if need.Instance != "" {
		state.Instance = s.instances[need.Instance]
		if id == "" && state.Instance != nil {
			id = state.Instance.Image
		}
	}
	if id != "" {
		img := s.lookup(id)
		s.access(img, need.Account, need.Organizations, &state.Image)
		state.Sequence = img.sequence
		s.loadShares(id, img, &need, &state)
		if need.OwnInstances {
			state.OwnInstances = s.instancesBy[attribute{fieldOwnerImage, string(need.Account), string(id)}].len()
		}
	}
	if need.Trust && len(s.trust) > 0 {
		state.Trust = s.trust[need.Account]
	}
	s.loadImages(&need, &state)
	for _, id := range need.Instances {
		state.Instances = append(state.Instances, s.instances[id])
	}
	if need.NewImage != "" {
		img := s.images[need.NewImage]
		state.Taken = img != nil && img.record.ID != ""
	}
	if need.NewInstance != "" && s.instances[need.NewInstance] != nil {
		state.Taken = true
	}
	if need.Operation != "" {
		state.Operation, err = s.log.operation(need.Operation)
	}
	return state, err
}

// lookup returns what is held about id, or else an image without a record: so there is as
// much to look for in one that never was as in one that the account does not see (R20).
func (s *Store) lookup(id sharing.ImageID) *image {
	if img := s.images[id]; img != nil {
		return img
	}
	return &noImage
}

var noImage = image{record: &noRecord} // never written

// access sets to to what account, in these organizations, has of the image.
func (s *Store) access(img *image, account sharing.AccountID, organizations []sharing.OrganizationID, to *sharing.Access) {
	if img.record.ID != "" {
		to.Image = img.record
	}
	if img.shares.empty() && account == img.record.Owner {
		return // for another, as much is looked for where there is nothing to find (R20)
	}
	if account != "" && (account != img.record.Owner || img.withOwner) {
		grantee := sharing.Grantee(account)
		if r, ok := img.shares.find(grantee, s.tag(grantee)); ok {
			to.Own = r.grant()
		}
	}
	if img.shares.everyone {
		r, _ := img.shares.find(sharing.Everyone, s.tag(sharing.Everyone))
		to.Everyone = r.grant()
	}
	for _, id := range organizations {
		grantee := sharing.Organization(id)
		if r, ok := img.shares.find(grantee, s.tag(grantee)); ok {
			to.Organization = longer(to.Organization, r.grant())
		}
	}
}

// longer returns the grant that lasts longer, the first if both last alike.
func longer(a, b sharing.Grant) sharing.Grant {
	if !a.Exists || !a.Expires.IsZero() && (b.Expires.IsZero() || b.Expires.After(a.Expires)) {
		return b
	}
	return a
}

// loadShares reads what need asks of the image's shares.
func (s *Store) loadShares(id sharing.ImageID, img *image, need *sharing.Need, state *sharing.State) {
	owned := need.Account != "" && need.Account == img.record.Owner
	if owned && need.AllShares {
		state.Shares = make([]sharing.Share, 0, img.shares.count())
		for r := range img.shares.from("", false) {
			state.Shares = append(state.Shares, r.share(id))
		}
	}
	grantees := need.Grantees
	if len(grantees) > 1 {
		grantees = slices.Sorted(slices.Values(grantees))
	}
	for _, g := range grantees {
		if r, ok := img.shares.find(g, s.tag(g)); ok {
			state.Shares = append(state.Shares, r.share(id))
		}
	}
	if owned && !need.PresentAt.IsZero() {
		state.PresentShares = img.shares.presentAt(need.PresentAt)
	}
}

// loadImages reads the other images that need asks for, and counts those of the account.
func (s *Store) loadImages(need *sharing.Need, state *sharing.State) {
	if len(need.Images) > 0 {
		state.Images = make([]sharing.Access, len(need.Images))
		for i, id := range need.Images {
			s.access(s.lookup(id), need.Account, need.Organizations, &state.Images[i])
		}
	}
	region := need.ImagesIn
	if need.ImagesBeside && state.Instance != nil {
		region = state.Instance.Region
	}
	if region != "" {
		state.ImagesOwned = s.imagesBy[attribute{fieldOwnerRegion, string(need.Account), string(region)}].len()
	}
}

// Access implements [sharing.ViewTx].
func (tx *view) Access(account sharing.AccountID, organizations []sharing.OrganizationID, id sharing.ImageID) (
	access sharing.Access, trust sharing.Trust, err error) {
	s := tx.store
	s.access(s.lookup(id), account, organizations, &access)
	if len(s.trust) > 0 {
		trust = s.trust[account]
	}
	return access, trust, tx.ctx.Err()
}
