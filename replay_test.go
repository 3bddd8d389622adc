package sharing_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// Replaying the log from empty gives the same answers, tokens included (R24).
func TestR24_Replay(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img := w.image("owner")
	w.share("owner", img, "b", "c")
	_, err := w.ShareUntil(ctx, "owner", img, w.now.Add(time.Hour), "b", "d")
	want(t, err, nil)
	want(t, w.Reject(ctx, "c", img), nil)
	inst := w.launch("b", img)
	_, err = w.Capture(ctx, "b", inst, sharing.ImageSpec{Name: "mine", Labels: map[string]string{"k": "v"}})
	want(t, err, nil)
	want(t, w.SetTrust(ctx, "b", sharing.Trust{Owners: []sharing.AccountID{"owner"}, Enforce: true}), nil)
	_, err = w.Reinit(ctx, "b", inst)
	want(t, err, nil)
	want(t, w.Unshare(ctx, "owner", img, "d"), nil)
	first, err := w.Once("t").Register(ctx, "owner", sharing.ImageSpec{Region: "r2"})
	want(t, err, nil)
	want(t, w.ForceDelete(ctx, "owner", img), nil)

	replica := &world{t: t, store: memstore.New(), now: w.now}
	want(t, sharing.Replay(ctx, replica.store, w.Events(ctx, sharing.EventQuery{})), nil)
	replica.Engine, err = sharing.New(replica.store, sharing.WithClock(func() time.Time { return w.now }))
	want(t, err, nil)
	ignoreCursor := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Cursor" }, cmp.Ignore())
	if diff := cmp.Diff(w.log(), replica.log(), ignoreCursor); diff != "" {
		t.Errorf("the logs differ:\n%s", diff)
	}
	for _, actor := range []sharing.AccountID{"owner", "b", "c", "d"} {
		if diff := cmp.Diff(seen(w, actor), seen(replica, actor)); diff != "" {
			t.Errorf("%s sees otherwise after the replay:\n%s", actor, diff)
		}
	}
	again, err := replica.Once("t").Register(ctx, "owner", sharing.ImageSpec{Region: "r2"})
	want(t, err, nil)
	if again.ID != first.ID {
		t.Error("the token was forgotten")
	}

	want(t, sharing.Replay(ctx, replica.store, w.Events(ctx, sharing.EventQuery{})), sharing.ErrInvalid) // not empty
}

// A stored answer that can't be read is not returned, and the call is not made again (R23, R27).
func TestR27_UnreadableAnswer(t *testing.T) {
	w := newWorld(t)
	spec := sharing.ImageSpec{Region: "r1"}
	_, err := w.Once("t").Register(t.Context(), "owner", spec)
	want(t, err, nil)
	to := &world{t: t, store: memstore.New()}
	want(t, sharing.Replay(t.Context(), to.store, sequence(edit(0, func(ev *sharing.Event) { ev.Result = []byte("5") })(w.log()))), nil)
	to.Engine, err = sharing.New(to.store)
	want(t, err, nil)
	if img, err := to.Once("t").Register(t.Context(), "owner", spec); err == nil || len(to.log()) != 1 {
		t.Errorf("got %+v, %v, and %d events", img, err, len(to.log()))
	}
}

// sequence gives the events of a log.
func sequence(log []sharing.Event) iter.Seq2[sharing.Event, error] {
	return func(yield func(sharing.Event, error) bool) {
		for _, ev := range log {
			if !yield(ev, nil) {
				return
			}
		}
	}
}

// What can't be replayed at all is bad input, not a panic.
func TestR25_ReplayOfNothing(t *testing.T) {
	for _, replay := range []func(context.Context, sharing.Store, iter.Seq2[sharing.Event, error]) error{sharing.Replay, sharing.ResumeReplay} {
		want(t, replay(t.Context(), memstore.New(), nil), sharing.ErrInvalid)
		want(t, replay(t.Context(), nil, sequence(nil)), sharing.ErrInvalid)
		want(t, replay(t.Context(), memstore.New(), sequence(nil)), nil)
	}
}

