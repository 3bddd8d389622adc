package etcdstore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/imageshare/sharing/linearizability"
)

// openLinear opens the store at a place: an endpoint and a prefix.
func openLinear(ctx context.Context, place string) (linearizability.Store, error) {
	return openPlace(ctx, place)
}

func openPlace(ctx context.Context, place string) (*Store, error) {
	endpoint, prefix, _ := strings.Cut(place, " ")
	client, err := dial([]string{endpoint})
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, client, prefix)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	s.owned = true
	return s, nil
}

// newPlace returns the place of a new store on the shared server.
func newPlace() string { return server.endpoint + " " + newPrefix() }

// TestR21_Linearizable lets callers on four engines in two processes call at once, and looks for an order that explains their answers.
func TestR21_Linearizable(t *testing.T) {
	h := linearizability.History{Images: 3, Processes: 2, Engines: 2, Callers: 4, Calls: 60}
	histories := uint64(1)
	if *long {
		histories = 50
	}
	for h.Seed = 1; h.Seed <= histories; h.Seed++ {
		h.Place = newPlace()
		operations, err := h.Record(t.Context(), openLinear)
		if err != nil {
			t.Fatal(err)
		}
		if err := linearizability.Verify(operations, 10*time.Minute); err != nil {
			t.Errorf("seed %d: %v", h.Seed, err)
		}
	}
}
