package sharingtest

import (
	"errors"
	"reflect"
	"time"

	"pgregory.net/rapid"

	"github.com/imageshare/sharing"
)

// twoWorlds makes the same calls of accounts a and b in two worlds, which differ only in
// what d does with its own images, which it never shares with them. They must find no
// difference: not in an answer, the text of an error, or a page (R20).
func twoWorlds(t *rapid.T, open Open, lacks features) {
	policy := dealer{T: t, lacks: lacks}.policy()
	var busy, quiet *world
	for _, w := range []**world{&busy, &quiet} {
		var m *members
		if lacks.has(Organizations) {
			m = &members{of: map[sharing.AccountID][]sharing.OrganizationID{"b": {"o"}, "c": {"p"}, "d": {"p"}}}
		}
		*w = newWorld(t, open, lacks, policy, lacks.has(GranteeCheck), m)
	}
	step := 0
	both := func(t *rapid.T, c call) {
		step++
		busy.drawn, quiet.drawn = 1000*step, 1000*step // the same IDs in both worlds
		compareWorlds(t, c, busy, quiet)
	}
	public := func(t *rapid.T) {
		d := dealer{T: t, w: busy, lacks: lacks}
		c := d.change(pick(d, "op", d.ops()...))
		c.Actor = pick(d, "actor", accounts[:2]...)
		both(t, c)
	}
	secret := func(t *rapid.T) {
		d := dealer{T: t, w: busy, lacks: lacks}
		busy.drawn = 1000*step + 500 + len(busy.model.images) + len(busy.model.instances)
		busy.do(t, d.secret())
	}
	list := func(t *rapid.T) {
		c := dealer{T: t, w: busy, lacks: lacks}.query()
		c.Actor = pick(dealer{T: t}, "actor", accounts[:2]...)
		both(t, c)
		for _, limit := range []int{1, 2} {
			comparePages(t, c, limit, busy, quiet)
		}
	}
	t.Repeat(map[string]func(*rapid.T){
		"public": public, "more public": public, "secret": secret, "list": list,
		"time passes": func(t *rapid.T) {
			busy.clock.now = busy.clock.now.Add(time.Hour)
			quiet.clock.now = busy.clock.now
		},
		"": func(t *rapid.T) {
			for _, actor := range accounts[:2] {
				for _, c := range busy.views(actor, accounts, regions) {
					compareWorlds(t, c, busy, quiet)
				}
			}
		},
	})
}

// secret draws a change that d makes, with its own images only, and that reaches nobody but c and the organisation p.
func (d dealer) secret() call {
	var images []sharing.ImageID
	for _, img := range sorted(d.w.model.images) {
		if img.Owner == "d" && !img.deleted {
			images = append(images, img.ID)
		}
	}
	op := "Register"
	if len(images) > 0 {
		op = pick(d, "op", d.ops()...)
	}
	c := d.change(op)
	c.Actor = "d"
	if len(images) > 0 {
		c.Image = pick(d, "image", images...)
	}
	if len(c.Grantees) > 0 {
		c.Grantees = []sharing.Grantee{pick(d, "grantee", sharing.Grantee("c"), sharing.Organization("p"))}
		if !d.lacks.has(Organizations) {
			c.Grantees = []sharing.Grantee{"c"}
		}
	}
	return c
}

// compareWorlds makes a call in both worlds. It fails the test unless both answer it alike, to the letter.
// The worlds of a system that draws its own IDs can't be compared: it ends there.
func compareWorlds(t TB, c call, busy, quiet *world) {
	got, gotErr := busy.do(t, c)
	want, wantErr := quiet.do(t, c)
	if id := idOf(want); id != idOf(got) && quiet.model.images[sharing.ImageID(idOf(got))] == nil && c.Op != "Latest" {
		t.Fatalf("%v: the worlds drew different IDs, %s and %s: a system judged by TwoWorlds draws from Setup.IDs", c, idOf(got), id)
	}
	if text(gotErr) != text(wantErr) || wantErr == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%v: the answer depends on what the actor must not know (R20):\n%+v, %v\n%+v, %v", c, got, gotErr, want, wantErr)
	}
}

