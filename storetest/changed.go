package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// testChanged waits for the log to grow.
func testChanged(t *testing.T, open opener) {
	c := newCheck(t, open)
	n := 0
	next := func() []sharing.Event { // an event of an image, or of none, or two
		n++
		op := fmt.Sprint("op", n)
		img, trust := event(op, "me", "img", int64(n)), sharing.Event{Operation: op, At: noon, Actor: "me", Kind: sharing.EventTrustSet}
		return [][]sharing.Event{{img}, {trust}, {img, trust}}[n%3]
	}
	grow := func() { // by each handle in turn
		events := next()
		if err := c.handle(n).Update(c.ctx, func(tx sharing.UpdateTx) error { return tx.Append(events) }); err != nil {
			c.Fatal(err)
		}
	}
	changed := func(ctx context.Context, store sharing.Store) (wait func(context.Context) error) {
		if err := store.View(ctx, func(tx sharing.ViewTx) error { wait = tx.Changed(); return nil }); err != nil {
			c.Fatal(err)
		}
		return wait
	}
	c.run("Before", func() {
		for i := range 4 {
			wait := changed(c.ctx, c.handle(i/2))
			grow()
			c.within("wait misses nothing: an event committed after the transaction, but before the wait, ends it",
				func() error { return wait(c.ctx) })
		}
	})
	c.run("During", func() {
		const waiters = 6
		done := make(chan error, waiters)
		for i := range waiters {
			wait := changed(c.ctx, c.handle(i))
			go func() { done <- wait(c.ctx) }()
		}
		runtime.Gosched() // so that some have begun to wait
		grow()
		c.within("wait ends when the log has grown, for everybody who waits, whichever handle made it grow", func() error {
			for range waiters {
				if err := <-done; err != nil {
					return err
				}
			}
			return nil
		})
	})
	c.run("Uncommitted", func() { testChangedUncommitted(c, next()) })
	c.run("Meanwhile", func() { testChangedMeanwhile(c, next()) })
	c.run("ViewEnded", func() {
		ctx, cancel := context.WithCancel(c.ctx)
		wait := changed(ctx, c.store)
		cancel()
		grow()
		c.within("wait has a context of its own: that of View may have ended by then", func() error { return wait(c.ctx) })
	})
	c.run("Context", func() {
		for _, begun := range []bool{false, true} {
			ctx, cancel := context.WithCancel(c.ctx)
			wait := changed(c.ctx, c.store)
			if begun {
				time.AfterFunc(time.Millisecond, cancel)
			} else {
				cancel()
			}
			c.within("wait ends with the context's error when its context does, and may return nil only too early", func() error {
				for late := 0; late < 1000; wait = changed(c.ctx, c.store) {
					if err := wait(ctx); errors.Is(err, context.Canceled) {
						return nil
					} else if err != nil {
						return fmt.Errorf("wait returned %v", err)
					} else if ctx.Err() != nil {
						late++
					}
				}
				return errors.New("wait returned nil again and again, though its context had ended")
			})
			cancel()
		}
	})
	c.run("Goroutines", func() {
		testChangedLeaks(c, changed)
	})
}

// testChangedUncommitted asks, while events are appended and not committed, to be told when the log has grown.
func testChangedUncommitted(c *check, events []sharing.Event) {
	end := c.underWay(c.store, func(tx sharing.UpdateTx) error { return tx.Append(events) })
	c.waitsFor(events, func() {})
	c.within("a transaction that appends ends", end)
}

// testChangedMeanwhile asks after events were committed since the transaction's instant.
func testChangedMeanwhile(c *check, events []sharing.Event) {
	ended := make(chan error, 1)
	c.waitsFor(events, func() {
		m := newMeeting(2)
		go func() {
			err := c.handle(1).Update(c.ctx, func(tx sharing.UpdateTx) error { return tx.Append(events) })
			m.wait()
			ended <- err
		}()
		m.wait()
	})
	c.within("a transaction that appends ends", func() error { return <-ended })
}

// waitsFor reads the log, lets something happen, and asks for Changed, in one View. Then,
// unless it has found the events, it waits.
func (c *check) waitsFor(events []sharing.Event, happen func()) {
	c.Helper()
	var wait func(context.Context) error
	var found []sharing.Event
	happen = sync.OnceFunc(happen)
	c.view(c.store, func(tx sharing.ViewTx) (err error) {
		found, err = tx.Events(sharing.EventQuery{Limit: many})
		happen()
		wait = tx.Changed()
		return err
	})
	operation := events[0].Operation
	if !slices.ContainsFunc(found, func(ev sharing.Event) bool { return ev.Operation == operation }) {
		c.within("wait misses nothing: an event that was appended before the transaction and is committed after it, or that was committed during it, ends it",
			func() error { return wait(c.ctx) })
	}
}

// testChangedLeaks waits in vain, again and again, and counts goroutines.
func testChangedLeaks(c *check, changed func(context.Context, sharing.Store) func(context.Context) error) {
	const waits = 40
	inVain := func() {
		c.within("wait ends when its context does", func() error {
			for i := range waits {
				wait := changed(c.ctx, c.handle(i))
				ctx, cancel := context.WithTimeout(c.ctx, time.Millisecond)
				_ = wait(ctx) // an error or, too early, nil: both end it
				cancel()
			}
			return nil
		})
	}
	inVain() // so that what the store keeps for all waits is there
	before := runtime.NumGoroutine()
	inVain()
	const leaked = waits / 2
	for start := time.Now(); runtime.NumGoroutine() >= before+leaked; runtime.Gosched() {
		if time.Since(start) > patience/4 {
			c.Fatalf("a wait whose context ended leaves no goroutine: there were %d, and %d after %d waits", before, runtime.NumGoroutine(), waits)
		}
	}
}
