package sharing

import "context"

// Image returns the image with this ID as the actor sees it, also through a pending or rejected share (R14).
//
// The call is refused with [ErrImageNotFound].
func (e *Engine) Image(ctx context.Context, actor AccountID, id ImageID) (Image, error) {
	c, err := e.begin(ctx, "Image", actor, id.Validate())
	if err != nil {
		return Image{}, err
	}
	return answerOf(&c, func(tx ViewTx) (Image, error) {
		m, err := c.load(tx, Need{Image: id})
		if err != nil {
			return Image{}, err
		}
		if err := m.see(&m.Image, id); err != nil {
			return Image{}, err
		}
		return m.show(m.Image.Image)
	})
}

// Instance returns one of the actor's instances.
//
// The call is refused with [ErrInstanceNotFound].
func (e *Engine) Instance(ctx context.Context, actor AccountID, id InstanceID) (Instance, error) {
	c, err := e.begin(ctx, "Instance", actor, id.Validate())
	if err != nil {
		return Instance{}, err
	}
	return answerOf(&c, func(tx ViewTx) (Instance, error) {
		m, err := c.load(tx, Need{Instances: []InstanceID{id}})
		if err != nil {
			return Instance{}, err
		}
		m.Instance = m.Instances[0]
		rec, err := m.ownInstance(id)
		if err != nil {
			return Instance{}, err
		}
		return rec.Instance.clone(), nil
	})
}

// Latest returns the newest image of an owner's family in a region that is available, not deprecated, and that the
// actor may use. The newest is the one with the latest CreatedAt and, among equals, the greatest ID (R18). The query
// always names an owner, so that a look-alike family of another owner is never picked.
//
// An empty owner, family or region is [ErrInvalid]. The call is refused with [ErrImageNotFound] if there is no such
// image, and with [ErrUntrustedOwner] if there is one but the actor's trust policy refuses its owner (R11).
func (e *Engine) Latest(ctx context.Context, actor AccountID, q LatestQuery) (Image, error) {
	c, err := e.begin(ctx, "Latest", actor, q.validate())
	if err != nil {
		return Image{}, err
	}
	scan := ImageScan{Account: actor, Limit: maxPage, Query: ImageQuery{
		Owner: q.Owner, Family: q.Family, Region: q.Region, Origin: OriginOwn | OriginShared | OriginPublic,
	}}
	return answerOf(&c, func(tx ViewTx) (Image, error) {
		m, err := c.load(tx, Need{Trust: true})
		if err != nil {
			return Image{}, err
		}
		if actor != q.Owner {
			if err := m.outside.organizationsKnown(); err != nil {
				return Image{}, err
			}
		}
		scan.Organizations = c.outside.organizations
		newest, err := m.newest(scan, q.Architecture)
		if err != nil {
			return Image{}, err
		}
		return m.show(newest)
	})
}

// newest returns the newest usable image that scan selects (R18).
func (m *moment) newest(scan ImageScan, architecture string) (*ImageRecord, error) {
	var newest *ImageRecord
	if err := scanAll(scan.Limit, func(each func(*Access)) error { return m.tx.Images(scan, each) }, func(a *Access) {
		img := a.Image
		scan.After = img.ID
		if m.reach(a) != usable || img.State != ImageAvailable || architecture != "" && architecture != img.Architecture {
			return
		}
		if newest == nil || !img.CreatedAt.Before(newest.CreatedAt) { // equally old: IDs ascend
			found := *img
			newest = &found
		}
	}); err != nil {
		return nil, err
	}
	family := scan.Query.Family
	if newest == nil {
		refusal := m.refuse(ErrImageNotFound, family, "name a family of which the owner shares an available image in the region")
		refusal.Rule = "R18"
		return nil, refusal
	}
	if m.Trust.Enforce && !m.Trust.trusts(m.actor, newest.Owner) {
		return nil, m.refuse(ErrUntrustedOwner, family, "add "+string(newest.Owner)+" to the account's trusted owners, or ask for a family of a trusted one")
	}
	return newest, nil
}