// comparePages reads a listing page by page in both worlds: the cursors too must be the same.
func comparePages(t TB, c call, limit int, busy, quiet *world) {
	a, aPages := busy.subject.System.(Pager)
	b, bPages := quiet.subject.System.(Pager)
	if !aPages || !bPages {
		return
	}
	p := sharing.Page{Limit: limit}
	for {
		got, gotNext, gotErr := c.page(t.Context(), a, p)
		want, wantNext, wantErr := c.page(t.Context(), b, p)
		if gotNext != wantNext || text(gotErr) != text(wantErr) || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v: a page depends on what the actor must not know (R20):\n%+v, %q, %v\n%+v, %q, %v", c, got, gotNext, gotErr, want, wantNext, wantErr)
		}
		if wantNext == "" {
			return
		}
		p.Cursor = wantNext
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// errDirectory is what a directory fails with.
var errDirectory = errors.New("the directory is down")

// failingDirectory makes calls while the directory fails (R19). Each answer is then the
// directory's error, with nothing changed, or the one that an account in no organisation would
// get, which is the only one where ownership, the account's own accepted share or everyone's
// suffices. The error alone is the answer where only an organisation's share could reach.
func failingDirectory(t *rapid.T, open Open, lacks features) {
	d := newDealer(t, open, lacks)
	ops := d.ops()
	for range 15 {
		d.w.do(t, d.likely(pick(d, "op", ops...)))
	}
	d.w.members.fail = errDirectory
	for range 5 {
		d.w.doWithout(t, d.change(pick(d, "op", ops...)))
	}
	for range 5 {
		d.w.doWithout(t, d.query())
	}
	for _, actor := range accounts {
		for _, c := range d.w.views(actor, accounts, regions) {
			d.w.doWithout(t, c)
		}
	}
}

// doWithout makes a call while the directory fails.
func (w *world) doWithout(t TB, c call) {
	before, tried := w.model, w.model.clone()
	got, gotErr := c.of(t.Context(), w.subject.System)
	w.answer = idOf(got)
	want, wantErr := c.of(t.Context(), tried)
	needed, needless := w.needsDirectory(c)
	switch failed := errors.Is(gotErr, errDirectory); {
	case failed && needless && !errors.Is(wantErr, sharing.ErrInvalid):
		t.Fatalf("%v: fails with the directory, on which it does not depend (R19): %v", c, gotErr)
	case !failed && needed && !errors.Is(wantErr, sharing.ErrInvalid):
		t.Fatalf("%v: answers %v, %v, though the directory can't tell (R19)", c, got, gotErr)
	case failed:
		w.follow(t, c, before)
		return
	}
	w.compare(t, c, got, gotErr, want, wantErr)
	w.model = tried
	w.follow(t, c, before)
}

// needsDirectory reports whether the answer to a call is the directory's to give, and whether it surely is not.
// Neither is said of most calls about several images, and of those whose answer shows a source or a replacement.
func (w *world) needsDirectory(c call) (needed, needless bool) {
	id := c.Image
	switch c.Op {
	case "Instance", "Instances", "Trust", "SetTrust", "Terminate", "SharesGiven":
		return false, true
	case "Image", "Update", "Copy", "Capture", "Deprecate", "ReplaceDisk", "Register", "SharesReceived", "Shares", "Exposure", "DeleteImpact":
		return false, false
	case "Latest": // through an organisation there may be a newer one
		return c.Actor != c.Latest.Owner, false
	case "Images":
		q := c.Images
		if q.Origin == 0 {
			q.Origin = sharing.OriginOwn | sharing.OriginShared
		}
		if q.Source != "" && q.Owner == "" { // a source selects the actor's own images only
			q.Owner = c.Actor
		}
		own := q.Owner == c.Actor && q.Origin&sharing.OriginOwn != 0
		needed = !own && q.Origin&sharing.OriginShared != 0
		needless = own && w.ownImagesReferToUsable(c.Actor)
		if q.Source == "" {
			return needed, needless
		}
		if q.Owner != c.Actor {
			return false, true
		}
		unseen, usable := w.withoutDirectory(c.Actor, q.Source)
		return needed || unseen, needless && usable
	case "Reinit":
		inst, err := w.model.ownInstance(c.Actor, c.Instance)
		if err != nil {
			return false, true
		}
		id = inst.Image
	}
	return w.withoutDirectory(c.Actor, id)
}

// withoutDirectory reports whether an account sees an image only if an organisation's share reaches it, as
// seems to be so where there is no image, and whether the account may use it whatever the directory says.
func (w *world) withoutDirectory(account sharing.AccountID, id sharing.ImageID) (unseen, usable bool) {
	img := w.model.images[id]
	if img == nil || img.deleted || img.State == sharing.ImageDisabled && img.Owner != account {
		return true, false
	}
	_, own := w.model.present(img)[sharing.Account(account)]
	usable = w.model.origin(account, img) != 0
	return !usable && !own, usable
}

// ownImagesReferToUsable reports whether an account may use all that its images refer to, so that they are shown whole.
func (w *world) ownImagesReferToUsable(account sharing.AccountID) bool {
	usable := func(id sharing.ImageID) bool {
		return id == "" || w.model.images[id] != nil && w.model.mayUse(account, w.model.images[id])
	}
	for _, img := range w.model.images {
		if img.Owner == account && (!usable(img.Source.Image) || img.Deprecation != nil && !usable(img.Deprecation.Replacement)) {
			return false
		}
	}
	return true
}
