package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// existing and changes are a state, and writes of every kind that would change it.
var (
	existing = []any{
		fullImage("img", "owner"), image("other", "owner"), share("img", "me"), share("other", "me"), instance("vm", "me", "img"),
		trustOf{"me", sharing.Trust{Enforce: true}}, event("op", "owner", "img", 1),
	}
	changes = []any{
		image("img", "owner"), []sharing.Share{share("img", "b"), shareStatus("img", "me", sharing.ShareRejected)}, ended{"img", "me"},
		deleted(image("other", "owner")), terminated(instance("vm", "me", "img")), instance("vm2", "me", "img"), image("new", "owner"),
		trustOf{"me", sharing.Trust{}}, event("op2", "owner", "img", 2),
	}
)

func (c *check) unchanged(promise string) {
	c.Helper()
	c.sameEverywhere(promise)
	c.sameLoad(promise, sharing.Need{
		Account: "me", Trust: true, Image: "img", Instance: "vm", Operation: "op2",
		Images: []sharing.ImageID{"other", "new"}, Instances: []sharing.InstanceID{"vm2"}, NewImage: "new", OwnInstances: true})
	c.sameLoad(promise, sharing.Need{Account: "owner", Image: "img", AllShares: true, PresentAt: noon})
}

// usable checks that the store still works, for every handle.
func (c *check) usable(promise string) {
	c.Helper()
	for _, store := range c.stores {
		c.within(promise, func() error {
			return store.Update(c.ctx, func(tx sharing.UpdateTx) error { return put(tx, image("usable", "owner")) })
		})
		c.within(promise, func() error {
			return store.View(c.ctx, func(tx sharing.ViewTx) error {
				_, err := tx.Load(sharing.Need{Image: "usable"})
				return err
			})
		})
	}
	c.write(image("usable", "owner"))
}

// ownErrors are what a closure's own error may wrap, which a store must not take for its own.
var ownErrors = []error{
	errors.New("an error"), sharing.ErrConflict, sharing.ErrOutcomeUnknown, sharing.ErrInvalid, context.Canceled, context.DeadlineExceeded, io.EOF,
}

func ownError(n int) error { return fmt.Errorf("the closure's own: %w", ownErrors[n%len(ownErrors)]) }

// testTransactions ends closures in every way but well.
func testTransactions(t *testing.T, open opener) {
	t.Run("Error", func(t *testing.T) {
		c := newCheck(t, open)
		c.write(existing...)
		for n := range len(changes) + 1 {
			want := ownError(n)
			err := c.store.Update(c.ctx, func(tx sharing.UpdateTx) error {
				if err := put(tx, changes[:n]...); err != nil {
					return err
				}
				return want
			})
			if err != want {
				c.Errorf("the contract asks: Update returns the closure's error as it is, the same value: %v; got %v", want, err)
			}
			c.unchanged(fmt.Sprintf("when the closure fails nothing is changed, here after %d writes", n))
		}
		c.usable("a closure's error leaves nothing locked")
	})
	t.Run("ViewError", func(t *testing.T) {
		c := newCheck(t, open)
		c.write(existing...)
		for n := range ownErrors {
			want := ownError(n)
			if err := c.store.View(c.ctx, func(sharing.ViewTx) error { return want }); err != want {
				c.Errorf("the contract asks: View returns the closure's error as it is, the same value: %v; got %v", want, err)
			}
		}
		c.usable("a closure's error leaves nothing locked")
	})
	t.Run("Panic", func(t *testing.T) {
		c := newCheck(t, open)
		c.write(existing...)
		for n := range len(changes) + 1 {
			c.panics(func() error {
				return c.store.Update(c.ctx, func(tx sharing.UpdateTx) error {
					if _, err := tx.Load(sharing.Need{Image: "img"}); err != nil {
						return err
					}
					if err := put(tx, changes[:n]...); err != nil {
						return err
					}
					panic("the closure's own")
				})
			})
			c.usable("a panic in the closure leaves nothing locked")
			c.unchanged(fmt.Sprintf("a panic in the closure leaves nothing changed, here after %d writes", n))
		}
	})
	t.Run("ViewPanic", func(t *testing.T) {
		c := newCheck(t, open)
		c.write(existing...)
		for _, read := range []func(sharing.ViewTx) error{
			func(tx sharing.ViewTx) error {
				_, err := tx.Load(sharing.Need{Image: "img"})
				return err
			},
			func(tx sharing.ViewTx) error {
				return tx.Images(sharing.ImageScan{Limit: many}, func(*sharing.Access) { panic("within a scan") })
			},
			func(tx sharing.ViewTx) error {
				return tx.Shares(sharing.ShareScan{Image: "img", Limit: many}, func(*sharing.SharedImage) { panic("within a scan") })
			},
			func(tx sharing.ViewTx) error {
				return tx.Instances(sharing.InstanceScan{Owner: "me", Limit: many}, func(*sharing.InstanceRecord) { panic("within a scan") })
			},
		} {
			for range 20 { // more often than a store has connections
				c.panics(func() error {
					return c.store.View(c.ctx, func(tx sharing.ViewTx) error {
						if err := read(tx); err != nil {
							return err
						}
						panic("the closure's own")
					})
				})
			}
			c.usable("a panic in the closure leaves nothing locked")
			c.unchanged("a panic in a closure that reads changes nothing")
		}
	})
}

