// Package postgres compares this library on its Postgres store with the bare driver making
// the same reads and writes by hand.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/internal/pgtest"
)

// The names of the contestants.
const (
	nameBare    = "pgx"
	nameLibrary = "sharing"
)

// What is measured.
const (
	check    = "check"
	share    = "share"
	launch   = "launch"
	hot      = "launch hot" // all from one image
	hotInTwo = "launch hot, in two processes"
	page     = "page of 100"
)

// judged are the cases with a goal, which have more rounds than the others: a goal is
// judged by the worst row, and single turns scatter.
var judged = []string{check, share, launch, page}

// Works returns the work on Postgres.
func Works() []contest.Work {
	work := contest.Work{ID: "Postgres", Title: "on Postgres, beside the bare driver", Run: run}
	for _, name := range judged {
		work.Goals = append(work.Goals, contest.Goal{
			Text: "of the bare driver's throughput, at any number of callers: " + name, Limit: 0.9, AtLeast: true,
			Measure: func(rows []contest.Row) (float64, bool) {
				return contest.Worst(rows, true, func(r contest.Row) (float64, bool) {
					return 1 / r.Ratio, r.Case == name && r.Name == nameLibrary
				})
			},
		})
	}
	return []contest.Work{work}
}

func run(ctx context.Context, scale contest.Scale) (rows []contest.Row, err error) {
	server, err := pgtest.New("shared_buffers=256MB", "max_wal_size=4GB", "checkpoint_timeout=1h", "max_connections=400")
	if err != nil {
		return nil, err
	}
	defer server.Remove()
	dsn := server.DSN("postgres") + " pool_max_conns=64"
	if err := fill(ctx, dsn); err != nil {
		return nil, err
	}
	b, err := open(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer b.close()
	another, err := contest.Start(ID, dsn)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, another.Close()) }()

	for _, name := range []string{check, share, launch, hot, hotInTwo, page} {
		o := contest.Options{
			Rounds: contest.Pick(scale, 1, 3, 9),
			Slice:  contest.Pick(scale, time.Millisecond, 150*time.Millisecond, 500*time.Millisecond),
		}
		if slices.Contains(judged, name) {
			o.Rounds, o.Slice = contest.Pick(scale, 1, 31, 61), contest.Pick(scale, time.Millisecond, 45*time.Millisecond, 100*time.Millisecond)
		}
		for _, o.Callers = range contest.Pick(scale, []int{1, 4}, []int{1, 4, 16, 64}, []int{1, 2, 4, 8, 16, 32, 64}) {
			contestants := b.contestants(name, o.Callers)
			if name == hotInTwo {
				for i, c := range contestants {
					contestants[i] = another.Halve(c)
				}
			}
			results, err := contest.Run(ctx, o, contestants...)
			if err != nil {
				return nil, fmt.Errorf("%s, %d callers: %w", name, o.Callers, err)
			}
			rows = append(rows, contest.Rows(name, 0, o.Callers, results)...)
		}
	}
	return rows, nil
}

// ID names what the other process opens.
const ID = "postgres"

// Open opens the contestants of the other process.
func Open(ctx context.Context, dsn string) ([]contest.Contestant, error) {
	b, err := open(ctx, dsn)
	if err != nil {
		return nil, err
	}
	return b.contestants(hotInTwo, 0), nil
}
