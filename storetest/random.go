package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/imageshare/sharing"
)

// testRandom compares the store with the reference, over random writes and reads.
//
// All runs are on one store, since some take long to open. Each run begins its names with a prefix of its own, greater
// than those before, so that nothing of the others is in its answers.
func testRandom(t *testing.T, open opener) {
	c := newCheck(t, open)
	var start sharing.Cursor // of the run, in the log
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		r := &run{check: c, start: &start, cast: drawCast(t, fmt.Sprintf("%08d-", runs)), live: map[sharing.ImageID]bool{}}
		c.reference = newReference()
		r.skipLog(t)
		t.Repeat(map[string]func(*rapid.T){
			"write":  r.write,
			"load":   func(t *rapid.T) { r.compare(t, r.need(t)) },
			"access": func(t *rapid.T) { r.compare(t, r.access(t)) },
			"scan":   func(t *rapid.T) { r.compare(t, r.scan(t)) },
		})
	})
}

// A run is one random history.
type run struct {
	*check
	*cast
	start *sharing.Cursor
	live  map[sharing.ImageID]bool // there and not deleted
	ops   int
}

// A question is a read. That of the log begins after a cursor, which is each store's own.
type question func(tx sharing.ViewTx, start sharing.Cursor) (any, error)

func (r *run) compare(t *rapid.T, ask question) {
	var got, want any
	read := func(tx sharing.ViewTx) (err error) {
		got, err = ask(tx, *r.start)
		return err
	}
	err := error(nil)
	if rapid.IntRange(0, 3).Draw(t, "in an Update") == 0 {
		err = r.store.Update(r.ctx, func(tx sharing.UpdateTx) error { return read(tx) })
	} else {
		err = r.store.View(r.ctx, read)
	}
	if err != nil {
		t.Fatalf("a read ended with an error though nothing was wrong: %v", err)
	}
	if err := r.reference.View(r.ctx, func(tx sharing.ViewTx) (err error) {
		want, err = ask(tx, "")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if diff := difference(got, want); diff != "" {
		t.Fatalf("the contract asks of this read, after the writes above (-contract +store):\n%s", diff)
	}
}

// write makes one transaction of a few writes. Some are abandoned.
func (r *run) write(t *rapid.T) {
	live := maps.Clone(r.live)
	var items []any
	for range rapid.IntRange(1, 4).Draw(t, "writes") {
		items = append(items, r.item(t, live))
	}
	var end error
	if rapid.IntRange(0, 5).Draw(t, "abandon") == 0 {
		end = errAbandoned
	} else {
		r.live = live
	}
	fn := func(tx sharing.UpdateTx) error { return cmp.Or(put(tx, items...), end) }
	if err := r.reference.Update(r.ctx, fn); err != end {
		t.Fatal(err)
	}
	if err := r.store.Update(r.ctx, fn); err != end {
		t.Fatalf("the contract asks: Update returns the closure's error, %v; got %v", end, err)
	}
}

var errAbandoned = errors.New("abandoned")

// skipLog moves the start to the end of the log: after what the runs before this one left,
// whether they ended well or not.
func (r *run) skipLog(t *rapid.T) {
	if err := r.store.View(r.ctx, func(tx sharing.ViewTx) error {
		events, err := tx.Events(sharing.EventQuery{After: *r.start, Limit: many})
		if len(events) > 0 {
			*r.start = events[len(events)-1].Cursor
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
