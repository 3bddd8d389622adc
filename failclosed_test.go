package sharing_test

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// A store that claims success without having run the transaction permits nothing, and hides nothing (R27).
func TestR27_IdleStore(t *testing.T) {
	w := newWorld(t)
	img := w.image("owner")
	want(t, w.CanUse(t.Context(), "owner", img, "r1"), nil)
	e, err := sharing.New(idleStore{})
	want(t, err, nil)
	_, imageErr := e.Image(t.Context(), "owner", img)
	_, launchErr := e.Launch(t.Context(), "owner", sharing.LaunchSpec{Image: img, Region: "r1"})
	_, dryErr := e.DryRun().Launch(t.Context(), "owner", sharing.LaunchSpec{Image: img, Region: "r1"})
	for name, err := range map[string]error{
		"CanUse":  e.CanUse(t.Context(), "owner", img, "r1"),
		"Image":   imageErr,
		"Launch":  launchErr,
		"a dry":   dryErr,
		"Images":  first(e.Images(t.Context(), "owner", sharing.ImageQuery{})),
		"Events":  first(e.Events(t.Context(), sharing.EventQuery{})),
		"Watch":   first(e.Watch(t.Context(), "")),
		"Replay":  sharing.Replay(t.Context(), idleStore{}, w.Events(t.Context(), sharing.EventQuery{})),
		"Unshare": e.Unshare(t.Context(), "owner", img, "b"),
	} {
		if err == nil {
			t.Errorf("%s succeeds", name)
		}
	}
}

// An idleStore claims success, and does nothing.
type idleStore struct{}

func (idleStore) View(context.Context, func(sharing.ViewTx) error) error { return nil }

func (idleStore) Update(context.Context, func(sharing.UpdateTx) error) error { return nil }

// A store that returns while a closure still runs breaks its contract. The check that it belongs to fails, and no other
// check has to do with it: the race detector would tell (R27).
func TestR27_ClosureLeftBehind(t *testing.T) {
	w := newWorld(t)
	img := w.image("owner")
	w.share("owner", img, "b")
	store := &hastyStore{Store: w.store}
	e, err := sharing.New(store)
	want(t, err, nil)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		want(t, e.CanUse(cancelled, "owner", img, "r1"), context.Canceled)
		want(t, e.CanUse(t.Context(), "stranger", img, "r1"), sharing.ErrImageNotFound)
		want(t, e.CanUse(t.Context(), "b", img, "r1"), nil)
	}
	store.behind.Wait()
}

// A hastyStore does not wait for its transactions when their context has ended.
type hastyStore struct {
	sharing.Store
	behind sync.WaitGroup
}

func (s *hastyStore) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	if ctx.Err() == nil {
		return s.Store.View(ctx, fn)
	}
	s.behind.Go(func() { _ = s.Store.View(context.WithoutCancel(ctx), fn) })
	return ctx.Err()
}

// Where it can't be read whether an image is sealed, no instance made from it is captured (R27, R28).
func TestR27_LostRecord(t *testing.T) {
	w := newWorld(t)
	inst := w.launch("owner", w.image("owner"))
	e, err := sharing.New(altered{w.store, func(a *sharing.Access) { *a = sharing.Access{} }})
	want(t, err, nil)
	before := len(w.log())
	if _, err := e.Capture(t.Context(), "owner", inst, sharing.ImageSpec{}); err == nil || len(w.log()) != before {
		t.Errorf("got %v, want an error and no event", err)
	}
}

// What a store holds, but no call leaves behind, permits nothing (R27).
func TestR27_ImpossibleValues(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t)
	img, open := w.image("owner"), w.image("owner")
	w.share("owner", img, "b")
	w.share("owner", open, sharing.Everyone)
	inst := w.launch("b", img)
	public := w.launch("b", open)

	for name, alter := range map[string]func(*sharing.Access){
		"image state 3":                     func(a *sharing.Access) { a.Image.State = 3 },
		"image state 255":                   func(a *sharing.Access) { a.Image.State = 255 },
		"own share's status 3":              func(a *sharing.Access) { a.Own.Status, a.Everyone.Status = 3, 3 },
		"everyone's share pending":          func(a *sharing.Access) { a.Own.Status, a.Everyone.Status = sharing.SharePending, sharing.SharePending },
		"an organisation's share rejected":  func(a *sharing.Access) { a.Organization, a.Own, a.Everyone = rejected, rejected, sharing.Grant{} },
		"a tombstone with shares":           func(a *sharing.Access) { a.Image.DeletedAt = time.Unix(1, 0) },
		"shares of an image without record": func(a *sharing.Access) { a.Image = nil },
	} {
		t.Run(name, func(t *testing.T) {
			e, err := sharing.New(altered{w.store, alter})
			want(t, err, nil)
			for _, image := range []sharing.ImageID{img, open} {
				_, err = e.Launch(ctx, "b", sharing.LaunchSpec{Image: image, Region: "r1"})
				refused(t, "Launch", err)
				refused(t, "CanUse", e.CanUse(ctx, "b", image, "r1"))
				_, err = e.ReplaceDisk(ctx, "b", inst, sharing.DiskSpec{Image: image})
				refused(t, "ReplaceDisk", err)
			}
			for _, id := range []sharing.InstanceID{inst, public} {
				_, err = e.Reinit(ctx, "b", id)
				refused(t, "Reinit", err)
			}
			for found, err := range e.Images(ctx, "b", sharing.ImageQuery{Origin: sharing.OriginShared | sharing.OriginPublic}) {
				t.Errorf("Images finds %v, %v", found.ID, err)
			}
		})
	}
	t.Run("another's image state", func(t *testing.T) {
		e, err := sharing.New(altered{w.store, func(a *sharing.Access) { a.Image.State = 3 }})
		want(t, err, nil)
		want(t, e.CanUse(ctx, "owner", img, "r1"), sharing.ErrImageDisabled)
	})
}

