package linearizability_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/linearizability"
	"github.com/imageshare/sharing/memstore"
)

func TestMain(m *testing.M) {
	linearizability.Serve(openNew)
	os.Exit(m.Run())
}

// openStore is a store that is open already.
type openStore struct{ sharing.Store }

func (openStore) Close() error { return nil }

// opener returns one that opens the same store each time.
func opener(store sharing.Store) linearizability.Opener {
	return func(context.Context, string) (linearizability.Store, error) { return openStore{store}, nil }
}

// openNew opens a new store each time.
func openNew(context.Context, string) (linearizability.Store, error) {
	return openStore{memstore.New()}, nil
}

func record(t *testing.T, h linearizability.History, open linearizability.Opener) []linearizability.Operation {
	t.Helper()
	h.Images, h.Engines = 3, 3
	operations, err := h.Record(t.Context(), open)
	if err != nil {
		t.Fatal(err)
	}
	return operations
}

func TestR21_MemoryStoreIsLinearizable(t *testing.T) {
	for seed := range uint64(20) {
		h := linearizability.History{Callers: 8, Calls: 200, Seed: seed}
		if err := linearizability.Verify(record(t, h, opener(memstore.New())), time.Minute); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// A store that answers reads from an older state has to be found out.
func TestVerify_FindsAStaleStore(t *testing.T) {
	for seed := range uint64(20) {
		h := linearizability.History{Callers: 4, Calls: 100, Seed: seed}
		if linearizability.Verify(record(t, h, opener(&staleStore{Store: memstore.New()})), time.Minute) != nil {
			return
		}
	}
	t.Error("no history of a store with stale reads was refused")
}

// What other processes were answered counts: a store that they don't share has to be found out.
func TestVerify_FindsWhatOtherProcessesSee(t *testing.T) {
	h := linearizability.History{Processes: 2, Callers: 2, Calls: 100}
	if err := linearizability.Verify(record(t, h, opener(memstore.New())), time.Minute); err == nil {
		t.Error("two processes with a store each look like two with one")
	}
}

// An error that no rule gives, and that a store may not give, is no answer.
func TestRecord_Fails(t *testing.T) {
	h := linearizability.History{Images: 1, Engines: 1, Callers: 1, Calls: 100}
	opened := 0
	_, err := h.Record(t.Context(), func(ctx context.Context, _ string) (linearizability.Store, error) {
		if opened++; opened == 1 { // for the images
			return openStore{memstore.New()}, nil
		}
		return openStore{failingStore{memstore.New()}}, nil
	})
	if err == nil || !strings.Contains(err.Error(), "the disk is gone") {
		t.Errorf("the error should be the store's: %v", err)
	}
}

// A conflict, which a store may give on a slow machine, ends no history, not even while its images are made.
func TestRecord_Insists(t *testing.T) {
	h := linearizability.History{Callers: 2, Calls: 100}
	if err := linearizability.Verify(record(t, h, opener(&conflictingStore{Store: memstore.New()})), time.Minute); err != nil {
		t.Error(err)
	}
}

// conflictingStore gives up every second change.
type conflictingStore struct {
	sharing.Store
	changes atomic.Int64
}

func (s *conflictingStore) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	if s.changes.Add(1)%2 == 1 {
		return sharing.ErrConflict
	}
	return s.Store.Update(ctx, fn)
}

type failingStore struct{ sharing.Store }

func (failingStore) View(context.Context, func(sharing.ViewTx) error) error {
	return errors.New("the disk is gone")
}

// staleStore lets some reads have the answer of the read before.
type staleStore struct {
	*memstore.Store
	mu    sync.Mutex
	n     int
	stale map[sharing.ImageID]sharing.Access
}

func (s *staleStore) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	return s.Store.View(ctx, func(tx sharing.ViewTx) error { return fn(&staleTx{tx, s}) })
}

type staleTx struct {
	sharing.ViewTx
	store *staleStore
}

func (tx *staleTx) Access(account sharing.AccountID, organizations []sharing.OrganizationID, id sharing.ImageID) (
	sharing.Access, sharing.Trust, error) {
	access, trust, err := tx.ViewTx.Access(account, organizations, id)
	s := tx.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n++; s.n%2 == 0 {
		if stale, ok := s.stale[id]; ok {
			return stale, trust, err
		}
	}
	if s.stale == nil {
		s.stale = make(map[sharing.ImageID]sharing.Access)
	}
	s.stale[id] = access
	return access, trust, err
}
