package etcdstore

import (
	"slices"
	"strings"

	"github.com/imageshare/sharing"
)

// Access implements [sharing.ViewTx].
func (tx *view) Access(account sharing.AccountID, organizations []sharing.OrganizationID, image sharing.ImageID) (
	access sharing.Access, trust sharing.Trust, err error) {
	err = tx.assemble(func() error {
		trust = sharing.Trust{}
		if _, err := tx.value(tx.key(tableTrust, string(account)), &trust); err != nil {
			return err
		}
		access, err = tx.access(image, account, organizations)
		return err
	})
	return access, trust, err
}

// Load implements [sharing.ViewTx].
func (tx *view) Load(need sharing.Need) (state sharing.State, err error) {
	if err := tx.queue(need); err != nil {
		return state, err
	}
	err = tx.assemble(func() error {
		state = sharing.State{}
		return tx.load(need, &state)
	})
	if err == nil && need.Operation != "" && len(state.Operation) == 0 {
		err = tx.operationAbsent(need.Operation)
	}
	if err != nil {
		return sharing.State{}, err
	}
	if img := state.Image.Image; img != nil && img.Owner == need.Account {
		tx.owners.remember(img.ID, img.Owner)
	}
	return state, nil
}

func (tx *view) load(need sharing.Need, state *sharing.State) (err error) {
	image, region := need.Image, need.ImagesIn
	if need.Instance != "" {
		if state.Instance, err = tx.instance(need.Instance); err != nil {
			return err
		}
		at := tx.where.of(need.Instance) // a guess, until the record is there
		if state.Instance != nil {
			at = whereabouts{state.Instance.Image, state.Instance.Region}
			tx.where.remember(need.Instance, at)
		}
		if image == "" {
			image = at.image
		}
		if need.ImagesBeside {
			region = at.region
		}
	}
	if image != "" {
		if err := tx.loadImage(image, &need, state); err != nil {
			return err
		}
	}
	if region != "" {
		account := string(need.Account)
		state.ImagesOwned = tx.countUnder(tx.key(tableRegion, account, string(region)), tx.key(tableRegions, account, string(region)))
	}
	if need.Trust {
		if _, err := tx.value(tx.key(tableTrust, string(need.Account)), &state.Trust); err != nil {
			return err
		}
	}
	if need.Operation != "" {
		if state.Operation, err = tx.operation(need.Operation); err != nil {
			return err
		}
	}
	return tx.loadOthers(&need, state)
}

// loadImage reads what need asks about its image.
func (tx *view) loadImage(id sharing.ImageID, need *sharing.Need, state *sharing.State) error {
	about, err := tx.about(id)
	if err != nil {
		return err
	}
	state.Sequence = about.Sequence
	img, err := tx.image(id)
	if err != nil {
		return err
	}
	if state.Image, err = tx.accessTo(img, id, need.Account, need.Organizations); err != nil {
		return err
	}
	for _, g := range slices.Sorted(slices.Values(need.Grantees)) {
		share, err := tx.share(id, img.generation(), g)
		if err != nil {
			return err
		}
		if share != nil {
			state.Shares = append(state.Shares, *share)
		}
	}
	if err := tx.loadOwned(id, img, about, need, state); err != nil {
		return err
	}
	if need.OwnInstances {
		account := string(need.Account)
		state.OwnInstances = tx.countUnder(tx.key(tableUses, account, string(id)), tx.key(tableUsed, account, string(id)))
	}
	return nil
}

// loadOwned reads what need asks about its image that only the owner may: nobody else has
// it read (R20), but for whether any share expires, which takes the same whatever there
// is. It also reads when the shares expire, for an owner that is about to change some.
func (tx *view) loadOwned(id sharing.ImageID, img *imageValue, about aboutValue, need *sharing.Need, state *sharing.State) (err error) {
	expire := !need.PresentAt.IsZero() || tx.writes && (need.AllShares || len(need.Grantees) > 0)
	if need.Account == "" || !expire && !need.AllShares {
		return nil
	}
	owned := tx.owners.of(id) == need.Account // a guess, until the record is there
	anyExpires := owned
	if expire && !owned {
		anyExpires = tx.read(under(tx.key(tableExpiring, string(id)), count)).count > 0
	}
	if img != nil {
		owned = img.Owner == need.Account
	}
	if !owned {
		return nil
	}
	var shares []sharing.Share
	var ends expiries
	if need.AllShares {
		if shares, err = tx.allShares(id, img.generation()); err != nil {
			return err
		}
	}
	if expire && anyExpires {
		if ends, err = tx.expiries(id); err != nil {
			return err
		}
	}
	if img == nil {
		return nil
	}
	if need.AllShares {
		state.Shares = shares
	}
	if !need.PresentAt.IsZero() {
		state.PresentShares = about.Shares - ends.by(need.PresentAt)
	}
	return nil
}

