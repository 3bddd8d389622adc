package memory

import (
	"testing"

	"github.com/imageshare/sharing/bench/contest"
)

// Each work runs: its contestants give the answers that are asked for, or else it fails.
func TestWorks(t *testing.T) {
	for _, work := range Works() {
		t.Run(work.ID, func(t *testing.T) {
			rows, err := work.Run(t.Context(), contest.Tiny)
			if err != nil || len(rows) == 0 {
				t.Fatalf("%d rows, error %v", len(rows), err)
			}
			for _, goal := range work.Goals {
				if _, ok := goal.Measure(rows); !ok {
					t.Errorf("no row tells of the goal %q", goal.Text)
				}
			}
		})
	}
}
