package sharing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imageshare/sharing"
)

// losing is a store that loses the outcome of updates as the test says, and fails as many reads after that as it says.
type losing struct {
	sharing.Store
	update func(ctx context.Context, fn func(sharing.UpdateTx) error) error // nil: the store's own
	blind  int
	slow   time.Duration // that a read takes which fails, or less if its context ends
}

var errLost = fmt.Errorf("connection lost: %w", sharing.ErrOutcomeUnknown)

func (s *losing) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	if s.update == nil {
		return s.Store.Update(ctx, fn)
	}
	return s.update(ctx, fn)
}

func (s *losing) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	if s.blind > 0 {
		s.blind--
		select {
		case <-time.After(s.slow):
			return errors.New("still no connection")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.Store.View(ctx, fn)
}

// discarded runs a closure and commits nothing of it.
func (s *losing) discarded(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	discard := errors.New("discard")
	err := s.Store.Update(ctx, func(tx sharing.UpdateTx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return discard
	})
	if errors.Is(err, discard) {
		return errLost
	}
	return err
}

// committed runs a closure, commits it, and loses the answer.
func (s *losing) committed(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	if err := s.Store.Update(ctx, fn); err != nil {
		return err
	}
	return errLost
}

// lossy is an engine on a store that loses outcomes, beside the world's own, which does not.
func (w *world) lossy() (*sharing.Engine, *losing) {
	w.t.Helper()
	store := &losing{Store: w.store}
	n := 0
	e, err := sharing.New(store, sharing.WithIDs(func() string { n++; return fmt.Sprint("lossy-", n) }))
	if err != nil {
		w.t.Fatal(err)
	}
	return e, store
}

// What became of a lost commit is found out from the event log, however often it has to be asked (R26).
func TestR26_LostOutcomeIsFoundOut(t *testing.T) {
	for _, blind := range []int{0, 3} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			e, store := w.lossy()
			store.update, store.blind = store.committed, blind
			img, err := e.Register(t.Context(), "owner", sharing.ImageSpec{Region: "r1"})
			want(t, err, nil)
			if _, err := w.Image(t.Context(), "owner", img.ID); err != nil {
				t.Errorf("the image is told to be registered, but: %v", err)
			}
			store.update, store.blind = store.discarded, blind
			_, err = e.Share(t.Context(), "owner", img.ID, "b")
			if err == nil || errors.Is(err, sharing.ErrOutcomeUnknown) {
				t.Errorf("got %v, want an error that says that nothing was changed", err)
			}
			if n := len(w.log()); n != 1 {
				t.Errorf("the log has %d events, want that of the register", n)
			}
		})
	}
}

// An outcome that is known is never reported as unknown, whatever the store said; the rest of its error stays (R26).
func TestR26_FoundOutIsNotUnknown(t *testing.T) {
	cut := &net.OpError{Op: "read", Err: io.ErrUnexpectedEOF}
	for _, lost := range []error{
		fmt.Errorf("store: %w: no connection", sharing.ErrOutcomeUnknown),
		fmt.Errorf("%w: %w", sharing.ErrOutcomeUnknown, cut),
		sharing.ErrOutcomeUnknown,
	} {
		message := "Register: nothing was changed, though the store could not tell at first: " + lost.Error()
		w := newWorld(t)
		e, store := w.lossy()
		store.update = func(ctx context.Context, fn func(sharing.UpdateTx) error) error {
			if err := store.discarded(ctx, fn); !errors.Is(err, errLost) {
				return err
			}
			return lost
		}
		_, err := e.Register(t.Context(), "owner", sharing.ImageSpec{Region: "r1"})
		if err == nil || err.Error() != message || errors.Is(err, sharing.ErrOutcomeUnknown) {
			t.Errorf("got %v, want %s", err, message)
		}
		var got *net.OpError
		if wrapped := errors.Is(lost, cut); wrapped != errors.Is(err, cut) || wrapped != errors.As(err, &got) {
			t.Errorf("%v should be found in what was lost as in the answer", cut)
		}
	}
}

// An outcome that can't be found out within five seconds is unknown, and repeating the call under its token changes
// nothing twice (R26).
func TestR26_UnknownStaysUnknown(t *testing.T) {
	for _, slow := range []time.Duration{0, 3 * time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			e, store := w.lossy()
			store.update, store.blind, store.slow = store.committed, 1000, slow
			began := time.Now()
			_, err := e.Once("t").Register(t.Context(), "owner", sharing.ImageSpec{Region: "r1"})
			want(t, err, sharing.ErrOutcomeUnknown)
			if took := time.Since(began); took != 5*time.Second {
				t.Errorf("with reads of %v the engine asks for %v", slow, took)
			}
			store.update, store.blind = nil, 0
			_, err = e.Once("t").Register(t.Context(), "owner", sharing.ImageSpec{Region: "r1"})
			want(t, err, nil)
			if n := len(w.log()); n != 1 {
				t.Errorf("the log has %d events, want one register", n)
			}
		})
	}
}

// Only the last run of a transaction counts: if it changes nothing, its outcome is not unknown (R26).
func TestR26_NothingToCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		img := w.image("owner")
		e, store := w.lossy()
		store.update = func(ctx context.Context, fn func(sharing.UpdateTx) error) error {
			if err := store.discarded(ctx, fn); !errors.Is(err, errLost) {
				return err
			}
			w.share("owner", img, "b") // by another engine, meanwhile
			if err := store.committed(ctx, fn); !errors.Is(err, errLost) {
				return err
			}
			store.blind = 1000
			return errLost
		}
		_, err := e.Share(t.Context(), "owner", img, "b")
		if err == nil || errors.Is(err, sharing.ErrOutcomeUnknown) {
			t.Errorf("got %v, want an error that says that nothing was changed", err)
		}
	})
}

// Of two calls under one token that run at once, one makes the change, and both have its answer (R23, R26).
func TestR26_LostUnderAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, store := w.lossy()
		var other sharing.Image
		store.update = func(ctx context.Context, fn func(sharing.UpdateTx) error) error {
			err := store.discarded(ctx, fn)
			if other.ID == "" {
				var failed error
				other, failed = w.Once("t").Register(ctx, "owner", sharing.ImageSpec{Region: "r1"})
				want(t, failed, nil)
			}
			return err
		}
		got, err := e.Once("t").Register(t.Context(), "owner", sharing.ImageSpec{Region: "r1"})
		want(t, err, nil)
		if got.ID != other.ID {
			t.Errorf("got image %s, but the log has %s", got.ID, other.ID)
		}
	})
}

// A store that fails and is right that nothing was changed is believed (R26).
func TestR26_FailureIsFailure(t *testing.T) {
	w := newWorld(t)
	e, store := w.lossy()
	for _, failure := range []error{sharing.ErrConflict, errors.New("disk full")} {
		store.update = func(ctx context.Context, fn func(sharing.UpdateTx) error) error {
			if err := store.discarded(ctx, fn); !errors.Is(err, errLost) {
				return err
			}
			return failure
		}
		_, err := e.Register(t.Context(), "owner", sharing.ImageSpec{Region: "r1"})
		want(t, err, failure)
	}
}
