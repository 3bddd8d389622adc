package sharing_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// start is the time of the tests' clocks, unless they are moved.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// world is an engine on a new memory store, with a clock that the test moves.
type world struct {
	*sharing.Engine
	t     *testing.T
	store *memstore.Store
	now   time.Time
}

func newWorld(t *testing.T, opts ...sharing.Option) *world {
	t.Helper()
	w := &world{t: t, store: memstore.New(), now: start}
	ids := new(atomic.Int64)
	opts = append([]sharing.Option{
		sharing.WithClock(func() time.Time { return w.now }),
		sharing.WithIDs(func() string { return fmt.Sprintf("id-%04d", ids.Add(1)) }),
	}, opts...)
	var err error
	if w.Engine, err = sharing.New(w.store, opts...); err != nil {
		t.Fatal(err)
	}
	return w
}

// image registers an image of owner's in region r1.
func (w *world) image(owner sharing.AccountID) sharing.ImageID {
	w.t.Helper()
	img, err := w.Register(w.t.Context(), owner, sharing.ImageSpec{Name: "web", Region: "r1"})
	if err != nil {
		w.t.Fatal(err)
	}
	return img.ID
}

func (w *world) share(owner sharing.AccountID, image sharing.ImageID, with ...sharing.Grantee) {
	w.t.Helper()
	if _, err := w.Share(w.t.Context(), owner, image, with...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) launch(actor sharing.AccountID, image sharing.ImageID) sharing.InstanceID {
	w.t.Helper()
	inst, err := w.Launch(w.t.Context(), actor, sharing.LaunchSpec{Image: image, Region: "r1"})
	if err != nil {
		w.t.Fatal(err)
	}
	return inst.ID
}

func (w *world) log() []sharing.Event {
	w.t.Helper()
	var log []sharing.Event
	for ev, err := range w.Events(w.t.Context(), sharing.EventQuery{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		log = append(log, ev)
	}
	return log
}

// want checks an error's kind; nil wants success.
func want(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got error %v, want %v", err, kind)
	}
}

func TestNew_BadOptions(t *testing.T) {
	for name, opt := range map[string]sharing.Option{
		"clock": sharing.WithClock(nil), "ids": sharing.WithIDs(nil), "directory": sharing.WithDirectory(nil),
		"logger": sharing.WithLogger(nil), "check": sharing.WithGranteeCheck(nil),
	} {
		if _, err := sharing.New(memstore.New(), opt); !errors.Is(err, sharing.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	_, err := sharing.New(nil)
	want(t, err, sharing.ErrInvalid)
	_, err = sharing.New(memstore.New(), nil)
	want(t, err, sharing.ErrInvalid)
}

// An ID generator that repeats itself never makes the engine reuse an ID; it tries some more, then fails.
func TestIdentifiers_GeneratorRepeats(t *testing.T) {
	t.Run("for a while", func(t *testing.T) {
		n := 0
		w := newWorld(t, sharing.WithIDs(func() string { n++; return strconv.Itoa(n / 10) }))
		seen := map[sharing.ImageID]bool{}
		for range 20 {
			id := w.image("a")
			if seen[id] {
				t.Fatalf("ID %s was used twice", id)
			}
			seen[id] = true
			want(t, w.Delete(t.Context(), "a", id), nil)
		}
	})
	t.Run("for ever", func(t *testing.T) {
		asked := 0
		w := newWorld(t, sharing.WithIDs(func() string { asked++; return "same" }))
		id := w.image("a")
		want(t, w.Delete(t.Context(), "a", id), nil)
		before := len(w.log())
		asked = 0
		if _, err := w.Register(t.Context(), "a", sharing.ImageSpec{Region: "r1"}); err == nil {
			t.Fatal("the ID of a deleted image was used again")
		}
		if len(w.log()) != before {
			t.Fatal("a failed call left an event")
		}
		if asked != 100 {
			t.Errorf("the generator was asked %d times, want 100", asked)
		}
	})
	t.Run("for a call that is refused", func(t *testing.T) {
		w := newWorld(t, sharing.WithIDs(func() string { return "same" }), sharing.WithPolicy(sharing.Policy{MaxImages: 1}))
		w.image("a")
		_, err := w.Register(t.Context(), "a", sharing.ImageSpec{Region: "r1"})
		want(t, err, sharing.ErrImageQuota)
	})
	t.Run("unusable", func(t *testing.T) {
		asked := 0
		w := newWorld(t, sharing.WithIDs(func() string { asked++; return "a b" }))
		_, err := w.Register(t.Context(), "a", sharing.ImageSpec{Region: "r1"})
		if err == nil || errors.Is(err, sharing.ErrInvalid) {
			t.Fatalf("got %v, want an error that does not blame the caller", err)
		}
		if n := len(w.log()); n > 0 {
			t.Fatalf("a failed call left %d events", n)
		}
		if asked != 1 {
			t.Errorf("the generator was asked %d times, want once", asked)
		}
	})
	t.Run("unusable, which a refusal and a used token come before", func(t *testing.T) {
		id := "one"
		w := newWorld(t, sharing.WithIDs(func() string { return id }), sharing.WithPolicy(sharing.Policy{MaxImages: 1}))
		made, err := w.Once("token").Register(t.Context(), "a", sharing.ImageSpec{Region: "r1"})
		want(t, err, nil)
		id = "a b"
		again, err := w.Once("token").Register(t.Context(), "a", sharing.ImageSpec{Region: "r1"})
		want(t, err, nil)
		if again.ID != made.ID {
			t.Errorf("got image %s, want the first answer, %s", again.ID, made.ID)
		}
		_, err = w.Register(t.Context(), "a", sharing.ImageSpec{Region: "r1"})
		want(t, err, sharing.ErrImageQuota)
	})
}

// A clock may start at the zero time, which stands for "never" in records: limits count, and what is deleted is gone (R2, R8).
func TestR8_ClockAtZero(t *testing.T) {
	w := newWorld(t, sharing.WithPolicy(sharing.Policy{MaxShares: 1}))
	w.now = time.Time{}
	ctx := t.Context()
	img := w.image("owner")
	w.share("owner", img, "b")
	_, err := w.Share(ctx, "owner", img, "c")
	want(t, err, sharing.ErrShareLimit)
	want(t, w.Delete(ctx, "owner", img), sharing.ErrImageShared)
	inst := w.launch("b", img)
	want(t, w.Terminate(ctx, "b", inst), nil)
	_, err = w.Instance(ctx, "b", inst)
	want(t, err, sharing.ErrInstanceNotFound)
	want(t, w.ForceDelete(ctx, "owner", img), nil)
	_, err = w.Image(ctx, "owner", img)
	want(t, err, sharing.ErrImageNotFound)
}

// A clock that gives a year which not every store can hold is an error, in each of them alike, before anything is stored (R22).
func TestR22_ClockOutOfRange(t *testing.T) {
	for _, year := range []int{-1, 10_000} {
		w := newWorld(t)
		w.now = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		if _, err := w.Register(t.Context(), "a", sharing.ImageSpec{Region: "r"}); err == nil || !strings.Contains(err.Error(), "clock") || len(w.log()) != 0 {
			t.Errorf("in the year %d: got %v and %d events, want an error about the clock", year, err, len(w.log()))
		}
	}
}

func TestR2_R3_LimitsUnderConcurrency(t *testing.T) {
	w := newWorld(t, sharing.WithPolicy(sharing.Policy{MaxShares: 10, MaxImages: 7}))
	img := w.image("owner")
	var wg sync.WaitGroup
	var shared, registered atomic.Int64
	for i := range 64 {
		wg.Go(func() {
			if _, err := w.Share(t.Context(), "owner", img, sharing.Grantee(fmt.Sprint("g", i))); err == nil {
				shared.Add(1)
			} else if !errors.Is(err, sharing.ErrShareLimit) {
				t.Error(err)
			}
			if _, err := w.Register(t.Context(), "owner", sharing.ImageSpec{Region: "r1"}); err == nil {
				registered.Add(1)
			} else if !errors.Is(err, sharing.ErrImageQuota) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if shared.Load() != 10 || registered.Load() != 6 {
		t.Errorf("%d shares and %d images got through, want 10 and 6", shared.Load(), registered.Load())
	}
}

// A launch that starts after an unshare returned is refused, whatever else runs (R7, R21).
func TestR21_UnshareAgainstLaunch(t *testing.T) {
	w := newWorld(t)
	img := w.image("owner")
	for range 200 {
		w.share("owner", img, "b")
		var gone atomic.Bool
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 20 {
					before := gone.Load()
					err := w.CanUse(t.Context(), "b", img, "r1")
					if before && err == nil {
						t.Error("use was allowed after the unshare had returned")
					}
				}
			})
		}
		want(t, w.Unshare(t.Context(), "owner", img, "b"), nil)
		gone.Store(true)
		wg.Wait()
	}
}

func TestR23_Token(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t)
	img := w.image("owner")
	first, err := w.Once("t1").Share(ctx, "owner", img, "b", "c")
	want(t, err, nil)
	want(t, w.Unshare(ctx, "owner", img, "b", "c"), nil)
	before := len(w.log())
	again, err := w.Once("t1").Share(ctx, "owner", img, "c", "b") // as a set, the same request
	want(t, err, nil)
	if len(again) != 2 || again[0] != first[0] || again[1] != first[1] || len(w.log()) != before {
		t.Errorf("got %v, want the first answer %v and no event", again, first)
	}
	_, err = w.Once("t1").Share(ctx, "owner", img, "b")
	want(t, err, sharing.ErrInvalid)
	want(t, w.Once("t1").Unshare(ctx, "owner", img, "b", "c"), sharing.ErrInvalid)
	// Another account's token is another token.
	_, err = w.Once("t1").Register(ctx, "other", sharing.ImageSpec{Region: "r1"})
	want(t, err, nil)
	// A used token comes before input that has become bad since: the expiry is past, the answer the first one.
	until := w.now.Add(time.Hour)
	_, err = w.Once("t2").ShareUntil(ctx, "owner", img, until, "b")
	want(t, err, nil)
	w.now = w.now.Add(2 * time.Hour)
	_, err = w.Once("t2").ShareUntil(ctx, "owner", img, until, "b")
	want(t, err, nil)
	// So it does where the engine had a directory then and has none now.
	withDirectory, err := sharing.New(w.store, sharing.WithDirectory(new(directory)))
	want(t, err, nil)
	_, err = withDirectory.Once("t6").Share(ctx, "owner", img, "org:o")
	want(t, err, nil)
	_, err = w.Once("t6").Share(ctx, "owner", img, "org:o")
	want(t, err, nil)
	_, err = w.Share(ctx, "owner", img, "org:o")
	want(t, err, sharing.ErrInvalid)
	for _, year := range []int{-1, 10000} {
		_, err = w.Once("t7").ShareUntil(ctx, "owner", img, time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), "b")
		want(t, err, sharing.ErrInvalid)
	}
	// Neither a refusal, a dry run nor a call that changes nothing uses up a token.
	_, err = w.Once("t3").Share(ctx, "stranger", img, "x")
	want(t, err, sharing.ErrImageNotFound)
	_, err = w.Once("t3").DryRun().Register(ctx, "stranger", sharing.ImageSpec{Region: "r1"})
	want(t, err, nil)
	_, err = w.Once("t3").Register(ctx, "stranger", sharing.ImageSpec{Region: "r2"})
	want(t, err, nil)
	want(t, w.Once("t4").Unshare(ctx, "owner", img, "nobody"), nil)
	want(t, w.Once("t4").Protect(ctx, "owner", img), nil)
	for _, bad := range []string{"", "a b", strings.Repeat("x", 129), "\xff"} {
		want(t, w.Once(bad).Seal(ctx, "owner", img), sharing.ErrInvalid)
	}
	// No labels and empty labels are alike.
	one, err := w.Once("t5").Register(ctx, "owner", sharing.ImageSpec{Region: "r1"})
	want(t, err, nil)
	two, err := w.Once("t5").Register(ctx, "owner", sharing.ImageSpec{Region: "r1", Labels: map[string]string{}})
	want(t, err, nil)
	if one.ID != two.ID {
		t.Error("a repeated call made a second image")
	}
	// But for Update no labels leave the image's as they are, and empty labels remove them.
	name := "new"
	_, err = w.Once("t8").Update(ctx, "owner", img, sharing.ImageUpdate{Name: &name})
	want(t, err, nil)
	_, err = w.Once("t8").Update(ctx, "owner", img, sharing.ImageUpdate{Name: &name, Labels: map[string]string{}})
	want(t, err, sharing.ErrInvalid)
	// The engine sets when an image was deprecated: it is no part of the request.
	want(t, w.Once("t9").Deprecate(ctx, "owner", img, sharing.Deprecation{At: start}), nil)
	want(t, w.Once("t9").Deprecate(ctx, "owner", img, sharing.Deprecation{}), nil)
}