// seen is all that an actor sees.
func seen(w *world, actor sharing.AccountID) map[string]any {
	ctx := w.t.Context()
	var images []sharing.Image
	for img, err := range w.Images(ctx, actor, sharing.ImageQuery{Origin: 7, Deprecated: true}) {
		want(w.t, err, nil)
		images = append(images, img)
	}
	var shares []sharing.Share
	for share, err := range w.SharesReceived(ctx, actor, sharing.ShareQuery{}) {
		want(w.t, err, nil)
		shares = append(shares, share)
	}
	for share, err := range w.SharesGiven(ctx, actor, sharing.ShareQuery{}) {
		want(w.t, err, nil)
		shares = append(shares, share)
	}
	var instances []sharing.Instance
	for inst, err := range w.Instances(ctx, actor, sharing.InstanceQuery{}) {
		want(w.t, err, nil)
		instances = append(instances, inst)
	}
	trust, err := w.Trust(ctx, actor)
	want(w.t, err, nil)
	return map[string]any{"images": images, "shares": shares, "instances": instances, "trust": trust}
}

// A replay that was interrupted goes on where the store's log ends, and nowhere else.
func TestR24_ResumeReplay(t *testing.T) {
	w := newWorld(t, sharing.WithPolicy(sharing.Policy{MaxImages: -1}))
	ctx := t.Context()
	for range 1300 {
		w.image("owner")
	}
	whole := w.log()
	broken := errors.New("the connection broke")
	part := func(n int) iter.Seq2[sharing.Event, error] {
		return func(yield func(sharing.Event, error) bool) {
			for _, ev := range whole[:n] {
				if !yield(ev, nil) {
					return
				}
			}
			if n < len(whole) {
				yield(sharing.Event{}, broken)
			}
		}
	}
	to := &world{t: t, store: memstore.New()}
	var err error
	to.Engine, err = sharing.New(to.store)
	want(t, err, nil)
	for _, n := range []int{0, 700, 1250} {
		want(t, sharing.ResumeReplay(ctx, to.store, part(n)), broken)
	}
	if n := len(to.log()); n < 500 || n > 1250 {
		t.Errorf("after interruptions the store has %d events", n)
	}
	want(t, sharing.ResumeReplay(ctx, to.store, part(len(whole))), nil)
	want(t, sharing.ResumeReplay(ctx, to.store, part(len(whole))), nil) // all of it is there
	ignoreCursor := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Cursor" }, cmp.Ignore())
	if diff := cmp.Diff(whole, to.log(), ignoreCursor); diff != "" {
		t.Errorf("the logs differ:\n%s", diff)
	}
	whole = whole[:1000]
	err = sharing.ResumeReplay(ctx, to.store, part(1000)) // the store has more
	want(t, err, sharing.ErrInvalid)
	if !strings.Contains(err.Error(), "where the log ends:") {
		t.Errorf("the error should say that the log ends: %v", err)
	}
	other := newWorld(t)
	other.image("somebody")
	want(t, sharing.ResumeReplay(ctx, other.store, part(1000)), sharing.ErrInvalid)
}

