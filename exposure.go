package sharing

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// An Exposure says where the data of an image may have gone (R10): to every grantee that held a share of it, and into
// the images that were captured or copied from it, through any number of steps, whether or not they still exist. It
// names what its reader, the image's owner, may know, and counts the rest.
type Exposure struct {
	// Image is the image that was asked about.
	Image ImageID
	// Images are the images made from Image that the actor sees, each listed after the one that it was made from.
	Images []ExposedImage
	// Holders are the grantees that ever held a share of Image, or of another of the actor's images that was made from
	// it, in ascending order of grantee.
	Holders []Holder
	// Beyond counts what the actor does not see.
	Beyond Beyond
	// Truncated means that more than 100,000 images were made from Image: those after the first 100,000
	// are neither named nor counted.
	Truncated bool
}

// An ExposedImage is an image that holds data of the image that was asked about.
type ExposedImage struct {
	Image ImageID
	Owner AccountID
	// Source is the image that this one was made from: the one that was asked about, or another of those named. It is
	// empty if the actor does not see it.
	Source ImageID
	// Captured is true for a capture and false for a copy.
	Captured bool
}

// A Holder is a grantee that held a share of the image that was asked about, or of another of the
// actor's images that was made from it.
type Holder struct {
	Grantee Grantee
	// Holdings are the grantee's shares, image by image, in the order in which they were made.
	Holdings []Holding
	// Instances counts the system disks that the account made, by a launch or a replaced disk, from any image with the
	// data. It is 0 for an organisation and for everyone: their accounts are counted in Beyond.
	Instances int
	// Captures counts the images that the account captured from images of the actor.
	Captures int
}

// A Holding is one share that was made, and the time for which it was held.
type Holding struct {
	// Image is the shared image. It is empty if the image was deleted and is not the one that was asked about.
	Image ImageID
	// From is when the share was made.
	From time.Time
	// To is when the share ended. It is zero while the share is present.
	To time.Time `json:",omitzero"`
}

// Beyond counts what the owner of an image does not see.
type Beyond struct {
	// Images counts the images made from the one that was asked about that the actor does not see:
	// images of others, and deleted ones.
	Images int
	// Accounts counts the accounts that may have the data and are not named in Holders. Such an account owns or owned
	// an image made from the one that was asked about, held a share of such an image, or made a system disk through a
	// share with an organisation or with everyone, or through a share of such an image.
	Accounts int
	// Shares counts the shares that other accounts ever made of their own images with the data.
	Shares int
	// Instances counts the system disks that accounts not named in Holders ever made from any image with the data.
	Instances int
}

// maxExposed is how many derived images an Exposure covers.
const maxExposed = 100_000

// Exposure says where the data of an image that the actor owns, or owned before it was deleted, may have gone (R10). It
// follows from the event log and the lineage, and stays true after unshare and delete.
//
// The call is refused with [ErrImageNotFound] and [ErrNotOwner].
func (e *Engine) Exposure(ctx context.Context, actor AccountID, image ImageID) (Exposure, error) {
	c, err := e.begin(ctx, "Exposure", actor, image.Validate())
	if err != nil {
		return Exposure{}, err
	}
	return answerOf(&c, func(tx ViewTx) (Exposure, error) {
		m, err := c.load(tx, Need{Image: image})
		if err != nil {
			return Exposure{}, err
		}
		img := m.Image.Image
		if img == nil || img.Owner != actor { // a former owner is answered too
			if img, err = m.ownImage(image); err != nil {
				return Exposure{}, err
			}
		}
		x := explorer{
			m:        m,
			exposure: Exposure{Image: image},
			holders:  make(map[Grantee]*Holder),
			others:   make(map[AccountID]tally),
			shown:    make(map[ImageID]bool),
		}
		if err := x.explore(img); err != nil {
			return Exposure{}, err
		}
		return x.report(), nil
	})
}

// An explorer collects an Exposure.
type explorer struct {
	m        *moment
	exposure Exposure
	holders  map[Grantee]*Holder
	others   map[AccountID]tally // every account but the actor that the data reached
	shown    map[ImageID]bool    // the images named so far
}

// A tally counts what an account made of the data: system disks, and captures of images of the actor. The account may
// turn out to be a holder later in the walk.
type tally struct{ disks, captures int }

// A pending image has derived images that are yet to be visited: those after a certain one. Lineage is a tree, so a
// stack of pending images is all the memory that the walk needs.
type pending struct {
	image *ImageRecord
	after ImageID
}

// explore visits the image and all that was made from it.
func (x *explorer) explore(root *ImageRecord) error {
	if err := x.visit(root, root.ID); err != nil {
		return err
	}
	visited := 0
	for stack := []pending{{image: root}}; len(stack) > 0; {
		last := len(stack) - 1
		from := stack[last]
		derived, err := x.m.tx.Derived(from.image.ID, from.after, exposureBatch)
		if err != nil {
			return err
		}
		if len(derived) < exposureBatch {
			stack = stack[:last]
		} else {
			stack[last].after = derived[len(derived)-1].ID
		}
		visible, err := x.visible(derived)
		if err != nil {
			return err
		}
		for i, img := range derived {
			if visited++; visited > maxExposed {
				x.exposure.Truncated = true
				return nil
			}
			x.place(img, from.image, visible[i])
			shownAs := ImageID("")
			if visible[i] {
				shownAs = img.ID
			}
			if err := x.visit(img, shownAs); err != nil {
				return err
			}
			stack = append(stack, pending{image: img})
		}
	}
	return nil
}

