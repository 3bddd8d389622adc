package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// eventsWorld appends events of several actors and images, in transactions of one and of several.
func eventsWorld(c *check) {
	sequence := map[sharing.ImageID]int64{}
	for op := range 6 {
		var events []sharing.Event
		for i := range op%3 + 1 {
			img := []sharing.ImageID{"a", "ab", "A", ""}[(op+i)%4]
			ev := event(fmt.Sprintf("op%d", op), []sharing.AccountID{"me", "Me", "b"}[op%3], img, 0)
			if img != "" {
				sequence[img]++
				ev.Sequence = sequence[img]
			}
			ev.Cursor = "from another store"                        // as in a replay
			ev.At = noon.Add(-time.Duration(op*10+i) * time.Second) // the order is not that of clocks
			events = append(events, ev)
		}
		c.write(events[:1], events[1:])
	}
	c.write(fullEvent("full", "me", "a", sequence["a"]+1))
}

// testEvents reads the log whole, by image and by actor.
func testEvents(t *testing.T, open opener) {
	c := newCheck(t, open)
	c.eventScan("an empty log has no events", sharing.EventQuery{})
	eventsWorld(c)
	for name, q := range map[string]sharing.EventQuery{
		"All":           {},
		"Image":         {Image: "a"},
		"ImageOther":    {Image: "A"},
		"ImageUnknown":  {Image: "b"},
		"Actor":         {Actor: "me"},
		"ActorUnknown":  {Actor: "a"},
		"ImageAndActor": {Image: "a", Actor: "b"},
	} {
		c.run(name, func() {
			c.eventScan("the events that the query selects, whole, in the order in which they were appended", q)
		})
	}
	c.run("Operation", func() {
		log := c.allEvents(c.store)
		for _, ev := range c.load(sharing.Need{Operation: "op5"}).Operation {
			found := false
			for _, other := range log {
				found = found || other.Cursor == ev.Cursor && other.Operation == ev.Operation
			}
			if !found {
				c.Errorf("the contract asks: Load gives an operation's events with their Cursor, as Events does; %q is no cursor of one", ev.Cursor)
			}
		}
	})
}

func (c *check) eventScan(promise string, q sharing.EventQuery) {
	c.Helper()
	scan[sharing.Event, sharing.Cursor]{
		promise: "Events: " + promise,
		read: func(tx sharing.ViewTx, after sharing.Cursor, limit int) ([]sharing.Event, error) {
			q := q
			q.After, q.Limit = after, limit
			return tx.Events(q)
		},
		place: func(ev sharing.Event) sharing.Cursor { return ev.Cursor },
	}.check(c, "")
}

// testCursors goes on from every cursor, and from what is none.
func testCursors(t *testing.T, open opener) {
	c := newCheck(t, open)
	eventsWorld(c)
	log := c.allEvents(c.store)
	c.run("Own", func() {
		seen := map[sharing.Cursor]bool{}
		for i, ev := range log {
			if ev.Cursor == "" || ev.Cursor == "from another store" || seen[ev.Cursor] {
				c.Errorf("the contract asks: the store gives each event its Cursor; event %d has %q, which is empty, another's, or that of an earlier event", i, ev.Cursor)
			}
			seen[ev.Cursor] = true
		}
	})
	c.run("After", func() {
		for i, ev := range log {
			for _, q := range []sharing.EventQuery{{}, {Image: "A"}, {Actor: "b"}} {
				var want []sharing.Event
				for _, later := range log[i+1:] {
					if (q.Image == "" || q.Image == later.Image) && (q.Actor == "" || q.Actor == later.Actor) {
						want = append(want, later)
					}
				}
				q.After, q.Limit = ev.Cursor, many
				got := read(c, c.store, func(tx sharing.ViewTx) ([]sharing.Event, error) { return tx.Events(q) })
				c.equal("After selects the events after this position of the log, whichever query the cursor came from", got, want)
			}
		}
	})
	c.run("Mangled", func() {
		last := log[len(log)-1].Cursor
		mangled := []sharing.Cursor{
			"no cursor", " ", "0", "-1", "\x00", "\xff\xfe", "'", "%", "*", "1e3", "9223372036854775807", "18446744073709551616",
			last + " ", " " + last, last + "x", "x" + last, "-" + last, last + "." + last, last + "\x00", last + last + last,
			"+" + last, "0" + last,
		}
		if n, err := strconv.Atoi(string(last)); err == nil {
			mangled = append(mangled, sharing.Cursor(strconv.Itoa(n+1)))
		}
		for _, cursor := range mangled {
			c.invalidCursor(cursor)
		}
	})
	c.run("Foreign", func() {
		other := newCheck(t, open)
		for i := range 2 * len(log) { // none of them is the like of one in log
			other.write(event(fmt.Sprintf("foreign%d", i), "me", "a", int64(i+1)))
		}
		foreign := c.allEvents(other.store)
		for _, i := range []int{0, 1, len(log) / 2, len(log) - 1, len(foreign) - 1} { // most of them where this log has an event too
			c.invalidCursor(foreign[i].Cursor)
		}
	})
	c.run("Growing", func() {
		for i := range 3 {
			c.write(event(fmt.Sprint("more", i), "me", "more", int64(i+1)))
			log := c.allEvents(c.store)
			var after []sharing.Event
			err := c.store.Update(c.ctx, func(tx sharing.UpdateTx) (err error) {
				after, err = tx.Events(sharing.EventQuery{After: log[len(log)-1].Cursor, Limit: many})
				return err
			})
			if err != nil || len(after) > 0 {
				c.Errorf("the contract asks: an Update too goes on from each cursor of the log, also from that of the last event; got %d events, error %v", len(after), err)
			}
		}
	})
}

func (c *check) invalidCursor(cursor sharing.Cursor) {
	c.Helper()
	for _, q := range []sharing.EventQuery{{}, {Image: "a"}, {Actor: "me"}} {
		q.After, q.Limit = cursor, 10
		err := c.store.View(c.ctx, func(tx sharing.ViewTx) error {
			_, err := tx.Events(q)
			return err
		})
		if !errors.Is(err, sharing.ErrInvalid) {
			c.Errorf("the contract asks: a cursor that the store did not make is ErrInvalid, since a reader would miss events after it; Events after %q gave %v", cursor, err)
		}
	}
}

// testHandles writes by one handle and reads by the other: they are one store.
func testHandles(t *testing.T, open opener) {
	c := newCheck(t, open)
	loadWorld(c)
	eventsWorld(c)
	for _, need := range needs {
		c.sameLoad("two handles on one database are one store: "+need.promise, need.Need)
	}
	c.imageScan("two handles on one database are one store", sharing.ImageScan{Account: "me"})
	c.shareScan("two handles on one database are one store", sharing.ShareScan{Image: "img"})
	c.instanceScan("two handles on one database are one store", sharing.InstanceScan{Owner: "me"})
	c.eventScan("two handles on one database are one store, and their cursors are the same", sharing.EventQuery{})
	for i := range 10 {
		fn := func(tx sharing.UpdateTx) error {
			return put(tx, image(sharing.ImageID(fmt.Sprint("h", i)), "me"), event("h", "me", "h", int64(i+1)))
		}
		for _, store := range []sharing.Store{c.handle(i), c.reference} {
			if err := store.Update(context.Background(), fn); err != nil {
				t.Fatal(err)
			}
		}
		c.sameLoad("what one handle committed the other reads at once",
			sharing.Need{Account: "me", ImagesIn: here, Image: sharing.ImageID(fmt.Sprint("h", i)), Operation: "h"})
	}
}
