package sharing

import (
	"context"
	"maps"
	"slices"
)

// An Impact says what an unshare or a delete would do if it were made now.
type Impact struct {
	// Shares are the present shares that would end, in ascending order of grantee.
	Shares []Share
	// Instances counts, for each account, the instances made from the image that the account could reinitialise now and
	// could no longer afterwards (R6). It has none for an account whose trust policy refuses the owner already.
	Instances map[AccountID]int
}

// UnshareImpact says what [Engine.Unshare] with the same arguments would do: which shares would end, and
// how many instances of which accounts could no longer be reinitialised (R7). An account that another
// share still reaches loses nothing.
//
// No grantee, or the owner as a grantee, is [ErrInvalid]. The call is refused with
// [ErrImageNotFound] and [ErrNotOwner].
func (e *Engine) UnshareImpact(ctx context.Context, actor AccountID, image ImageID, grantees ...Grantee) (Impact, error) {
	return e.impact(ctx, "UnshareImpact", actor, image, ending{grantees: grantees}, validGrantees(grantees))
}

// DeleteImpact says what [Engine.ForceDelete] of the image would do if the image were not protected: which shares would
// end, and how many instances of which accounts, the owner included, could no longer be reinitialised (R8).
//
// The call is refused with [ErrImageNotFound] and [ErrNotOwner].
func (e *Engine) DeleteImpact(ctx context.Context, actor AccountID, image ImageID) (Impact, error) {
	return e.impact(ctx, "DeleteImpact", actor, image, ending{image: true}, nil)
}

// An ending is what would end: the image with all its shares, or only its shares with the grantees.
type ending struct {
	image    bool
	grantees []Grantee
}

func (e *Engine) impact(ctx context.Context, op string, actor AccountID, image ImageID, end ending, input error) (Impact, error) {
	c, err := e.begin(ctx, op, actor, image.Validate(), input)
	if err != nil {
		return Impact{}, err
	}
	members := make(map[AccountID][]OrganizationID)
	for {
		var impact Impact
		var unknown []AccountID
		err := c.view(func(tx ViewTx) error {
			m, err := c.load(tx, Need{Image: image, AllShares: true})
			if err != nil {
				return err
			}
			img, err := m.ownImage(image)
			if err != nil {
				return err
			}
			if err := notOwner(img, end.grantees); err != nil {
				return err
			}
			impact, unknown, err = m.impact(img, end, members, e.directory != nil)
			return err
		})
		if err != nil {
			return Impact{}, err
		}
		if len(unknown) == 0 {
			return impact, nil
		}
		for _, account := range unknown {
			if members[account], err = e.organizationsOf(ctx, account); err != nil {
				return Impact{}, c.named(err)
			}
		}
	}
}

// impact predicts what end would do. members holds the organisations of accounts, as far as they are known.
// unknown are the accounts whose organisations also matter: the caller asks the directory, if there is one,
// for them outside the transaction.
func (m *moment) impact(img *ImageRecord, end ending, members map[AccountID][]OrganizationID, directory bool) (
	impact Impact, unknown []AccountID, err error) {
	before, after, ended := m.presentShares(end)
	impact.Shares = ended
	toOrganizations := false
	for g := range before {
		_, is := g.Organization()
		toOrganizations = toOrganizations || is
	}
	counts, err := m.countInstances(img.ID)
	if err != nil {
		return impact, nil, err
	}
	impact.Instances = make(map[AccountID]int)
	for _, account := range slices.Sorted(maps.Keys(counts)) {
		orgs, known := members[account]
		their := m.as(account)
		could, err := their.couldReinit(accessBy(before, img, account, orgs))
		if err != nil {
			return impact, nil, err
		}
		can := could && !end.image && their.reach(accessBy(after, img, account, orgs)) == usable
		sameInAnyOrganization := account == img.Owner || could && (can || end.image)
		if toOrganizations && directory && !known && !sameInAnyOrganization {
			unknown = append(unknown, account)
			continue
		}
		if could && !can {
			impact.Instances[account] = counts[account]
		}
	}
	return impact, unknown, nil
}

// presentShares returns the present shares before and after end, and those that it ends.
func (m *moment) presentShares(end ending) (before, after map[Grantee]Grant, ended []Share) {
	before, after = make(map[Grantee]Grant), make(map[Grantee]Grant)
	ends := make(map[Grantee]bool, len(end.grantees))
	for _, g := range end.grantees {
		ends[g] = true
	}
	for _, share := range m.Shares {
		g, grant := share.Grantee, share.grant()
		if !m.present(grant) {
			continue
		}
		before[g] = grant
		if end.image || ends[g] {
			ended = append(ended, share)
		} else {
			after[g] = grant
		}
	}
	return before, after, ended
}

// accessBy returns what the account has of an image whose present shares these are.
func accessBy(shares map[Grantee]Grant, img *ImageRecord, account AccountID, orgs []OrganizationID) *Access {
	access := &Access{Image: img, Own: shares[Account(account)], Everyone: shares[Everyone]}
	for _, org := range orgs {
		if grant, ok := shares[Organization(org)]; ok {
			access.Organization = grant // one present share is as good as another
		}
	}
	return access
}

// couldReinit asks the rule of reinit whether the actor could reinitialise its instances of the image.
func (m *moment) couldReinit(a *Access) (bool, error) {
	if m.reach(a) != usable { // which spares reading the trust policy
		return false, nil
	}
	if err := m.load(Need{Trust: true}); err != nil {
		return false, err
	}
	_, err := m.canUse(a, a.Image.ID, a.Image.Region, "")
	return err == nil, nil
}

// as returns the moment with another actor, of whom nothing is loaded.
func (m *moment) as(actor AccountID) *moment {
	return &moment{op: m.op, actor: actor, policy: m.policy, clock: m.clock, at: m.now(), outside: &outside{}, tx: m.tx}
}

// countInstances counts the instances made from the image by their owners.
func (m *moment) countInstances(image ImageID) (map[AccountID]int, error) {
	counts := make(map[AccountID]int)
	scan := InstanceScan{Query: InstanceQuery{Image: image}, Limit: maxPage}
	err := scanAll(scan.Limit, func(each func(*InstanceRecord)) error { return m.tx.Instances(scan, each) }, func(inst *InstanceRecord) {
		scan.After = inst.ID
		counts[inst.Owner]++
	})
	return counts, err
}
