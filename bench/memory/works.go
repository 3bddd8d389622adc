package memory

import (
	"math"
	"runtime"
	"slices"

	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
)

// Works returns the works in memory.
func Works() []contest.Work {
	return []contest.Work{
		{ID: "W1", Title: "a check", Size: "shares", Run: runChecks, Goals: []contest.Goal{
			{Text: "a hit, of the two maps' time, at every size", Limit: 1.3, Measure: worst(string(world.Hit), ratio)},
			{Text: "the same, of the library's on two maps", Limit: 1.3, Measure: beside(string(world.Hit), nameMaps)},
			{Text: "the owner's check, of the two maps' time, at every size", Limit: 1.3, Measure: worst(string(world.Owner), ratio)},
			{Text: "the same, of the library's on two maps", Limit: 1.3, Measure: beside(string(world.Owner), nameMaps)},
			{Text: "allocations of a hit", Limit: 0, Measure: worst(string(world.Hit), allocs)},
			{Text: "allocations of the owner's check", Limit: 0, Measure: worst(string(world.Owner), allocs)},
			{Text: "times faster than the fastest peer, a hit at the largest size that a peer holds", Limit: 3, AtLeast: true, Measure: lead(largest)},
			{Text: "times faster than the fastest peer, a hit at the smallest size", Limit: 10, AtLeast: true, Measure: lead(smallest)},
			{Text: "a miss, of a hit", Limit: 2, Measure: ofHit(world.Miss)},
			{Text: "a refusal with its reasons, of a hit", Limit: 2, Measure: ofHit(world.Stranger)},
		}},
		{ID: "W2", Title: "30 checks a change", Run: runMixed, Goals: []contest.Goal{
			{Text: "throughput, of the two maps', with any number of callers", Limit: 0.8, AtLeast: true, Measure: func(rows []contest.Row) (float64, bool) {
				slowest, ok := worst("", ratio)(rows)
				return 1 / slowest, ok
			}},
			{Text: "p99.9 of a call, of the median, with any number of callers", Limit: 50, Measure: worst("", wait)},
			{Text: "the same, with no more callers than cores", Limit: 50, Measure: func(rows []contest.Row) (float64, bool) {
				return worst("", wait)(slices.DeleteFunc(slices.Clone(rows), func(r contest.Row) bool { return r.Callers > runtime.NumCPU() }))
			}},
			{Text: "the same, of the two maps', with any number of callers", Limit: 1, Measure: func(rows []contest.Row) (float64, bool) {
				return contest.Worst(rows, false, func(r contest.Row) (float64, bool) {
					floor, ok := r.Beside(rows, nameFloor)
					return wait(r) / wait(floor), ok && r.Name == nameLibrary
				})
			}},
		}},
		{ID: "W3", Title: "a change", Size: "grantees", Run: runChanges, Goals: []contest.Goal{
			{Text: "a share, event and all, of go-memdb's transaction", Limit: 1.0 / 6, Measure: beside("share", nameMemdb)},
			{Text: "allocations of a share", Limit: 12, Measure: worst("share", allocs)},
			{Text: "a force-delete with many grantees, of one with one", Limit: 1.3, Measure: worst("force-delete", ratio)},
		}},
		{ID: "W4", Title: "a page of 100 images", Size: "images", Run: runPages, Goals: []contest.Goal{
			{Text: "however many images the account sees: the slowest, of the fastest full page", Limit: 1.5, Measure: spread(caseSees)},
			{Text: "however many images there are: the slowest, of the fastest", Limit: 1.5, Measure: spread(caseAmong)},
			{Text: "of a walk over a sorted slice", Limit: 3, Measure: either(worst(caseSees, ratio), worst(caseAmong, ratio))},
			{Text: "of a walk with look-ups", Limit: 3, Measure: either(beside(caseSees, nameLookups), beside(caseAmong, nameLookups))},
		}},
		{ID: "W5", Title: "memory", Size: "shares or events", Run: runSpace, Goals: []contest.Goal{
			{Text: "a share, of the two maps' memory, at every size", Limit: 1.5, Measure: worst("a share", ratio)},
		}},
		{ID: "W6", Title: "start-up, an event replayed", Size: "events", Run: runStart},
		{ID: "W7", Title: "a report", Size: "images", Run: runLineage},
	}
}

// wait returns how long the unlucky wait, as a multiple of the median.
func wait(r contest.Row) float64 { return float64(r.P999) / float64(r.P50) }

func ratio(r contest.Row) float64 { return r.Ratio }

// allocs returns the allocations of a unit, without those of the harness, which are less than one in ten.
func allocs(r contest.Row) float64 { return math.Floor(r.Allocs + 0.1) }

// worst returns the largest figure of the library in a case.
func worst(name string, of func(contest.Row) float64) func([]contest.Row) (float64, bool) {
	return func(rows []contest.Row) (float64, bool) {
		return contest.Worst(rows, false, func(r contest.Row) (float64, bool) {
			return of(r), r.Name == nameLibrary && r.Case == name
		})
	}
}

// beside returns the largest ratio of the library's time in a case to another contestant's.
func beside(name, other string) func([]contest.Row) (float64, bool) {
	return func(rows []contest.Row) (float64, bool) {
		return contest.Worst(rows, false, func(r contest.Row) (float64, bool) {
			o, ok := r.Beside(rows, other)
			return r.Ratio / o.Ratio, ok && r.Name == nameLibrary && r.Case == name
		})
	}
}

// either returns the larger of two figures.
func either(a, b func([]contest.Row) (float64, bool)) func([]contest.Row) (float64, bool) {
	return func(rows []contest.Row) (float64, bool) {
		x, ok := a(rows)
		y, too := b(rows)
		return max(x, y), ok && too
	}
}

// lead returns how many times the fastest peer's time of a hit is that of the library, at
// the one size that is wanted of those with peers.
func lead(wanted func(size, than int) bool) func([]contest.Row) (float64, bool) {
	return func(rows []contest.Row) (lead float64, found bool) {
		at := 0
		for _, r := range rows {
			ours, _ := r.Beside(rows, nameLibrary)
			if r.Case != string(world.Hit) || r.Name == nameFloor || r.Name == nameMaps || r.Name == nameLibrary {
				continue
			}
			if is := r.Ratio / ours.Ratio; !found || wanted(r.Size, at) || r.Size == at && is < lead {
				lead, at, found = is, r.Size, true
			}
		}
		return lead, found
	}
}

func largest(size, than int) bool  { return size > than }
func smallest(size, than int) bool { return size < than }

// ofHit returns the most that a kind of question takes, as a part of what a hit takes at the same size.
func ofHit(kind world.Kind) func([]contest.Row) (float64, bool) {
	return func(rows []contest.Row) (float64, bool) {
		return contest.Worst(rows, false, func(r contest.Row) (float64, bool) {
			hit := r
			hit.Case = string(world.Hit)
			hit, ok := hit.Beside(rows, nameLibrary)
			return r.PerUnit / hit.PerUnit, ok && r.Name == nameLibrary && r.Case == string(kind)
		})
	}
}

// spread returns the most that a full page takes, as a part of the least.
func spread(name string) func([]contest.Row) (float64, bool) {
	return func(rows []contest.Row) (float64, bool) {
		full := func(r contest.Row) (float64, bool) {
			return r.PerUnit, r.Name == nameLibrary && r.Case == name && r.Size >= pageSize
		}
		most, ok := contest.Worst(rows, false, full)
		least, _ := contest.Worst(rows, true, full)
		return most / least, ok
	}
}
