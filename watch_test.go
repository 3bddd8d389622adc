package sharing_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"

	"github.com/imageshare/sharing"
)

// Watch gives what is there, blocks for more, wakes at once, misses and repeats none, and ends with its context (R24).
func TestR24_Watch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sharing.WithPolicy(sharing.Policy{MaxImages: -1}))
		w.image("owner")
		ctx, cancel := context.WithCancel(t.Context())
		var got []sharing.Event
		ended := false
		go func() {
			for ev, err := range w.Watch(ctx, "") {
				if err != nil {
					t.Error(err)
				}
				got = append(got, ev)
			}
			ended = true
		}()
		for i := range 300 {
			if i%3 == 0 {
				synctest.Wait()
				if len(got) != i+1 {
					t.Fatalf("after %d events the watcher has %d", i+1, len(got))
				}
			}
			w.image("owner")
		}
		synctest.Wait()
		seen := map[string]bool{}
		for i, ev := range got {
			if want := sharing.ImageID(fmt.Sprintf("id-%04d", i+1)); ev.Image != want || seen[ev.Operation] {
				t.Fatalf("event %d is of %s, want %s, once", i, ev.Image, want)
			}
			seen[ev.Operation] = true
		}
		if len(got) != 301 || ended {
			t.Errorf("got %d events, ended %v; want 301, waiting", len(got), ended)
		}
		cancel()
		synctest.Wait()
		if !ended {
			t.Error("the watch did not end with its context")
		}
	})
}

// A watch whose context ends gives nothing more, not even what it has read ahead (R24).
func TestR24_WatchEndsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.image("owner")
	w.image("owner")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for _, err := range w.Watch(ctx, "") {
		want(t, err, nil)
		n++
		cancel()
	}
	if n != 1 {
		t.Errorf("got %d events, want the one before the context ended", n)
	}
}

// A slow reader holds up nobody: it reads on where it was.
func TestR24_WatchSlowly(t *testing.T) {
	w := newWorld(t, sharing.WithPolicy(sharing.Policy{MaxImages: -1}))
	w.image("owner")
	n := 0
	for ev, err := range w.Watch(t.Context(), "") {
		want(t, err, nil)
		if n++; n <= 250 {
			w.image("owner") // from the body of the loop
			w.image("owner")
		}
		if wanted := sharing.ImageID(fmt.Sprintf("id-%04d", n)); ev.Image != wanted {
			t.Fatalf("event %d is of %s, want %s", n, ev.Image, wanted)
		}
		if n == 501 {
			break
		}
	}
	// A later watcher goes on after a cursor.
	log := w.log()
	for ev, err := range w.Watch(t.Context(), log[99].Cursor) {
		want(t, err, nil)
		if ev.Operation != log[100].Operation {
			t.Errorf("got %v after the cursor, want %v", ev, log[100])
		}
		break
	}
	want(t, first(w.Watch(t.Context(), "no cursor")), sharing.ErrInvalid)
}

// Each loop over the same events begins anew, as with every listing.
func TestEvents_LoopsBeginAnew(t *testing.T) {
	w := newWorld(t)
	w.image("owner")
	w.image("owner")
	for name, events := range map[string]iter.Seq2[sharing.Event, error]{
		"Events":            w.Events(t.Context(), sharing.EventQuery{}),
		"Events with limit": w.Events(t.Context(), sharing.EventQuery{Limit: 2}),
		"Watch":             w.Watch(t.Context(), ""),
	} {
		for range 2 {
			n := 0
			for ev, err := range events {
				want(t, err, nil)
				if n++; ev.Image != sharing.ImageID(fmt.Sprintf("id-%04d", n)) {
					t.Fatalf("%s: event %d of a loop is of %s", name, n, ev.Image)
				}
				if n == 2 {
					break
				}
			}
		}
	}
}

func TestEvents_Queries(t *testing.T) {
	w := newWorld(t)
	a, b := w.image("alice"), w.image("bob")
	w.share("alice", a, "bob")
	w.launch("bob", a)
	w.launch("bob", b)
	count := func(q sharing.EventQuery) (n int) {
		for _, err := range w.Events(t.Context(), q) {
			want(t, err, nil)
			n++
		}
		return n
	}
	log := w.log()
	for q, want := range map[sharing.EventQuery]int{
		{}:                               5,
		{Limit: 2}:                       2,
		{Limit: 9}:                       5,
		{Image: a}:                       3,
		{Actor: "bob"}:                   3,
		{Image: a, Actor: "bob"}:         1,
		{After: log[1].Cursor}:           3,
		{After: log[1].Cursor, Image: a}: 2,
		{Image: "never-was"}:             0,
	} {
		if got := count(q); got != want {
			t.Errorf("%+v gives %d events, want %d", q, got, want)
		}
	}
}
