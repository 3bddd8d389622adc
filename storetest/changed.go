package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// testChanged waits for the log to grow.
func testChanged(t *testing.T, open opener) {
	c := newCheck(t, open)
	n := 0
	grow := func() { // by each handle in turn
		n++
		err := update(c.ctx, c.handle(n), func(tx sharing.UpdateTx) error {
			return put(tx, event(fmt.Sprint("op", n), "me", "img", int64(n)))
		})
		if err != nil {
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
				for {
					if err := wait(ctx); !errors.Is(err, context.Canceled) && (err != nil || ctx.Err() == nil) {
						return fmt.Errorf("wait returned %v", err)
					} else if err != nil {
						return nil
					}
					wait = changed(c.ctx, c.store)
				}
			})
			cancel()
		}
	})
	c.run("Goroutines", func() {
		testChangedLeaks(c, changed)
	})
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
