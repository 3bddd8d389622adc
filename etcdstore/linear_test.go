package etcdstore

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/imageshare/sharing/linearizability"
)

// openLinear opens a store at an endpoint and a prefix, with a client of its own.
func openLinear(ctx context.Context, place string) (linearizability.Store, error) {
	endpoint, prefix, _ := strings.Cut(place, " ")
	client, err := dial([]string{endpoint})
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, client, prefix)
	if err != nil {
		return nil, err
	}
	s.owned = true
	return s, nil
}

// TestR21_Linearizable lets several engines in two processes work on the same images, and looks for an order in which the calls,
// one by one, would have been answered alike.
func TestR21_Linearizable(t *testing.T) {
	h := linearizability.History{
		Place: server.endpoint + " " + newPrefix(), Images: 2, Processes: 2, Engines: 3, Callers: 6, Calls: 150, Seed: 1,
	}
	if *long {
		h.Calls = 600
	}
	operations, err := h.Record(t.Context(), openLinear)
	if err != nil {
		t.Fatal(err)
	}
	if err := linearizability.Verify(operations, 2*time.Minute); err != nil {
		t.Error(err)
	}
}
