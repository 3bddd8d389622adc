package sharing

import (
	"context"
	"iter"
)

// Images lists the images within the actor's reach that q selects, in ascending order of ID. It reads up to 1,000 at a
// time, each batch at one instant; the body of the loop may call the engine.
//
// An invalid query is [ErrInvalid]. An error ends the listing.
func (e *Engine) Images(ctx context.Context, actor AccountID, q ImageQuery) iter.Seq2[Image, error] {
	q = q.normal()
	return all(ctx, "Images", func(p Page) ([]Image, string, error) { return e.ImagesPage(ctx, actor, q, p) })
}

// ImagesPage is [Engine.Images] one page at a time, for API servers: next is the cursor of the page that follows, and
// empty after the last. A bad [Page] is [ErrInvalid].
func (e *Engine) ImagesPage(ctx context.Context, actor AccountID, q ImageQuery, p Page) (items []Image, next string, err error) {
	q = q.normal()
	l, err := e.beginPage(ctx, "Images", actor, q, p, 1, q.validate())
	if err != nil {
		return nil, "", err
	}
	scan := ImageScan{Account: actor, Query: q}
	if q.Source != "" && q.Owner == "" { // a source selects the actor's own images only
		scan.Query.Owner = actor
	}
	own := scan.Query.Owner == actor
	if q.Source != "" && !own { // no other owner's image is the actor's own: the page is empty
		if err := ctx.Err(); err != nil {
			return nil, "", l.named(err)
		}
		return []Image{}, "", nil
	}
	if own && scan.Query.Origin&OriginOwn != 0 {
		scan.Query.Origin = OriginOwn // whatever else reaches it
	}
	err = l.view(func(tx ViewTx) error {
		m := l.moment(tx)
		if q.Source != "" {
			if err := m.load(Need{Image: q.Source}); err != nil {
				return err
			}
			if m.reach(&m.Image) == unseen { // that it exists, and was used, must not show (R20)
				items, next = []Image{}, ""
				return l.outside.organizationsKnown()
			}
		}
		if scan.Query.Origin&OriginShared != 0 {
			if err := l.outside.organizationsKnown(); err != nil {
				return err
			}
		}
		scan.Organizations, scan.After = l.outside.organizations, ImageID(l.after[0])
		images, more, err := gather(l.limit, func(limit int, each func(*Access)) error {
			scan.Limit = limit
			return tx.Images(scan, each)
		}, func(a *Access) *Image {
			scan.After = a.Image.ID
			if !m.lists(a, scan.Query) {
				return nil
			}
			return &a.Image.Image
		})
		if err != nil {
			return err
		}
		if next = ""; more {
			next = l.cursor(string(images[len(images)-1].ID))
		}
		items = images
		return m.showAll(items, l.fresh)
	})
	if err != nil {
		return nil, "", err
	}
	return items, next, nil
}

// Shares lists the shares of one image, in ascending order of grantee: to its owner, all of them; to another account
// that sees the image, only those that reach it, which are its own, its organisations' and everyone's (R9). It reads up
// to 1,000 at a time, each batch at one instant; the body of the loop may call the engine.
//
// The call is refused with [ErrImageNotFound]. An error ends the listing.
func (e *Engine) Shares(ctx context.Context, actor AccountID, image ImageID) iter.Seq2[Share, error] {
	return all(ctx, "Shares", func(p Page) ([]Share, string, error) { return e.SharesPage(ctx, actor, image, p) })
}