// exposureBatch is how many derived images are read at a time.
const exposureBatch = 100

// visible tells which of the images the actor sees.
func (x *explorer) visible(imgs []*ImageRecord) ([]bool, error) {
	if len(imgs) == 0 {
		return nil, nil
	}
	need := Need{Account: x.m.actor, Organizations: x.m.outside.organizations}
	for _, img := range imgs {
		need.Images = append(need.Images, img.ID)
	}
	state, err := x.m.tx.Load(need)
	if err != nil {
		return nil, err
	}
	visible := make([]bool, len(imgs))
	for i := range state.Images {
		visible[i] = x.m.reach(&state.Images[i]) != unseen
		if !visible[i] && x.m.outside.needsDirectory {
			return nil, x.m.outside.organizationsKnown() // if the directory fails to tell, the image is counted, not named
		}
	}
	return visible, nil
}

// place puts a derived image where it belongs in the report.
func (x *explorer) place(img, source *ImageRecord, visible bool) {
	captured := img.Source.Instance != ""
	captures := 0
	if captured && source.Owner == x.m.actor {
		captures = 1
	}
	x.reached(img.Owner, tally{captures: captures})
	if !visible {
		x.exposure.Beyond.Images++
		return
	}
	shown := ExposedImage{Image: img.ID, Owner: img.Owner, Captured: captured}
	if source.ID == x.exposure.Image || x.shown[source.ID] {
		shown.Source = source.ID
	}
	x.shown[img.ID] = true
	x.exposure.Images = append(x.exposure.Images, shown)
}

// visit reads the image's log: who held it, and what was made from it.
func (x *explorer) visit(img *ImageRecord, shownAs ImageID) error {
	own := img.Owner == x.m.actor
	held := holdings{image: shownAs, ended: x.hold}
	q := EventQuery{Image: img.ID, Limit: maxPage}
	for {
		events, err := x.m.tx.Events(q)
		if err != nil {
			return err
		}
		for i := range events {
			ev := &events[i]
			if ev.Kind == EventLaunched || ev.Kind == EventDiskReplaced {
				x.reached(ev.Actor, tally{disks: 1})
			}
			if own {
				held.follow(ev)
			} else if ev.Kind == EventShared {
				x.countShares(ev.Shares)
			}
		}
		if len(events) < q.Limit {
			break
		}
		q.After = events[len(events)-1].Cursor
	}
	held.finish(x.m.now())
	return nil
}

func (x *explorer) countShares(shares []Share) {
	x.exposure.Beyond.Shares += len(shares)
	for _, share := range shares {
		if account, ok := share.Grantee.Account(); ok {
			x.reached(account, tally{})
		}
	}
}

// reached notes that the data reached an account, and adds up what the account made of it.
func (x *explorer) reached(account AccountID, more tally) {
	if account != x.m.actor {
		sum := x.others[account]
		x.others[account] = tally{sum.disks + more.disks, sum.captures + more.captures}
	}
}

// hold adds a holding to its holder's.
func (x *explorer) hold(g Grantee, h Holding) {
	holder := x.holders[g]
	if holder == nil {
		holder = &Holder{Grantee: g}
		x.holders[g] = holder
	}
	holder.Holdings = append(holder.Holdings, h)
}

// report completes the Exposure: accounts that are holders are named, the others counted.
func (x *explorer) report() Exposure {
	for account, sum := range x.others {
		if holder := x.holders[Account(account)]; holder != nil {
			holder.Instances, holder.Captures = sum.disks, sum.captures
			continue
		}
		x.exposure.Beyond.Accounts++
		x.exposure.Beyond.Instances += sum.disks
	}
	for _, holder := range x.holders {
		x.exposure.Holders = append(x.exposure.Holders, *holder)
	}
	slices.SortFunc(x.exposure.Holders, func(a, b Holder) int { return cmp.Compare(a.Grantee, b.Grantee) })
	return x.exposure
}

// holdings follows the shares of one image through its log.
type holdings struct {
	image   ImageID
	present map[Grantee]Share
	ended   func(Grantee, Holding)
}

func (h *holdings) follow(ev *Event) {
	for _, share := range ev.Shares {
		if was, ok := h.present[share.Grantee]; ok && !was.CreatedAt.Equal(share.CreatedAt) {
			h.end(share.Grantee, was.Expires) // a share takes the place of one that expired
		}
		if h.present == nil { // most images were never shared
			h.present = make(map[Grantee]Share)
		}
		h.present[share.Grantee] = share
	}
	for _, g := range ev.Ended {
		h.end(g, ev.At)
	}
	if ev.ImageRecord != nil && !ev.ImageRecord.DeletedAt.IsZero() {
		for g := range h.present {
			h.end(g, ev.At)
		}
	}
}

// end ends the share with g at the given time, or when it expired, if that was earlier.
func (h *holdings) end(g Grantee, at time.Time) {
	share := h.present[g]
	if !share.Expires.IsZero() && share.Expires.Before(at) {
		at = share.Expires
	}
	delete(h.present, g)
	h.ended(g, Holding{Image: h.image, From: share.CreatedAt, To: at})
}

// finish ends the shares that have expired by now, and reports the others as present.
func (h *holdings) finish(now time.Time) {
	for g, share := range h.present {
		if !share.Expires.IsZero() && !share.Expires.After(now) {
			h.end(g, share.Expires)
			continue
		}
		h.ended(g, Holding{Image: h.image, From: share.CreatedAt})
	}
}
