package memstore_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// A reader goes on after any event, wherever a block of the log ends (R24).
func TestR24_EventsAfterEach(t *testing.T) {
	e, err := sharing.New(memstore.New(), sharing.WithPolicy(sharing.Policy{MaxImages: -1}))
	if err != nil {
		t.Fatal(err)
	}
	var made []sharing.ImageID
	for range 300 {
		img, err := e.Register(t.Context(), "owner", sharing.ImageSpec{Region: "r1"})
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, img.ID)
	}
	var after sharing.Cursor
	for i, id := range made {
		n := 0
		for ev, err := range e.Events(t.Context(), sharing.EventQuery{After: after, Limit: 1}) {
			if n++; err != nil || ev.Image != id {
				t.Fatalf("event %d is of %s, error %v; want %s", i, ev.Image, err, id)
			}
			after = ev.Cursor
		}
		if n != 1 {
			t.Fatalf("after event %d there are %d, want 1", i, n)
		}
	}
}

// The cursor of another log is refused, wherever it stands (I14). That of the same log is taken, by whatever store it was replayed into:
// who restores a store that is gone need not have its followers begin anew.
func TestEvents_CursorOfAnotherLog(t *testing.T) {
	logOf := func() (*sharing.Engine, []sharing.Event) {
		e, err := sharing.New(memstore.New())
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := e.Register(t.Context(), "owner", sharing.ImageSpec{Region: "r1"}); err != nil {
				t.Fatal(err)
			}
		}
		return e, all(t, e, "")
	}
	engine, events := logOf()
	_, others := logOf()
	restored := memstore.New()
	if err := sharing.Replay(t.Context(), restored, engine.Events(t.Context(), sharing.EventQuery{})); err != nil {
		t.Fatal(err)
	}
	again, err := sharing.New(restored)
	if err != nil {
		t.Fatal(err)
	}
	for i := range events {
		if rest := all(t, again, events[i].Cursor); !slices.EqualFunc(rest, events[i+1:], func(a, b sharing.Event) bool { return a.Image == b.Image }) {
			t.Errorf("after event %d the restored log has %v, want %v", i, rest, events[i+1:])
		}
		var err error
		for _, err = range engine.Events(t.Context(), sharing.EventQuery{After: others[i].Cursor}) {
		}
		if !errors.Is(err, sharing.ErrInvalid) {
			t.Errorf("the cursor of event %d of another log: %v, want ErrInvalid", i, err)
		}
	}
}

// all returns the events of the engine's log after a cursor.
func all(t *testing.T, e *sharing.Engine, after sharing.Cursor) (events []sharing.Event) {
	t.Helper()
	for ev, err := range e.Events(t.Context(), sharing.EventQuery{After: after}) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, ev)
	}
	return events
}
