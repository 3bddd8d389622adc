package memstore_test

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkLoadOverFloor asks the store and the two maps the same questions in turns, so that a busy machine
// slows both alike, and reports the medians and their ratio.
func BenchmarkLoadOverFloor(b *testing.B) {
	const batch = 500
	eachWorld(b, func(b *testing.B, w *world) {
		s, f, now := w.store(b), w.floor(), time.Now()
		var load, least []float64
		next := 0
		timed := func(ask func(question) bool) float64 {
			begin := time.Now()
			for range batch {
				if !ask(w.questions[next%len(w.questions)]) {
					b.Fatal("refused")
				}
				next++
			}
			return float64(time.Since(begin).Nanoseconds()) / batch
		}
		for b.Loop() {
			load = append(load, timed(func(q question) bool { return canUse(s, q, benchRegion, now) }))
			least = append(least, timed(func(q question) bool { return f.canUse(q, benchRegion, now) }))
		}
		slices.Sort(load)
		slices.Sort(least)
		l, m := load[len(load)/2], least[len(least)/2]
		b.ReportMetric(l, "load-ns")
		b.ReportMetric(m, "floor-ns")
		b.ReportMetric(l/m, "load/floor")
	})
}
