package sqlitestore_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/imageshare/sharing/linearizability"
	"github.com/imageshare/sharing/sqlitestore"
)

var histories = flag.Int("histories", 10, "how many histories are recorded and checked")

func openLinear(ctx context.Context, path string) (linearizability.Store, error) {
	return sqlitestore.Open(ctx, path)
}

// TestR21_Linearizable records what several engines on one file do at once, and asks whether there is an order
// of the calls, one by one, that explains all answers: with engines in one process, and in several.
func TestR21_Linearizable(t *testing.T) {
	for _, processes := range []int{1, 3} {
		t.Run(fmt.Sprint("Processes", processes), func(t *testing.T) {
			for range *histories {
				h := linearizability.History{
					Place: filepath.Join(memoryFolder(t), "store.db"), Images: 3,
					Processes: processes, Engines: 2, Callers: 6, Calls: 100, Seed: rand.Uint64(),
				}
				operations, err := h.Record(t.Context(), openLinear)
				if err != nil {
					t.Fatal(err)
				}
				if err := linearizability.Verify(operations, time.Minute); err != nil {
					t.Errorf("R21: seed %d: %v", h.Seed, err)
				}
			}
		})
	}
}
