package contest

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// record returns a contestant that notes its units.
func record(name string, mu *sync.Mutex, turns *[]string, units map[string][]int) Contestant {
	return Contestant{Name: name, Do: func(_ context.Context, n int) error {
		mu.Lock()
		defer mu.Unlock()
		*turns = append(*turns, name)
		units[name] = append(units[name], n)
		return nil
	}}
}

// Each contestant does the same units, each of them once, and has a turn each round, in an order that changes.
func TestRun_Turns(t *testing.T) {
	for _, callers := range []int{1, 4} {
		var mu sync.Mutex
		var turns []string
		units := make(map[string][]int)
		results, err := Run(t.Context(), Options{Rounds: 2, Units: 10, Callers: callers},
			record("a", &mu, &turns, units), record("b", &mu, &turns, units), record("c", &mu, &turns, units))
		if err != nil || len(results) != 3 {
			t.Fatalf("results %v, error %v", results, err)
		}
		orders := make(map[string]bool)
		for round := range slices.Chunk(turns, 30) {
			order := ""
			for turn := range slices.Chunk(round, 10) {
				order += strings.Join(slices.Compact(turn), "+")
			}
			if !slices.Contains([]string{"abc", "acb", "bac", "bca", "cab", "cba"}, order) {
				t.Errorf("%d callers: a round of the turns %s", callers, order)
			}
			orders[order] = true
		}
		if len(orders) < 2 {
			t.Errorf("%d callers: the order is always %v", callers, orders)
		}
		for name, done := range units {
			slices.Sort(done)
			for i, n := range done {
				if i != n {
					t.Fatalf("%d callers: %s did the units %v", callers, name, done)
				}
			}
			if len(done) != 30 {
				t.Errorf("%d callers: %s did %d units, want 30", callers, name, len(done))
			}
		}
	}
}

// By time, callers take units until it is over; none is left out or done twice.
func TestRun_Slices(t *testing.T) {
	for _, callers := range []int{1, 4} {
		var mu sync.Mutex
		var turns []string
		units := make(map[string][]int)
		o := Options{Rounds: 2, Slice: 2 * time.Millisecond, Callers: callers, Latencies: true}
		results, err := Run(t.Context(), o, record("a", &mu, &turns, units))
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(units["a"])
		for i, n := range units["a"] {
			if i != n {
				t.Fatalf("%d callers: unit %d stands where %d should", callers, n, i)
			}
		}
		if r := results[0]; r.Ratio != 1 || r.PerUnit <= 0 || r.P50 <= 0 || r.P999 < r.P50 {
			t.Errorf("%d callers: result %+v", callers, r)
		}
	}
}

// Where a unit takes longer than a slice, a turn is so long that each caller does several units.
func TestRun_Lengthens(t *testing.T) {
	for callers, want := range map[int]int64{1: 1 + 20, 4: 4 + 4*fewUnits*fewRounds} {
		synctest.Test(t, func(t *testing.T) {
			var done atomic.Int64
			slow := Contestant{Name: "a", Do: func(context.Context, int) error {
				time.Sleep(10 * time.Millisecond) // which is the work
				done.Add(1)
				return nil
			}}
			if _, err := Run(t.Context(), Options{Rounds: 20, Slice: time.Millisecond, Callers: callers}, slow); err != nil {
				t.Fatal(err)
			}
			if done.Load() != want {
				t.Errorf("%d callers do %d units, want %d", callers, done.Load(), want)
			}
		})
	}
}

// What prepares is called for the units of each turn, before them.
func TestRun_Prepare(t *testing.T) {
	ready, done := 0, 0
	c := Contestant{
		Name:    "a",
		Prepare: func(_ context.Context, from, to int) error { ready = to; return nil },
		Do: func(_ context.Context, n int) error {
			if n != done || n >= ready {
				return errors.New("not prepared")
			}
			done++
			return nil
		},
	}
	if _, err := Run(t.Context(), Options{Rounds: 3, Units: 5}, c); err != nil || done != 20 {
		t.Fatalf("%d units, error %v", done, err)
	}
	if _, err := Run(t.Context(), Options{Rounds: 3, Slice: time.Millisecond}, c); err == nil {
		t.Error("without a number of units there is nothing to prepare for")
	}
}

func TestRun_Fails(t *testing.T) {
	failure := errors.New("failure")
	_, err := Run(t.Context(), Options{Rounds: 1, Units: 1, Callers: 2}, Contestant{Name: "a", Do: func(context.Context, int) error { return failure }})
	if !errors.Is(err, failure) {
		t.Errorf("error %v, want the contestant's", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = Run(ctx, Options{Rounds: 1, Slice: time.Hour}, Contestant{Name: "a", Do: func(context.Context, int) error { cancel(); return nil }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

var kept []byte

func TestRun_Allocations(t *testing.T) {
	results, err := Run(t.Context(), Options{Rounds: 3, Units: 1000},
		Contestant{Name: "none", Do: func(context.Context, int) error { return nil }},
		Contestant{Name: "two", Do: func(context.Context, int) error { kept = make([]byte, 100); kept = make([]byte, 100); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0, 2} {
		if got := results[i].Allocs; math.Abs(got-want) > 0.1 {
			t.Errorf("%s: %v allocations a unit, want %v", results[i].Name, got, want)
		}
	}
}

func TestHistogram(t *testing.T) {
	var h, other histogram
	for d := range time.Duration(100_000) {
		if b := bucket(uint64(d)); lowest(b) > uint64(d) || lowest(b+1) <= uint64(d) {
			t.Fatalf("%d is in bucket %d, which begins with %d; the next with %d", d, b, lowest(b), lowest(b+1))
		}
		if d%2 == 0 {
			h.add(d)
		} else {
			other.add(d)
		}
	}
	h.merge(&other)
	for q, want := range map[float64]float64{0.5: 50_000, 0.999: 99_900} {
		if got := float64(h.quantile(q)); math.Abs(got-want)/want > 1.0/perPower {
			t.Errorf("quantile %v is %v, want about %v", q, got, want)
		}
	}
}

func TestGoal(t *testing.T) {
	rows := append(Rows("hit", 10, 1, []Result{{Name: "floor", Ratio: 1}, {Name: "ours", Ratio: 1.2}}),
		Rows("hit", 20, 1, []Result{{Name: "floor", Ratio: 1}, {Name: "ours", Ratio: 1.4}})...)
	ours := func(r Row) (float64, bool) { return r.Ratio, r.Name == "ours" }
	if got, ok := Worst(rows, false, ours); got != 1.4 || !ok {
		t.Errorf("the worst at most is %v, %v; want 1.4", got, ok)
	}
	if got, ok := Worst(rows, true, ours); got != 1.2 || !ok {
		t.Errorf("the worst at least is %v, %v; want 1.2", got, ok)
	}
	if _, ok := Worst(rows, true, func(Row) (float64, bool) { return 0, false }); ok {
		t.Error("there is nothing to measure")
	}
	if g := (Goal{Limit: 1.3}); g.Reached(1.4) || !g.Reached(1.2) {
		t.Error("at most 1.3 is reached by 1.2, not by 1.4")
	}
	if g := (Goal{Limit: 3, AtLeast: true}); g.Reached(2) || !g.Reached(3) {
		t.Error("at least 3 is reached by 3, not by 2")
	}
	if base, ok := rows[3].Beside(rows, "floor"); !ok || base.Size != 20 {
		t.Errorf("beside it is %+v", base)
	}
}
