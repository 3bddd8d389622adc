package memstore_test

import (
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