// panics runs a transaction whose closure panics. Whether the panic goes on or becomes an error is the store's choice.
func (c *check) panics(transaction func() error) {
	c.Helper()
	c.within("a panic in the closure is no success", func() (err error) {
		defer func() { _ = recover() }()
		if transaction() == nil {
			return errors.New("the transaction returned nil, as if the closure had returned nil")
		}
		return nil
	})
}

// testContexts ends contexts before and within transactions.
func testContexts(t *testing.T, open opener) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	overdue, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	for name, ctx := range map[string]context.Context{"Cancelled": cancelled, "Overdue": overdue} {
		t.Run(name, func(t *testing.T) {
			c := newCheck(t, open)
			c.write(existing...)
			c.endsWith(ctx.Err(), "View, when its context has ended before", c.store.View(ctx, readSome))
			c.endsWith(ctx.Err(), "Update, when its context has ended before",
				c.store.Update(ctx, func(tx sharing.UpdateTx) error { return put(tx, changes...) }))
			c.unchanged("when the context ends before the commit, nothing is changed")
			c.usable("a context that ended leaves nothing locked")
		})
	}
	t.Run("ReturnsAfterTheClosure", func(t *testing.T) {
		c := newCheck(t, open)
		c.write(existing...)
		c.endsAfter("View", func(ctx context.Context, closure func() error) error {
			return c.store.View(ctx, func(sharing.ViewTx) error { return closure() })
		})
		c.endsAfter("Update", func(ctx context.Context, closure func() error) error {
			return c.store.Update(ctx, func(sharing.UpdateTx) error { return closure() })
		})
	})
	for name, method := range reads {
		t.Run("During"+name, func(t *testing.T) {
			c := newCheck(t, open)
			c.write(existing...)
			ctx, cancel := context.WithCancel(c.ctx)
			defer cancel()
			c.endsWith(context.Canceled, "a View's "+name+", when the context ended after the View began", c.store.View(ctx, func(tx sharing.ViewTx) error {
				cancel()
				return method(tx)
			}))
			ctx, cancel = context.WithCancel(c.ctx)
			defer cancel()
			c.endsWith(context.Canceled, "an Update's "+name+", when the context ended after the Update began", c.store.Update(ctx, func(tx sharing.UpdateTx) error {
				cancel()
				return method(tx)
			}))
			c.usable("a context that ended leaves nothing locked")
		})
	}
	t.Run("DuringWrites", func(t *testing.T) {
		c := newCheck(t, open)
		c.write(existing...)
		for n := range len(changes) + 1 {
			ctx, cancel := context.WithCancel(c.ctx)
			c.endsWith(context.Canceled, "Update, when its context ended in the closure, which returns nil", c.store.Update(ctx, func(tx sharing.UpdateTx) error {
				err := put(tx, changes[:n]...)
				cancel()
				if err != nil {
					return err
				}
				return put(tx, changes[n:]...)
			}))
			c.unchanged(fmt.Sprintf("when the context ends before the commit, nothing is changed; here it ended after %d writes", n))
			cancel()
		}
		c.usable("a context that ended leaves nothing locked")
	})
}

// endsAfter checks that a transaction does not return before its closure has, even if its context ends meanwhile.
func (c *check) endsAfter(what string, transaction func(context.Context, func() error) error) {
	c.Helper()
	const enough = 100 * time.Millisecond // for a store that returns early to do so
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	var running atomic.Bool
	returned := make(chan struct{})
	defer close(returned)
	err := transaction(ctx, func() error {
		running.Store(true)
		defer running.Store(false)
		cancel()
		select {
		case <-returned:
		case <-time.After(enough):
		}
		return ctx.Err()
	})
	early := running.Load()
	c.endsWith(context.Canceled, what+", when its context ended in the closure, which returns its error", err)
	if early {
		c.Errorf("the contract asks: %s returns only after its closure has ended, even if its context ends before; it returned %v while the closure ran", what, err)
	}
}

func (c *check) endsWith(want error, what string, err error) {
	c.Helper()
	if !errors.Is(err, want) {
		c.Errorf("the contract asks: %s, ends with an error that wraps %q; got %v", what, want, err)
	}
}

// reads are the methods of a transaction that read.
var reads = map[string]func(sharing.ViewTx) error{
	"Load": readSome,
	"Access": func(tx sharing.ViewTx) error {
		_, _, err := tx.Access("me", []sharing.OrganizationID{"o"}, "img")
		return err
	},
	"Images": func(tx sharing.ViewTx) error {
		_, err := listImages(tx, sharing.ImageScan{Account: "me", Limit: 10})
		return err
	},
	"Derived": func(tx sharing.ViewTx) error {
		_, err := tx.Derived("source-image", "", 10)
		return err
	},
	"Shares": func(tx sharing.ViewTx) error {
		_, err := listShares(tx, sharing.ShareScan{Image: "img", Limit: 10})
		return err
	},
	"Instances": func(tx sharing.ViewTx) error {
		_, err := listInstances(tx, sharing.InstanceScan{Owner: "me", Limit: 10})
		return err
	},
	"Events": func(tx sharing.ViewTx) error {
		_, err := tx.Events(sharing.EventQuery{Limit: 10})
		return err
	},
}

func readSome(tx sharing.ViewTx) error {
	_, err := tx.Load(sharing.Need{Account: "owner", Image: "img", AllShares: true})
	return err
}