// A store that knows of an account's share, but does not have it, ends in an error, and not in a panic (R27).
func TestR27_LostShare(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t)
	img := w.image("owner")
	e, err := sharing.New(altered{w.store, func(a *sharing.Access) { a.Own = sharing.Grant{Exists: true} }})
	want(t, err, nil)
	for name, call := range map[string]func(context.Context, sharing.AccountID, sharing.ImageID) error{
		"Accept": e.Accept, "Reject": e.Reject, "Leave": e.Leave,
	} {
		if err := call(ctx, "b", img); err == nil || len(w.log()) != 1 {
			t.Errorf("%s: got %v and %d events, want an error and no event", name, err, len(w.log()))
		}
	}
}

// A read that fails after it was answered gives no answer beside the error (R27).
func TestR27_FailureAfterTheAnswer(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t)
	img := w.image("owner")
	w.share("owner", img, "b")
	inst := w.launch("b", img)
	want(t, w.SetTrust(ctx, "b", sharing.Trust{Enforce: true}), nil)
	e, err := sharing.New(failsLate{w.store})
	want(t, err, nil)
	answers := make(map[string]any)
	errs := make(map[string]error)
	answers["Image"], errs["Image"] = e.Image(ctx, "owner", img)
	answers["Instance"], errs["Instance"] = e.Instance(ctx, "b", inst)
	answers["Trust"], errs["Trust"] = e.Trust(ctx, "b")
	answers["Exposure"], errs["Exposure"] = e.Exposure(ctx, "owner", img)
	answers["UnshareImpact"], errs["UnshareImpact"] = e.UnshareImpact(ctx, "owner", img, "b")
	answers["DeleteImpact"], errs["DeleteImpact"] = e.DeleteImpact(ctx, "owner", img)
	for name, answer := range answers {
		if !errors.Is(errs[name], errLate) || !reflect.ValueOf(answer).IsZero() {
			t.Errorf("%s: got %+v, %v; want nothing but the error", name, answer, errs[name])
		}
	}
}

// A failsLate store fails its reads once their closures have succeeded.
type failsLate struct{ sharing.Store }

var errLate = errors.New("the connection broke at the end")

func (s failsLate) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	if err := s.Store.View(ctx, fn); err != nil {
		return err
	}
	return errLate
}

var rejected = sharing.Grant{Exists: true, Status: sharing.ShareRejected}

func refused(t *testing.T, call string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s succeeds", call)
	}
}

// An altered store passes what accounts have of images through alter before it answers.
type altered struct {
	sharing.Store
	alter func(*sharing.Access)
}

func (s altered) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	return s.Store.View(ctx, func(tx sharing.ViewTx) error { return fn(alteredTx{tx, s.alter}) })
}

func (s altered) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	return s.Store.Update(ctx, func(tx sharing.UpdateTx) error { return fn(alteredUpdate{tx, s.alter}) })
}

// An alteredUpdate alters what Load answers: a change reads nothing else of an image.
type alteredUpdate struct {
	sharing.UpdateTx
	alter func(*sharing.Access)
}

func (tx alteredUpdate) Load(need sharing.Need) (sharing.State, error) {
	return alteredTx{tx.UpdateTx, tx.alter}.Load(need)
}

type alteredTx struct {
	sharing.ViewTx
	alter func(*sharing.Access)
}

func (tx alteredTx) change(a sharing.Access) sharing.Access {
	if a.Image != nil {
		rec := *a.Image
		a.Image = &rec
	}
	tx.alter(&a)
	return a
}

func (tx alteredTx) Access(account sharing.AccountID, organizations []sharing.OrganizationID, image sharing.ImageID) (
	sharing.Access, sharing.Trust, error) {
	access, trust, err := tx.ViewTx.Access(account, organizations, image)
	return tx.change(access), trust, err
}

func (tx alteredTx) Load(need sharing.Need) (sharing.State, error) {
	state, err := tx.ViewTx.Load(need)
	state.Image = tx.change(state.Image)
	return state, err
}

func (tx alteredTx) Images(scan sharing.ImageScan, each func(*sharing.Access)) error {
	return tx.ViewTx.Images(scan, func(a *sharing.Access) {
		if access := tx.change(*a); access.Image != nil && access.Image.DeletedAt.IsZero() { // Images gives no others
			each(&access)
		}
	})
}