// loadOthers reads the images and instances that need names beside, and whether its new IDs are taken.
func (tx *view) loadOthers(need *sharing.Need, state *sharing.State) error {
	for _, id := range need.Images {
		access, err := tx.access(id, need.Account, need.Organizations)
		if err != nil {
			return err
		}
		state.Images = append(state.Images, access)
	}
	for _, id := range need.Instances {
		inst, err := tx.instance(id)
		if err != nil {
			return err
		}
		state.Instances = append(state.Instances, inst)
	}
	if need.NewImage != "" {
		if tx.writes {
			if _, err := tx.about(need.NewImage); err != nil {
				return err
			}
		}
		img, err := tx.image(need.NewImage)
		if err != nil {
			return err
		}
		state.Taken = img != nil
	}
	if need.NewInstance != "" {
		inst, err := tx.instance(need.NewInstance)
		if err != nil {
			return err
		}
		state.Taken = state.Taken || inst != nil
	}
	return nil
}

// countUnder counts the keys under prefix. Whoever changes their number writes guard, so that a commit finds out.
func (tx *view) countUnder(prefix, guard string) int {
	tx.read(span{key: guard})
	return int(tx.read(under(prefix, count)).count)
}

// image returns what is stored of an image, or nil.
func (tx *snapshot) image(id sharing.ImageID) (*imageValue, error) {
	return stored[imageValue](tx, tx.key(tableImage, string(id)))
}

func (tx *snapshot) about(id sharing.ImageID) (about aboutValue, err error) {
	_, err = tx.value(tx.key(tableAbout, string(id)), &about)
	return about, err
}

func (tx *snapshot) expiries(id sharing.ImageID) (ends expiries, err error) {
	_, err = tx.value(tx.key(tableExpiring, string(id)), &ends)
	return ends, err
}

// instance returns the record of an instance, or nil.
func (tx *snapshot) instance(id sharing.InstanceID) (*sharing.InstanceRecord, error) {
	rec, err := stored[instanceValue](tx, tx.key(tableInstance, string(id)))
	if rec == nil || err != nil {
		return nil, err
	}
	return &rec.InstanceRecord, nil
}

// share returns the share of an image of this generation with a grantee, or nil.
func (tx *snapshot) share(id sharing.ImageID, generation int64, g sharing.Grantee) (*sharing.Share, error) {
	share, err := stored[shareValue](tx, tx.key(tableShare, string(id), string(g)))
	if share == nil || err != nil || share.Generation != generation {
		return nil, err
	}
	return &share.Share, nil
}

// access returns what account has of an image.
func (tx *snapshot) access(id sharing.ImageID, account sharing.AccountID, organizations []sharing.OrganizationID) (sharing.Access, error) {
	img, err := tx.image(id)
	if err != nil {
		return sharing.Access{}, err
	}
	return tx.accessTo(img, id, account, organizations)
}

// accessTo returns what account has of an image of which img is stored.
func (tx *snapshot) accessTo(img *imageValue, id sharing.ImageID, account sharing.AccountID, organizations []sharing.OrganizationID) (
	access sharing.Access, err error) {
	if img != nil {
		access.Image = &img.ImageRecord
	}
	grant := func(g sharing.Grantee) sharing.Grant {
		share, shareErr := tx.share(id, img.generation(), g)
		if shareErr != nil && err == nil {
			err = shareErr
		}
		if share == nil {
			return sharing.Grant{}
		}
		return sharing.Grant{Exists: true, Status: share.Status, Expires: share.Expires}
	}
	if account != "" {
		access.Own = grant(sharing.Grantee(account))
	}
	access.Everyone = grant(sharing.Everyone)
	for _, org := range organizations {
		access.Organization = longer(access.Organization, grant(sharing.Organization(org)))
	}
	return access, err
}

// longer returns the grant that lasts longer.
func longer(a, b sharing.Grant) sharing.Grant {
	switch {
	case !a.Exists:
		return b
	case !b.Exists, a.Expires.IsZero():
		return a
	case b.Expires.IsZero(), b.Expires.After(a.Expires):
		return b
	}
	return a
}

// allShares returns the shares of an image of this generation, in ascending order of grantee.
func (tx *snapshot) allShares(id sharing.ImageID, generation int64) ([]sharing.Share, error) {
	found := tx.read(under(tx.key(tableShare, string(id)), whole))
	shares := make([]sharing.Share, 0, len(found.items))
	for _, kv := range found.items {
		var share shareValue
		if err := decode(kv, &share); err != nil {
			return nil, err
		}
		if share.Generation == generation {
			shares = append(shares, share.Share)
		}
	}
	return shares, nil
}

// guardOf returns the key that is written whenever key is: key itself, or what stands for all that hangs on its image.
func (s *Store) guardOf(key string) string {
	table, parts, _ := strings.Cut(key[len(s.prefix):], "/")
	switch table {
	case tableImage, tableShare, tableExpiring:
		image, _, _ := strings.Cut(parts, terminator)
		return s.prefix + tableAbout + "/" + image + terminator
	}
	return key
}

// isIn reports whether key is in a table.
func (s *Store) isIn(table, key string) bool {
	return strings.HasPrefix(key[len(s.prefix):], table+"/")
}
