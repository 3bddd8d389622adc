// Package contest measures contestants side by side: each does the same work, in one process
// and one run. They take turns of a fraction of a second, so that a busy machine slows all
// alike, in random order: each inherits the garbage and the caches of the one before, and if
// the turns fell in step with the collector, it would strike the same contestant every time.
//
// A figure is the median over the rounds, and a ratio is the median of the round-by-round
// ratios to the first contestant, the base.
package contest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Contestant does a work.
type Contestant struct {
	Name string
	// Do does the n-th unit of the work; n counts from 0 over the whole contest, for each contestant separately.
	// With several callers, Do is called from as many goroutines.
	Do func(ctx context.Context, n int) error
	// Prepare, if not nil, prepares for the units from from up to but not including to, before a turn and outside
	// its time. It requires [Options.Units].
	Prepare func(ctx context.Context, from, to int) error
}

// Options say how long a contest is. The zero value is an empty contest.
type Options struct {
	Rounds int           // turns of each contestant, one a round; a warm-up round before them is not counted
	Slice  time.Duration // how long a turn is, at least: see [Run]
	Units  int           // if not 0, how many units a turn is, in place of Slice
	// Callers is how many goroutines share a turn; 0 is 1.
	Callers int
	// Latencies asks for the time of each single unit. It costs one look at the clock for
	// each unit, so PerUnit grows too.
	Latencies bool
}

// A Result is what a contestant's work took.
type Result struct {
	Name      string
	PerUnit   float64       // the median over the rounds of a turn's time divided by its units, in nanoseconds
	Ratio     float64       // the median over the rounds of PerUnit divided by that of the first contestant
	Allocs    float64       // the median allocations per unit; with one caller only
	P50, P999 time.Duration // of single units: with [Options.Latencies] only
}

// Run lets the contestants take their turns. It returns the first error of a contestant.
//
// If in a slice of many callers each would do only a few units, turns last longer, and are fewer: at the end of a turn
// some callers have stopped while others finish what they began, and that must not count for much.
func Run(ctx context.Context, o Options, contestants ...Contestant) ([]Result, error) {
	runtime.GC() // what was made ready, and left over, is nobody's burden
	runners := make([]*runner, len(contestants))
	for i, c := range contestants {
		if c.Prepare != nil && o.Units == 0 {
			return nil, fmt.Errorf("%s prepares its units: say how many with Options.Units", c.Name)
		}
		runners[i] = &runner{Contestant: c, Options: o, block: 1}
	}
	order := rand.New(rand.NewPCG(1, 2)) // the same at every run
	round := func() error {
		for _, i := range order.Perm(len(runners)) {
			if err := runners[i].turn(ctx); err != nil {
				return fmt.Errorf("%s: %w", runners[i].Name, err)
			}
		}
		return nil
	}
	if err := round(); err != nil {
		return nil, err
	}
	for range lengthen(o, runners) {
		if err := round(); err != nil {
			return nil, err
		}
	}
	results := make([]Result, len(runners))
	for i, r := range runners {
		results[i] = r.result(runners[0])
	}
	return results, nil
}

// In a turn of many callers, each does fewUnits units or more, as long as that takes no more than longestSlice. Rounds
// are not cut below fewRounds.
const (
	fewUnits     = 8
	longestSlice = time.Second
	fewRounds    = 9
)

// lengthen makes the turns of many callers as long as it takes, going by the warm-up round, and returns the number of
// rounds that are left for about the same time in all.
func lengthen(o Options, runners []*runner) (rounds int) {
	if o.Callers <= 1 || o.Units > 0 {
		return o.Rounds
	}
	slice := o.Slice
	for _, r := range runners {
		slice = max(slice, min(longestSlice, fewUnits*time.Duration(r.times[0]*float64(o.Callers))))
	}
	for _, r := range runners {
		r.Slice = slice
	}
	return min(o.Rounds, max(fewRounds, int(time.Duration(o.Rounds)*o.Slice/slice)))
}

// A runner is a contestant with what it did so far.
type runner struct {
	Contestant
	Options
	next      atomic.Int64 // the first unit that nobody has taken
	block     int64        // how many units a caller does between two looks at the clock
	latencies histogram

	times, allocs []float64 // a unit, of each round, the first of which warms up
}

// minBlock is how long the units between two looks at the clock take at least, so that these cost nothing.
const minBlock = 50 * time.Microsecond

// turn lets the contestant do its units of one round.
func (r *runner) turn(ctx context.Context) error {
	first := r.next.Load()
	end := int64(1) << 62
	if r.Units > 0 {
		end = first + int64(r.Units)
	}
	if r.Prepare != nil {
		if err := r.Prepare(ctx, int(first), int(end)); err != nil {
			return err
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	done, err := r.call(ctx, start, end)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if err != nil {
		return err
	}
	r.times = append(r.times, float64(took.Nanoseconds())/float64(done))
	r.allocs = append(r.allocs, float64(after.Mallocs-before.Mallocs)/float64(done))
	if len(r.times) == 1 {
		r.latencies = histogram{}
		if perUnit := took * time.Duration(max(1, r.Callers)) / time.Duration(done); r.Units == 0 {
			r.block = min(1024, 1+int64(minBlock/max(1, perUnit)))
		}
	}
	return nil
}

// call lets the callers do units until the turn's time is over or the unit end is reached,
// and returns how many they did.
func (r *runner) call(ctx context.Context, start time.Time, end int64) (done int64, err error) {
	if r.Callers <= 1 {
		return r.caller(ctx, start, end, &r.latencies)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	for range r.Callers {
		all.Go(func() {
			var latencies histogram
			n, failed := r.caller(ctx, start, end, &latencies)
			mu.Lock()
			defer mu.Unlock()
			done += n
			r.latencies.merge(&latencies)
			if err == nil {
				err = failed
			}
		})
	}
	all.Wait()
	return done, err
}

func (r *runner) caller(ctx context.Context, start time.Time, end int64, latencies *histogram) (done int64, err error) {
	for now := start; (r.Units > 0 || now.Sub(start) < r.Slice) && ctx.Err() == nil; {
		last := r.next.Add(r.block)
		if r.Units > 0 && last > end {
			r.next.Store(end)
			break
		}
		if r.Latencies {
			now = time.Now()
		}
		for n := last - r.block; n < last; n++ {
			if err := r.Do(ctx, int(n)); err != nil {
				return done, fmt.Errorf("unit %d: %w", n, err)
			}
			if r.Latencies {
				then := now
				now = time.Now()
				latencies.add(now.Sub(then))
			}
		}
		if done += r.block; !r.Latencies {
			now = time.Now()
		}
	}
	return done, ctx.Err()
}

// result sums up the rounds, the first left out.
func (r *runner) result(base *runner) Result {
	result := Result{Name: r.Name, PerUnit: median(r.times[1:])}
	ratios := make([]float64, len(r.times)-1)
	for i := range ratios {
		ratios[i] = r.times[1+i] / base.times[1+i]
	}
	result.Ratio = median(ratios)
	if r.Callers <= 1 {
		result.Allocs = median(r.allocs[1:])
	}
	if r.Latencies {
		result.P50, result.P999 = r.latencies.quantile(0.5), r.latencies.quantile(0.999)
	}
	return result
}

func median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
