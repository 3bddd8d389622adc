package storetest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/imageshare/sharing"
)

// hookedStore is a store whose transactions are hooked.
type hookedStore struct {
	sharing.Store
	hooks
}

func (s hookedStore) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	return s.Store.View(ctx, func(tx sharing.ViewTx) error { return fn(hooked{tx.(sharing.UpdateTx), s.hooks}) })
}

func (s hookedStore) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	return s.Store.Update(ctx, func(tx sharing.UpdateTx) error { return fn(hooked{tx, s.hooks}) })
}

// with returns an opener of references with these hooks.
func with(h hooks) opener {
	return func(*testing.T) []sharing.Store { return []sharing.Store{hookedStore{newReference(), h}} }
}

// brokenStore is a reference whose View or Update is another.
type brokenStore struct {
	*reference
	view   func(*reference, context.Context, func(sharing.ViewTx) error) error
	update func(*reference, context.Context, func(sharing.UpdateTx) error) error
}

func (s brokenStore) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	if s.view == nil {
		return s.reference.View(ctx, fn)
	}
	return s.view(s.reference, ctx, fn)
}

func (s brokenStore) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	if s.update == nil {
		return s.reference.Update(ctx, fn)
	}
	return s.update(s.reference, ctx, fn)
}

func withView(view func(*reference, context.Context, func(sharing.ViewTx) error) error) opener {
	return func(*testing.T) []sharing.Store { return []sharing.Store{brokenStore{newReference(), view, nil}} }
}

func withUpdate(update func(*reference, context.Context, func(sharing.UpdateTx) error) error) opener {
	return func(*testing.T) []sharing.Store {
		return []sharing.Store{brokenStore{newReference(), nil, update}}
	}
}

// withChanged returns an opener of references that wait otherwise.
func withChanged(changed func(grown chan struct{}, ctx context.Context) error) opener {
	return withView(func(r *reference, ctx context.Context, fn func(sharing.ViewTx) error) error {
		return r.View(ctx, func(tx sharing.ViewTx) error {
			return fn(otherWait{tx, func(ctx context.Context) error { return changed(tx.(*referenceTx).grown, ctx) }})
		})
	})
}

type otherWait struct {
	sharing.ViewTx
	wait func(context.Context) error
}

func (tx otherWait) Changed() func(context.Context) error { return tx.wait }

// snapshot returns a copy of the state, for transactions that do not hold the lock.
func (r *reference) snapshot() *reference {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &reference{
		name: r.name, images: maps.Clone(r.images), shares: maps.Clone(r.shares), instances: maps.Clone(r.instances),
		trust: maps.Clone(r.trust), log: slices.Clone(r.log), grown: r.grown,
	}
}

// A writer is what an UpdateTx has beyond a ViewTx.
type writer interface {
	PutImage(sharing.ImageRecord) error
	PutShares([]sharing.Share) error
	DeleteShares(sharing.ImageID, []sharing.Grantee) error
	PutInstance(sharing.InstanceRecord) error
	PutTrust(sharing.AccountID, sharing.Trust) error
	Append([]sharing.Event) error
}

// splitTx reads here and writes there.
type splitTx struct {
	sharing.ViewTx
	writer
}

// snapshotIsolation reads a snapshot, and commits whatever others committed meanwhile.
func snapshotIsolation(r *reference, ctx context.Context, fn func(sharing.UpdateTx) error) error {
	writes := &referenceTx{reference: r, ctx: ctx}
	if err := fn(splitTx{&referenceTx{reference: r.snapshot(), ctx: ctx}, writes}); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commit(writes.writes)
	return nil
}

// numberedEarly returns a store that gives an event its place in the log when it is appended, not when it is committed.
func numberedEarly(*testing.T) []sharing.Store {
	var drawn atomic.Int64
	var numbers []int64 // of the events in the log
	h := hooks{appendTo: func(tx sharing.UpdateTx, events []sharing.Event) error {
		writes := tx.(splitTx).writer.(*referenceTx)
		n := drawn.Add(1)
		return writes.write(func() {
			at, _ := slices.BinarySearch(numbers, n)
			for range events {
				numbers = slices.Insert(numbers, at, n)
			}
			r := writes.reference
			r.log = slices.Insert(r.log, at, events...)
			for i := range r.log {
				r.log[i].Cursor = r.cursor(i + 1)
			}
		})
	}}
	return []sharing.Store{hookedStore{brokenStore{newReference(), nil, snapshotIsolation}, h}}
}

// overwriting returns a store that changes the records that it has returned.
func overwriting(*testing.T) []sharing.Store {
	returned := map[sharing.InstanceID]*sharing.InstanceRecord{}
	return []sharing.Store{hookedStore{newReference(), hooks{
		state: func(_ sharing.UpdateTx, _ sharing.Need, state *sharing.State) {
			if rec := state.Instance; rec != nil {
				returned[rec.ID] = rec
			}
		},
		putInst: func(tx sharing.UpdateTx, rec sharing.InstanceRecord) error {
			if held := returned[rec.ID]; held != nil {
				*held = rec
			}
			return tx.PutInstance(rec)
		},
	}}}
}

// unfresh is a store that says that nobody else refers to what it returns, and keeps it.
type unfresh struct{ *reference }

func (unfresh) Fresh() {}

// lagging returns a store whose Views see the state before the last Update.
func lagging(*testing.T) []sharing.Store {
	replica := newReference()
	return []sharing.Store{brokenStore{newReference(),
		func(_ *reference, ctx context.Context, fn func(sharing.ViewTx) error) error {
			return replica.View(ctx, fn)
		},
		func(r *reference, ctx context.Context, fn func(sharing.UpdateTx) error) error {
			behind := r.snapshot()
			replica.mu.Lock()
			replica.images, replica.shares, replica.instances, replica.trust, replica.log =
				behind.images, behind.shares, behind.instances, behind.trust, behind.log
			replica.mu.Unlock()
			return r.Update(ctx, fn)
		}}}
}

// lockedForEver returns a store that keeps its lock when a closure panics.
func lockedForEver(*testing.T) []sharing.Store {
	var mu sync.Mutex
	return []sharing.Store{brokenStore{newReference(), nil,
		func(r *reference, ctx context.Context, fn func(sharing.UpdateTx) error) error {
			mu.Lock()
			err := r.Update(ctx, fn)
			mu.Unlock()
			return err
		}}}
}

// apart returns two handles that share nothing.
func apart(*testing.T) []sharing.Store { return []sharing.Store{newReference(), newReference()} }

// deaf returns two handles on one reference, of which each wakes only those that wait by itself.
func deaf(*testing.T) []sharing.Store {
	r := newReference()
	handle := func() sharing.Store {
		var mu sync.Mutex
		grown := make(chan struct{})
		return brokenStore{r,
			func(r *reference, ctx context.Context, fn func(sharing.ViewTx) error) error {
				mu.Lock()
				mine := &reference{grown: grown}
				mu.Unlock()
				return r.View(ctx, func(tx sharing.ViewTx) error {
					return fn(otherWait{tx, (&referenceTx{reference: mine}).Changed()})
				})
			},
			func(r *reference, ctx context.Context, fn func(sharing.UpdateTx) error) error {
				err := r.Update(ctx, fn)
				mu.Lock()
				defer mu.Unlock()
				close(grown)
				grown = make(chan struct{})
				return err
			}}
	}
	return []sharing.Store{handle(), handle()}
}
