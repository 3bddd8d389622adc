package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imageshare/sharing/bench/contest"
)

// Benchmark gives what the short form measures in the form that benchstat reads: its contestants take turns,
// so that one iteration is enough.
//
//	go test -C bench . -run '^$' -bench /W1 -benchtime 1x -count 6
func Benchmark(b *testing.B) {
	for _, work := range works() {
		b.Run(work.ID, func(b *testing.B) {
			scale := contest.Short
			if testing.Short() {
				scale = contest.Tiny
			}
			rows, err := work.Run(b.Context(), scale)
			if err != nil {
				b.Fatal(err)
			}
			for _, row := range rows {
				name := fmt.Sprintf("%s/size=%d/callers=%d/%s", row.Case, row.Size, row.Callers, row.Name)
				b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
					b.ReportMetric(row.PerUnit, row.Unit+"/op")
					b.ReportMetric(row.Ratio, "of-first")
					b.ReportMetric(row.Allocs, "allocs/op")
				})
			}
		})
	}
}

func TestChoose(t *testing.T) {
	all := works()
	for only, want := range map[string]int{"": len(all), "W1": 1, "W4,W1": 2} {
		if chosen, err := choose(all, only); err != nil || len(chosen) != want {
			t.Errorf("-only %q chooses %d works, error %v; want %d", only, len(chosen), err, want)
		}
	}
	if _, err := choose(all, "W1,nothing"); err == nil {
		t.Error("a work that there is not was chosen")
	}
}

// Every work has an ID of its own and says what it is.
func TestWorks(t *testing.T) {
	seen := make(map[string]bool)
	for _, work := range works() {
		if work.ID == "" || work.Title == "" || work.Run == nil || seen[work.ID] {
			t.Errorf("work %q, %q", work.ID, work.Title)
		}
		seen[work.ID] = true
	}
}
