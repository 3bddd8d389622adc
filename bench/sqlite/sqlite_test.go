package sqlite

import (
	"os"
	"testing"

	"github.com/imageshare/sharing/bench/contest"
)

func TestMain(m *testing.M) {
	contest.Serve(map[string]contest.Opener{ID: Open})
	os.Exit(m.Run())
}

// The work runs: its contestants give the answers that are asked for, or else it fails.
func TestWorks(t *testing.T) {
	for _, work := range Works() {
		rows, err := work.Run(t.Context(), contest.Tiny)
		if err != nil {
			t.Fatal(err)
		}
		for _, goal := range work.Goals {
			if _, ok := goal.Measure(rows); !ok {
				t.Errorf("no row tells of the goal %q", goal.Text)
			}
		}
	}
}
