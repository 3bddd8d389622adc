package sharingtest

import (
	"context"
	"iter"

	"github.com/imageshare/sharing"
)

// Engine returns an Open for the engine of package sharing, each time on a new, empty store.
func Engine(newStore func(t TB) sharing.Store) Open {
	return func(t TB, setup Setup) Subject {
		return engineOn(t, newStore(t), setup, newStore)
	}
}

func engineOn(t TB, store sharing.Store, setup Setup, newStore func(t TB) sharing.Store) Subject {
	e, err := sharing.New(store, setup.Options()...)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return Subject{
		System: e,
		DryRun: e.DryRun(),
		Once:   func(token string) System { return e.Once(token) },
		Events: e.Events,
		Replayed: func(ctx context.Context, events iter.Seq2[sharing.Event, error]) (Subject, error) {
			to := newStore(t)
			if err := sharing.Replay(ctx, to, events); err != nil {
				return Subject{}, err
			}
			return engineOn(t, to, setup, newStore), nil
		},
		Reopened: func(setup Setup) Subject { return engineOn(t, store, setup, newStore) },
	}
}
