package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
)

// checksPerChange is the load of W2.
const checksPerChange = 30

// runMixed is W2: checks, and now and then an image is shared with a newcomer, or the newcomer's share ended.
// Throughput and the times of single calls are measured apart, since these need a look at the clock each.
func runMixed(ctx context.Context, scale contest.Scale) (rows []contest.Row, err error) {
	w := world.New(contest.Pick(scale, 500, 100_000, 1_000_000))
	keepers, err := newKeepers(ctx, w)
	if err != nil {
		return nil, err
	}
	questions := w.Questions(world.Hit, contest.Pick(scale, 100, 1<<17, 1<<17))
	owned := w.Questions(world.Owner, contest.Pick(scale, 100, 1<<14, 1<<14))
	for _, callers := range contest.Pick(scale, []int{1, 4}, []int{1, 2, 4, 8, 16, 32, 64}, []int{1, 2, 4, 8, 16, 32, 64}) {
		o := contest.Options{Rounds: contest.Pick(scale, 1, 11, 31), Slice: contest.Pick(scale, time.Millisecond, 40*time.Millisecond, 100*time.Millisecond),
			Callers: callers}
		var contestants []contest.Contestant
		for _, k := range keepers {
			contestants = append(contestants, contest.Contestant{Name: k.name, Do: func(_ context.Context, n int) error {
				if n%(1+checksPerChange) != checksPerChange {
					if q := questions[n%len(questions)]; !k.is.allowed(q) {
						return fmt.Errorf("%+v is refused", q)
					}
					return nil
				}
				change := n / (1 + checksPerChange)
				of := owned[change/2%len(owned)]
				if change%2 == 0 {
					return k.is.share(of.Account, of.Image, newcomer)
				}
				return k.is.unshare(of.Account, of.Image, newcomer)
			}})
		}
		results, err := contest.Run(ctx, o, contestants...)
		if err != nil {
			return nil, err
		}
		o.Latencies = true
		timed, err := contest.Run(ctx, o, contestants...)
		if err != nil {
			return nil, err
		}
		for i := range results {
			results[i].P50, results[i].P999 = timed[i].P50, timed[i].P999
		}
		rows = append(rows, contest.Rows("", 0, callers, results)...)
	}
	return rows, nil
}

const newcomer = sharing.Grantee("newcomer")