// A replay goes on in a store only if the store's events record the same as the log's, in whatever form (R24).
func TestR24_ResumeReplayComparesContent(t *testing.T) {
	type ev = sharing.Event
	east := time.FixedZone("east", 3600)
	log := newWorld(t).history()
	for name, c := range map[string]struct {
		alter func([]ev) []ev
		want  error
	}{
		"nothing":      {edit(0, func(*ev) {}), nil},
		"another zone": {edit(0, func(e *ev) { e.At, e.ImageRecord.CreatedAt = e.At.In(east), e.At.In(east) }), nil},
		"another zone's share": {edit(14, func(e *ev) {
			share := &e.Shares[0]
			share.CreatedAt, share.UpdatedAt, share.Expires = e.At.In(east), e.At.In(east), share.Expires.In(east)
		}), nil},
		"another zone's launch": {edit(2, func(e *ev) { e.InstanceRecord.LaunchedAt = e.At.In(east) }), nil},
		"another zone's end":    {edit(8, func(e *ev) { e.InstanceRecord.TerminatedAt = e.At.In(east) }), nil},
		"another zone's delete": {edit(11, func(e *ev) { e.ImageRecord.DeletedAt = e.At.In(east) }), nil},
		"another zone's notice": {edit(16, func(e *ev) { e.ImageRecord.Deprecation.At = e.At.In(east) }), nil},
		"no shares":             {edit(0, func(e *ev) { e.Shares, e.Ended = []sharing.Share{}, []sharing.Grantee{} }), nil},
		"no labels":             {edit(2, func(e *ev) { e.InstanceRecord.Labels = map[string]string{} }), nil},
		"no trusted owners":     {edit(22, func(e *ev) { e.Trust.Owners = []sharing.AccountID{} }), nil},
		"a result's layout":     {edit(0, func(e *ev) { e.Result = []byte(" 5 ") }), nil},
		"another request":       {edit(0, func(e *ev) { e.Request = "other" }), sharing.ErrInvalid},
		"another time":          {edit(0, func(e *ev) { e.At = e.At.Add(1) }), sharing.ErrInvalid},
		"another name":          {edit(0, func(e *ev) { e.ImageRecord.Name = "other" }), sharing.ErrInvalid},
		"another owner":         {edit(0, func(e *ev) { e.ImageRecord.Owner = "other" }), sharing.ErrInvalid},
		"another status":        {edit(1, func(e *ev) { e.Shares[0].Status = sharing.SharePending }), sharing.ErrInvalid},
		"another expiry":        {edit(14, func(e *ev) { e.Shares[0].Expires = time.Time{} }), sharing.ErrInvalid},
		"another disk":          {edit(2, func(e *ev) { e.InstanceRecord.DiskGeneration++ }), sharing.ErrInvalid},
		"an audit":              {edit(2, func(e *ev) { e.Untrusted = true }), sharing.ErrInvalid},
		"another trust policy":  {edit(3, func(e *ev) { e.Trust.Enforce = true }), sharing.ErrInvalid},
		"another grantee":       {edit(9, func(e *ev) { e.Ended[0] = "other" }), sharing.ErrInvalid},
		"another notice":        {edit(16, func(e *ev) { e.ImageRecord.Deprecation.Notice = "other" }), sharing.ErrInvalid},
		"a record that is not":  {edit(0, func(e *ev) { e.ImageRecord = nil }), sharing.ErrInvalid},
		"another label":         {edit(2, func(e *ev) { e.InstanceRecord.Labels = map[string]string{"k": "v"} }), sharing.ErrInvalid},
	} {
		to := &keeping{Store: memstore.New()}
		want(t, sharing.Replay(t.Context(), to.Store, sequence(log)), nil)
		e, err := sharing.New(to.Store)
		want(t, err, nil)
		to.events = c.alter((&world{Engine: e, t: t}).log())
		if err := sharing.ResumeReplay(t.Context(), to, sequence(log)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// A store that fails in the middle of a replay, or loses the outcome of a batch, loses and doubles nothing (R26).
func TestR26_ReplayLosesAnOutcome(t *testing.T) {
	w := newWorld(t, sharing.WithPolicy(sharing.Policy{MaxImages: -1}))
	for range 1300 {
		w.image("owner")
	}
	to := &losesAnswers{Store: memstore.New()}
	want(t, sharing.Replay(t.Context(), to, w.Events(t.Context(), sharing.EventQuery{})), nil)
	e, err := sharing.New(to.Store)
	want(t, err, nil)
	n := 0
	for _, err := range e.Events(t.Context(), sharing.EventQuery{}) {
		want(t, err, nil)
		n++
	}
	if n != 1300 {
		t.Errorf("the store has %d events, want 1300", n)
	}
}

// losesAnswers commits, and then says that it does not know.
type losesAnswers struct{ *memstore.Store }

func (s *losesAnswers) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	if err := s.Store.Update(ctx, fn); err != nil {
		return err
	}
	return sharing.ErrOutcomeUnknown
}

// A store with a limit to what it takes at once, such as etcd, can be replayed into, however many shares a call made.
func TestR24_ReplayInBatches(t *testing.T) {
	w := newWorld(t)
	for i := range 50 {
		img := w.image("owner")
		var grantees []sharing.Grantee
		for j := range 50 {
			grantees = append(grantees, sharing.Account(sharing.AccountID(fmt.Sprintf("account-%d-%d", i, j))))
		}
		_, err := w.Share(t.Context(), "owner", img, grantees...)
		want(t, err, nil)
	}
	to := &takesLittle{Store: memstore.New(), most: 1500}
	want(t, sharing.Replay(t.Context(), to, w.Events(t.Context(), sharing.EventQuery{})), nil)
}

// takesLittle refuses a transaction that writes more shares than most.
type takesLittle struct {
	*memstore.Store
	most int
}

func (s *takesLittle) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	return s.Store.Update(ctx, func(tx sharing.UpdateTx) error { return fn(&littleTx{tx, s.most}) })
}

type littleTx struct {
	sharing.UpdateTx
	left int
}

func (tx *littleTx) PutShares(shares []sharing.Share) error {
	if tx.left -= len(shares); tx.left < 0 {
		return errors.New("too much at once")
	}
	return tx.UpdateTx.PutShares(shares)
}

// The events of one region are a log of their own: so a region moves to a cluster of its own (docs/STORES.md).
func TestR24_ReplayOfARegion(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	here := w.image("owner")
	there, err := w.Copy(ctx, "owner", here, "elsewhere", sharing.ImageSpec{})
	want(t, err, nil)
	w.share("owner", here, "b")
	w.share("owner", there.ID, "b")
	want(t, w.SetTrust(ctx, "b", sharing.Trust{Owners: []sharing.AccountID{"owner"}}), nil)
	inst, err := w.Launch(ctx, "b", sharing.LaunchSpec{Image: there.ID, Region: "elsewhere"})
	want(t, err, nil)

	replica := &world{t: t, store: memstore.New()}
	replica.Engine, err = sharing.New(replica.store, sharing.WithClock(func() time.Time { return w.now }))
	want(t, err, nil)
	want(t, sharing.Replay(ctx, replica.store, ofRegion("elsewhere", w.Events(ctx, sharing.EventQuery{}))), nil)
	_, err = replica.Reinit(ctx, "b", inst.ID)
	want(t, err, nil)
	_, err = replica.Image(ctx, "owner", here)
	want(t, err, sharing.ErrImageNotFound)
	copied, err := replica.Image(ctx, "owner", there.ID)
	want(t, err, nil)
	if there.Source = (sharing.Source{}); !cmp.Equal(copied, there) { // its source is in no region of the replica
		t.Errorf("the copy differs:\n%s", cmp.Diff(there, copied))
	}
}

// ofRegion selects the events of one region's images, and those of no image: the trust policies, which hold in all.
func ofRegion(region sharing.Region, events iter.Seq2[sharing.Event, error]) iter.Seq2[sharing.Event, error] {
	return func(yield func(sharing.Event, error) bool) {
		in := make(map[sharing.ImageID]bool)
		for ev, err := range events {
			if ev.ImageRecord != nil {
				in[ev.Image] = ev.ImageRecord.Region == region
			}
			if (err != nil || ev.Image == "" || in[ev.Image]) && !yield(ev, err) {
				return
			}
		}
	}
}
