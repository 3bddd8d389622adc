package memstore_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// BenchmarkOverFloor puts the same questions to the engine's CanUse, to the store and to the two maps in turns,
// so that a busy machine slows all alike, and reports the medians and their ratios.
func BenchmarkOverFloor(b *testing.B) {
	const batch = 500
	eachWorld(b, func(b *testing.B, w *world) {
		s, f, ctx, now := w.store(b), w.floor(), context.Background(), time.Now()
		engine, err := sharing.New(s)
		if err != nil {
			b.Fatal(err)
		}
		ways := []struct {
			name  string
			ask   func(question) bool
			times []float64
		}{
			{name: "floor", ask: func(q question) bool { return f.canUse(q, benchRegion, now) }},
			{name: "access", ask: func(q question) bool { return access(s, q, benchRegion, now) }},
			{name: "canuse", ask: func(q question) bool { return engine.CanUse(ctx, q.account, q.image, benchRegion) == nil }},
		}
		next := 0
		for b.Loop() {
			for i := range ways {
				begin := time.Now()
				for range batch {
					if !ways[i].ask(w.questions[next%len(w.questions)]) {
						b.Fatal("refused")
					}
					next++
				}
				ways[i].times = append(ways[i].times, float64(time.Since(begin).Nanoseconds())/batch)
			}
		}
		var medians []float64
		for _, way := range ways {
			slices.Sort(way.times)
			median := way.times[len(way.times)/2]
			medians = append(medians, median)
			b.ReportMetric(median, way.name+"-ns")
			if len(medians) > 1 {
				b.ReportMetric(median/medians[0], way.name+"/floor")
			}
		}
	})
}