// SharesPage is [Engine.Shares] one page at a time: next is the cursor of the page that follows, and empty after the
// last. A bad [Page] is [ErrInvalid].
func (e *Engine) SharesPage(ctx context.Context, actor AccountID, image ImageID, p Page) (items []Share, next string, err error) {
	l, err := e.beginPage(ctx, "Shares", actor, image, p, 2, image.Validate())
	if err != nil {
		return nil, "", err
	}
	err = l.view(func(tx ViewTx) error {
		m, err := l.load(tx, Need{Image: image, Grantees: l.granteesOfActor()})
		if err != nil {
			return err
		}
		if err := m.see(&m.Image, image); err != nil {
			return err
		}
		read := tx.Shares
		if m.Image.Image.Owner != actor {
			if err := l.outside.organizationsKnown(); err != nil {
				return err
			}
			read = m.readReaching
		}
		items, next, err = m.pageOfShares(l, read, ShareScan{Image: image}, func(*SharedImage) bool { return true })
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return items, next, nil
}

// granteesOfActor returns the grantees whose shares reach the actor.
func (c *call) granteesOfActor() []Grantee {
	grantees := []Grantee{Account(c.actor), Everyone}
	for _, id := range c.outside.organizations {
		grantees = append(grantees, Organization(id))
	}
	return distinct(grantees)
}

// readReaching is [ViewTx.Shares] on what was loaded: the shares of one image that reach the actor.
func (m *moment) readReaching(scan ShareScan, each func(*SharedImage)) error {
	found := 0
	for _, share := range m.State.Shares {
		if share.Grantee > scan.After.Grantee && found < scan.Limit {
			found++
			each(&SharedImage{share, m.Image.Image})
		}
	}
	return nil
}

// SharesReceived lists the shares made with the actor's own account, in ascending order of image. With [SharePending]
// in the query, it finds the shares offered to the actor. Shares of images that the actor does not see are left out
// (R9, R16). It reads up to 1,000 at a time, each batch at one instant; the body of the loop may call the engine.
//
// An invalid query is [ErrInvalid]. An error ends the listing.
func (e *Engine) SharesReceived(ctx context.Context, actor AccountID, q ShareQuery) iter.Seq2[Share, error] {
	q = q.normal()
	return all(ctx, "SharesReceived", func(p Page) ([]Share, string, error) { return e.SharesReceivedPage(ctx, actor, q, p) })
}

// SharesReceivedPage is [Engine.SharesReceived] one page at a time: next is the cursor of the page that follows, and
// empty after the last. A bad [Page] is [ErrInvalid].
func (e *Engine) SharesReceivedPage(ctx context.Context, actor AccountID, q ShareQuery, p Page) (items []Share, next string, err error) {
	scan := ShareScan{Grantee: Account(actor), Owner: q.Owner}
	return e.sharesPage(ctx, "SharesReceived", actor, q, scan, p, func(shared *SharedImage) bool { return !shared.Record.disabled() })
}

// SharesGiven lists the shares of all images that the actor owns, in ascending order of image and then grantee. With a
// grantee in the query, it finds what that grantee has been given by the actor (R9). It reads up to 1,000 at a time,
// each batch at one instant; the body of the loop may call the engine.
//
// An invalid query is [ErrInvalid]. An error ends the listing.
func (e *Engine) SharesGiven(ctx context.Context, actor AccountID, q ShareQuery) iter.Seq2[Share, error] {
	q = q.normal()
	return all(ctx, "SharesGiven", func(p Page) ([]Share, string, error) { return e.SharesGivenPage(ctx, actor, q, p) })
}

// SharesGivenPage is [Engine.SharesGiven] one page at a time: next is the cursor of the page that follows, and empty
// after the last. A bad [Page] is [ErrInvalid].
func (e *Engine) SharesGivenPage(ctx context.Context, actor AccountID, q ShareQuery, p Page) (items []Share, next string, err error) {
	scan := ShareScan{Owner: actor, Grantee: q.Grantee}
	return e.sharesPage(ctx, "SharesGiven", actor, q, scan, p, func(*SharedImage) bool { return true })
}

func (e *Engine) sharesPage(ctx context.Context, op string, actor AccountID, q ShareQuery, scan ShareScan, p Page,
	visible func(*SharedImage) bool) (items []Share, next string, err error) {
	q = q.normal()
	l, err := e.beginPage(ctx, op, actor, q, p, 2, q.validate())
	if err != nil {
		return nil, "", err
	}
	err = l.view(func(tx ViewTx) (err error) {
		m := l.moment(tx)
		items, next, err = m.pageOfShares(l, tx.Shares, scan, func(shared *SharedImage) bool {
			return visible(shared) && q.matches(shared.Share, shared.Record)
		})
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return items, next, nil
}

// pageOfShares returns a page of the present shares that read finds by scan and keep wants.
func (m *moment) pageOfShares(l listing, read func(ShareScan, func(*SharedImage)) error, scan ShareScan, keep func(*SharedImage) bool) (
	items []Share, next string, err error) {
	scan.After = ShareKey{ImageID(l.after[0]), Grantee(l.after[1])}
	items, more, err := gather(l.limit, func(limit int, each func(*SharedImage)) error {
		scan.Limit = limit
		return read(scan, each)
	}, func(shared *SharedImage) *Share {
		scan.After = ShareKey{shared.Image, shared.Grantee}
		if !m.present(shared.grant()) || !keep(shared) {
			return nil
		}
		return &shared.Share
	})
	if err != nil {
		return nil, "", err
	}
	if more {
		last := items[len(items)-1]
		next = l.cursor(string(last.Image), string(last.Grantee))
	}
	return items, next, nil
}

// Instances lists the actor's own instances that q selects, in ascending order of ID. It reads up to 1,000 at a time,
// each batch at one instant; the body of the loop may call the engine.
//
// An invalid query is [ErrInvalid]. An error ends the listing.
func (e *Engine) Instances(ctx context.Context, actor AccountID, q InstanceQuery) iter.Seq2[Instance, error] {
	q = q.normal()
	return all(ctx, "Instances", func(p Page) ([]Instance, string, error) { return e.InstancesPage(ctx, actor, q, p) })
}

// InstancesPage is [Engine.Instances] one page at a time: next is the cursor of the page that follows, and empty after
// the last. A bad [Page] is [ErrInvalid].
func (e *Engine) InstancesPage(ctx context.Context, actor AccountID, q InstanceQuery, p Page) (items []Instance, next string, err error) {
	q = q.normal()
	l, err := e.beginPage(ctx, "Instances", actor, q, p, 1, q.validate())
	if err != nil {
		return nil, "", err
	}
	err = l.view(func(tx ViewTx) error {
		scan := InstanceScan{Owner: actor, Query: q, After: InstanceID(l.after[0])}
		found, more, err := gather(l.limit, func(limit int, each func(*InstanceRecord)) error {
			scan.Limit = limit
			return tx.Instances(scan, each)
		}, func(rec *InstanceRecord) *Instance {
			scan.After = rec.ID
			return &rec.Instance
		})
		if err != nil {
			return err
		}
		if next = ""; more {
			next = l.cursor(string(found[len(found)-1].ID))
		}
		if !l.fresh {
			for i := range found {
				found[i] = found[i].clone()
			}
		}
		items = found
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return items, next, nil
}
