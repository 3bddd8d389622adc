package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
)

// runChecks is W1. A contestant that gives a wrong answer is out, and the work fails.
func runChecks(ctx context.Context, scale contest.Scale) (rows []contest.Row, err error) {
	o := contest.Options{Rounds: contest.Pick(scale, 1, 11, 41), Slice: contest.Pick(scale, time.Millisecond, 40*time.Millisecond, 50*time.Millisecond)}
	for _, shares := range contest.Pick(scale, []int{500}, []int{10_000, 100_000, 1_000_000}, []int{10_000, 100_000, 1_000_000, 10_000_000}) {
		w := world.New(shares)
		checkers, err := newCheckers(ctx, w)
		if err != nil {
			return nil, err
		}
		for _, kind := range world.Kinds {
			questions := w.Questions(kind, contest.Pick(scale, 100, 1<<17, 1<<19))
			want := kind == world.Hit || kind == world.Owner
			var contestants []contest.Contestant
			for _, c := range checkers {
				contestants = append(contestants, contest.Contestant{Name: c.name, Do: func(_ context.Context, n int) error {
					if q := questions[n%len(questions)]; c.is.allowed(q) != want {
						return fmt.Errorf("%+v is not answered %v", q, want)
					}
					return nil
				}})
			}
			results, err := contest.Run(ctx, o, contestants...)
			if err != nil {
				return nil, err
			}
			rows = append(rows, contest.Rows(string(kind), shares, 0, results)...)
		}
	}
	return rows, nil
}
