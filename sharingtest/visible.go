package sharingtest

import (
	"context"

	"github.com/imageshare/sharing"
)

// visible compares all that the accounts can see, hidden images and instances among it.
func (w *world) visible(t TB, accounts []sharing.AccountID, regions []sharing.Region) {
	for _, actor := range accounts {
		for _, c := range w.views(actor, accounts, regions) {
			w.do(t, c)
		}
	}
}

// glance compares the most telling part of what visible does.
func (w *world) glance(t TB, accounts []sharing.AccountID) {
	for _, actor := range accounts {
		w.do(t, call{Op: "Instances", Actor: actor})
		w.do(t, call{Op: "Images", Actor: actor, Images: sharing.ImageQuery{Origin: everyOrigin, Deprecated: true}})
		for _, img := range sorted(w.model.images) {
			w.do(t, call{Op: "Shares", Actor: actor, Image: img.ID})
			w.do(t, call{Op: "CanUse", Actor: actor, Image: img.ID, Region: img.Region})
		}
	}
}

const everyOrigin = sharing.OriginOwn | sharing.OriginShared | sharing.OriginPublic

// views are the reads by which an account can see anything.
func (w *world) views(actor sharing.AccountID, accounts []sharing.AccountID, regions []sharing.Region) []call {
	views := []call{
		{Op: "Images"},
		{Op: "Images", Images: sharing.ImageQuery{Origin: everyOrigin, Deprecated: true}},
		{Op: "SharesReceived"},
		{Op: "SharesGiven"},
		{Op: "Instances"},
	}
	if w.lacks.has(Trust) {
		views = append(views, call{Op: "Trust"})
	}
	for _, img := range sorted(w.model.images) {
		id := img.ID
		views = append(views, call{Op: "Image", Image: id}, call{Op: "Shares", Image: id})
		for _, region := range regions {
			views = append(views, call{Op: "CanUse", Image: id, Region: region})
			if w.lacks.has(Families) && img.Family != "" {
				views = append(views, call{Op: "Latest", Latest: sharing.LatestQuery{Owner: img.Owner, Family: img.Family, Region: region}})
			}
		}
		if source := img.Source.Image; source != "" {
			views = append(views, call{Op: "Images", Images: sharing.ImageQuery{Source: source}})
		}
		if w.lacks.has(Impact) {
			views = append(views, call{Op: "DeleteImpact", Image: id})
		}
		if w.lacks.has(Lineage) {
			views = append(views, call{Op: "Exposure", Image: id})
		}
	}
	for _, inst := range sorted(w.model.instances) {
		views = append(views, call{Op: "Instance", Instance: inst.ID})
	}
	for i := range views {
		views[i].Actor = actor
	}
	return views
}

// pages reads a listing page by page, and compares it with what there is at once. A cursor is good for its own account
// and query only.
func (w *world) pages(t TB, c call, limit int) {
	pager, ok := w.subject.System.(Pager)
	if !ok {
		return
	}
	c = c.in("a page of ")
	want, wantErr := c.of(t.Context(), w.model)
	if wantErr != nil {
		_, _, err := c.page(t.Context(), pager, sharing.Page{Limit: limit})
		w.compare(t, c, nil, err, nil, wantErr)
		return
	}
	p := sharing.Page{Limit: limit}
	got, next, err := c.page(t.Context(), pager, p)
	for pages := 0; err == nil && next != ""; pages++ {
		if pages > 1000 {
			t.Fatalf("%v: more than 1000 pages", c)
		}
		w.foreign(t, pager, c, next)
		p.Cursor = next
		var more listing
		more, next, err = c.page(t.Context(), pager, p)
		if more.len() > limit {
			t.Fatalf("%v: a page of %d items, at most %d were asked for", c, more.len(), limit)
		}
		got = got.and(more)
	}
	w.compare(t, c, got.of(c.Op), err, want, nil)
}

// foreign tries a cursor with another account and another query, which is bad input.
func (w *world) foreign(t TB, pager Pager, c call, cursor string) {
	actor := c.in("by the cursor of another call, a page of ")
	region := actor
	actor.Actor = "other"
	region.Images.Region, region.Shares.Region, region.Instances.Region = "other", "other", "other"
	others := []call{actor, region}
	if c.Op == "Shares" {
		others = others[:0] // of another account, which may not see the image, or of another image: below
	}
	for _, other := range others {
		_, _, err := other.page(t.Context(), pager, sharing.Page{Cursor: cursor})
		w.compare(t, other, nil, err, nil, sharing.ErrInvalid)
	}
	_, _, err := c.page(t.Context(), pager, sharing.Page{Cursor: cursor + "x"})
	w.compare(t, c.in("by a made-up cursor, a page of "), nil, err, nil, sharing.ErrInvalid)
	_, _, err = c.page(t.Context(), pager, sharing.Page{Limit: -1})
	w.compare(t, c.in("by the limit -1, a page of "), nil, err, nil, sharing.ErrInvalid)
}

// A listing is the items of one listing: one of its fields is used.
type listing struct {
	images    []sharing.Image
	shares    []sharing.Share
	instances []sharing.Instance
}

func (l listing) len() int { return len(l.images) + len(l.shares) + len(l.instances) }

func (l listing) and(m listing) listing {
	return listing{append(l.images, m.images...), append(l.shares, m.shares...), append(l.instances, m.instances...)}
}

// of returns the items as the method's listing does.
func (l listing) of(op string) any {
	switch op {
	case "Images":
		return l.images
	case "Instances":
		return l.instances
	}
	return l.shares
}

// page makes the page form of a listing.
func (c call) page(ctx context.Context, s Pager, p sharing.Page) (l listing, next string, err error) {
	switch c.Op {
	case "Images":
		l.images, next, err = s.ImagesPage(ctx, c.Actor, c.Images, p)
	case "Instances":
		l.instances, next, err = s.InstancesPage(ctx, c.Actor, c.Instances, p)
	case "Shares":
		l.shares, next, err = s.SharesPage(ctx, c.Actor, c.Image, p)
	case "SharesReceived":
		l.shares, next, err = s.SharesReceivedPage(ctx, c.Actor, c.Shares, p)
	case "SharesGiven":
		l.shares, next, err = s.SharesGivenPage(ctx, c.Actor, c.Shares, p)
	}
	return l, next, err
}
