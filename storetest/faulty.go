package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/imageshare/sharing"
)

// A FaultKind is a way in which a transaction goes wrong.
type FaultKind int

// The ways in which a transaction goes wrong.
const (
	// FailBefore: the transaction ends with the fault's error, and the closure is not run.
	FailBefore FaultKind = iota
	// FailCall: a method that the closure calls returns the fault's error instead of doing anything.
	FailCall
	// FailCommit: the closure is run, nothing is committed, and the transaction ends with the fault's error.
	FailCommit
	// LoseAnswer: the transaction is committed, and ends with the fault's error.
	LoseAnswer
	// RunTwice: the closure is run, and what it wrote is discarded, as after a conflict; then the closure is
	// run again, and this run counts.
	RunTwice
)

// String returns the kind's name, such as "FailBefore".
func (k FaultKind) String() string {
	names := []string{"FailBefore", "FailCall", "FailCommit", "LoseAnswer", "RunTwice"}
	if k < 0 || int(k) >= len(names) {
		return fmt.Sprintf("FaultKind(%d)", int(k))
	}
	return names[k]
}

// A Fault is one failure of a store, for [FaultyStore.Inject].
//
// If the closure itself fails, the transaction ends with the closure's error, as the contract asks. FailCommit and
// LoseAnswer wait for a transaction whose closure does not fail.
type Fault struct {
	Kind FaultKind
	// Err is the error of the fault. It may wrap [sharing.ErrConflict] or
	// [sharing.ErrOutcomeUnknown], or be any other error.
	Err error
	// Call says, for FailCall, which of the closure's calls fails: 1 is the first. Changed does
	// not count, since it can't fail.
	Call int
	// Away is the number of transactions after this one that fail with Err before their closure, as if the store were
	// out of reach. A negative number means all until [FaultyStore.Heal].
	Away int
	// Meanwhile, if not nil, is called when the fault happens, outside the transaction: between the two runs of
	// RunTwice, or before the transaction returns. It may use the store below.
	Meanwhile func()
}

// A FaultyStore behaves like the store below it, except for the faults that are injected. It is for tests of the code
// that uses a store: does that code tell the truth whatever the store does? A FaultyStore is safe for concurrent use.
type FaultyStore struct {
	store sharing.Store

	mu       sync.Mutex
	fault    *Fault // to happen in the next transaction
	happened bool
	away     int
	awayErr  error
}

// Faulty returns a FaultyStore on store, without a fault as yet.
func Faulty(store sharing.Store) *FaultyStore { return &FaultyStore{store: store} }

// Inject makes the fault happen in the next transaction in which it can happen. It replaces any fault injected before.
func (f *FaultyStore) Inject(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.happened, f.away = &fault, false, 0
}

// Heal removes the fault and ends its consequences. It reports whether the fault has happened.
func (f *FaultyStore) Heal() (happened bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.away = nil, 0
	return f.happened
}

// pending returns the fault that is to happen, or the error of a store that is out of reach.
func (f *FaultyStore) pending() (*Fault, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away != 0 {
		f.away--
		return nil, f.awayErr
	}
	return f.fault, nil
}

// happen marks the fault as having happened, and returns its error.
func (f *FaultyStore) happen(fault *Fault) error {
	f.mu.Lock()
	f.fault, f.happened = nil, true
	f.away, f.awayErr = fault.Away, fault.Err
	f.mu.Unlock()
	if fault.Meanwhile != nil {
		fault.Meanwhile()
	}
	return fault.Err
}

// View runs fn in a View of the store below. Faults that need a commit don't happen in a View.
func (f *FaultyStore) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	fault, err := f.pending()
	if err != nil {
		return err
	}
	if fault == nil {
		return f.store.View(ctx, fn)
	}
	switch fault.Kind {
	case FailBefore:
		return f.happen(fault)
	case FailCall:
		var calls calls
		err := f.store.View(ctx, func(tx sharing.ViewTx) error {
			calls.begin(fault)
			return fn(faultyView{tx, &calls})
		})
		return calls.end(f, fault, err)
	}
	return f.store.View(ctx, fn)
}

// errDiscard ends a transaction of the store below whose closure succeeded.
var errDiscard = errors.New("storetest: discarded")

// Update runs fn in an Update of the store below, and makes the fault happen that is due, if any.
func (f *FaultyStore) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	fault, err := f.pending()
	if err != nil {
		return err
	}
	if fault == nil {
		return f.store.Update(ctx, fn)
	}
	discarded := func() error {
		return f.store.Update(ctx, func(tx sharing.UpdateTx) error {
			if err := fn(tx); err != nil {
				return err
			}
			return errDiscard
		})
	}
	switch fault.Kind {
	case FailCall:
		var calls calls
		err := f.store.Update(ctx, func(tx sharing.UpdateTx) error {
			calls.begin(fault)
			return fn(faultyUpdate{faultyView{tx, &calls}, tx})
		})
		return calls.end(f, fault, err)
	case FailCommit:
		if err := discarded(); err != errDiscard {
			return err
		}
		return f.happen(fault)
	case LoseAnswer:
		if err := f.store.Update(ctx, fn); err != nil {
			return err
		}
		return f.happen(fault)
	case RunTwice:
		// The first run may be refused where the second is not, and the other way round.
		_ = discarded()
		f.happen(fault)
		return f.store.Update(ctx, fn)
	}
	return f.happen(fault)
}
