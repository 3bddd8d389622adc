package linearizability_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/linearizability"
	"github.com/imageshare/sharing/memstore"
)

// history makes calls from many callers at once, on several engines of one store.
func history(t *testing.T, store sharing.Store, callers, calls int, seed uint64) []linearizability.Operation {
	t.Helper()
	engines := make([]*sharing.Engine, 3)
	for i := range engines {
		var err error
		if engines[i], err = sharing.New(store, sharing.WithPolicy(sharing.Policy{MaxShares: linearizability.MaxShares})); err != nil {
			t.Fatal(err)
		}
	}
	subjects, err := linearizability.Prepare(t.Context(), engines[0], 3)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all []linearizability.Operation
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			operations := linearizability.Call(t.Context(), engines[caller%len(engines)], subjects, caller, calls, seed)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, operations...)
		})
	}
	wg.Wait()
	return all
}

func TestR21_MemoryStoreIsLinearizable(t *testing.T) {
	for seed := range uint64(20) {
		if err := linearizability.Verify(history(t, memstore.New(), 8, 200, seed), time.Minute); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// A store that answers reads from an older state has to be found out.
func TestVerify_FindsAStaleStore(t *testing.T) {
	for seed := range uint64(20) {
		if linearizability.Verify(history(t, &staleStore{Store: memstore.New()}, 4, 100, seed), time.Minute) != nil {
			return
		}
	}
	t.Error("no history of a store with stale reads was refused")
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
