package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/imageshare/sharing"
)

// reusing returns a store that gives all events in the same memory.
func reusing(*testing.T) []sharing.Store {
	memory := make([]sharing.Event, 1000)
	return []sharing.Store{hookedStore{newReference(), hooks{state: func(_ sharing.UpdateTx, _ sharing.Need, s *sharing.State) {
		if n := copy(memory, s.Operation); n == len(s.Operation) {
			s.Operation = memory[:n]
		}
	}}}}
}

// remembering returns a store that answers Access as it did before, unless an image or a share has changed since.
func remembering(*testing.T) []sharing.Store {
	answers := map[string]sharing.Trust{}
	forget := func() { clear(answers) }
	h := hooks{
		putImage:  func(tx sharing.UpdateTx, rec sharing.ImageRecord) error { forget(); return tx.PutImage(rec) },
		putShares: func(tx sharing.UpdateTx, shares []sharing.Share) error { forget(); return tx.PutShares(shares) },
		access: func(account sharing.AccountID, image sharing.ImageID, trust *sharing.Trust) {
			key := fmt.Sprintf("%q %q", account, image)
			if before, ok := answers[key]; ok {
				*trust = before
			}
			answers[key] = *trust
		},
	}
	return []sharing.Store{hookedStore{newReference(), h}}
}

// uncommitted makes each write at once, and takes all back if the closure fails.
func uncommitted(r *reference, ctx context.Context, fn func(sharing.UpdateTx) error) error {
	before := r.snapshot()
	if err := fn(writeThrough{&referenceTx{reference: before, ctx: ctx}, r}); err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.images, r.shares, r.instances, r.trust, r.log = before.images, before.shares, before.instances, before.trust, before.log
		return err
	}
	return nil
}

type writeThrough struct {
	*referenceTx
	r *reference
}

func (tx writeThrough) PutImage(rec sharing.ImageRecord) error {
	return tx.r.Update(tx.ctx, func(tx sharing.UpdateTx) error { return tx.PutImage(rec) })
}

func (tx writeThrough) PutShares(shares []sharing.Share) error {
	return tx.r.Update(tx.ctx, func(tx sharing.UpdateTx) error { return tx.PutShares(shares) })
}

// partlyLive returns an opener of references whose Views read a snapshot, but in part what there is now.
func partlyLive(how func(*liveTx)) opener {
	return withView(func(r *reference, ctx context.Context, fn func(sharing.ViewTx) error) error {
		tx := &liveTx{ViewTx: &referenceTx{reference: r.snapshot(), ctx: ctx}, now: r, ctx: ctx}
		how(tx)
		return fn(tx)
	})
}

type liveTx struct {
	sharing.ViewTx
	now             *reference
	ctx             context.Context
	events, changed bool
}

func (tx *liveTx) Events(q sharing.EventQuery) ([]sharing.Event, error) {
	if tx.events {
		return (&referenceTx{reference: tx.now.snapshot(), ctx: tx.ctx}).Events(q)
	}
	return tx.ViewTx.Events(q)
}

func (tx *liveTx) Changed() func(context.Context) error {
	if tx.changed {
		return (&referenceTx{reference: tx.now.snapshot()}).Changed()
	}
	return tx.ViewTx.Changed()
}

// waking returns an opener of references that wake those who wait for some events only, or when they are appended.
// Their Views do not wait for Updates.
func waking(forEvent func(sharing.Event) bool, early bool) opener {
	return func(*testing.T) []sharing.Store {
		var mu sync.Mutex
		grown := make(chan struct{})
		wake := func(events []sharing.Event) {
			mu.Lock()
			defer mu.Unlock()
			if slices.ContainsFunc(events, forEvent) {
				close(grown)
				grown = make(chan struct{})
			}
		}
		return []sharing.Store{brokenStore{newReference(),
			func(r *reference, ctx context.Context, fn func(sharing.ViewTx) error) error {
				mu.Lock()
				mine := &reference{grown: grown}
				mu.Unlock()
				return fn(otherWait{&referenceTx{reference: r.snapshot(), ctx: ctx}, (&referenceTx{reference: mine}).Changed()})
			},
			func(r *reference, ctx context.Context, fn func(sharing.UpdateTx) error) error {
				var appended []sharing.Event
				writes := &referenceTx{reference: r, ctx: ctx}
				h := hooks{appendTo: func(tx sharing.UpdateTx, events []sharing.Event) error {
					if appended = append(appended, events...); early {
						wake(events)
					}
					return tx.Append(events)
				}}
				if err := fn(hooked{splitTx{&referenceTx{reference: r.snapshot(), ctx: ctx}, writes}, h}); err != nil {
					return err
				}
				r.mu.Lock()
				r.commit(writes.writes)
				r.mu.Unlock()
				if !early {
					wake(appended)
				}
				return nil
			}}}
	}
}
