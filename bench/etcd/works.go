// Package etcd compares this library on its etcd store with the bare client making the same requests by hand.
package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/imageshare/sharing/bench/contest"
)

// The names of the contestants.
const (
	nameBare    = "etcd client"
	nameLibrary = "sharing"
)

// What is measured.
const (
	check     = "check"
	share     = "share"
	launch    = "launch"
	hotShare  = "hot share"  // all of one image
	hotLaunch = "hot launch" // all from one image
	instances = "page of 100 instances"
	images    = "page of 100 images"
	inTwo     = ", in two processes"
)

// judged are the cases with a goal, which have more rounds than the others: a goal is
// judged by the worst row, and single turns scatter.
var judged = []string{check, share, launch, instances, images}

// Works returns the work on etcd.
func Works() []contest.Work {
	work := contest.Work{ID: "etcd", Title: "on etcd, beside the bare client", Run: run}
	for _, name := range judged {
		work.Goals = append(work.Goals, contest.Goal{
			Text: "of the bare client's throughput, at any number of callers: " + name, Limit: 0.9, AtLeast: true,
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
	endpoint, stop, err := startServer()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := fill(ctx, endpoint); err != nil {
		return nil, err
	}
	b, err := open(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()

	for _, name := range []string{check, share, launch, hotShare, hotLaunch, instances, images} {
		some, err := b.measure(ctx, scale, name, name, nil)
		if err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	for _, name := range []string{check, launch, hotShare, hotLaunch} {
		there, err := json.Marshal([]string{endpoint, name})
		if err != nil {
			return nil, err
		}
		another, err := contest.Start(ID, string(there))
		if err != nil {
			return nil, err
		}
		some, err := b.measure(ctx, scale, name, name+inTwo, another)
		if err := errors.Join(err, another.Close()); err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	return rows, nil
}

// measure lets the contestants of a case make its call from 1 to 64 callers, of which,
// given another process, every other works there.
func (b *bench) measure(ctx context.Context, scale contest.Scale, name, title string, another *contest.Process) (rows []contest.Row, err error) {
	o := contest.Options{
		Rounds: contest.Pick(scale, 1, 3, 9),
		Slice:  contest.Pick(scale, time.Millisecond, 120*time.Millisecond, 300*time.Millisecond),
	}
	if slices.Contains(judged, title) {
		o.Rounds, o.Slice = contest.Pick(scale, 1, 31, 61), contest.Pick(scale, time.Millisecond, 60*time.Millisecond, 100*time.Millisecond)
	}
	for _, o.Callers = range contest.Pick(scale, []int{1, 4}, []int{1, 4, 16, 64}, []int{1, 2, 4, 8, 16, 32, 64}) {
		contestants := b.contestants(name)
		if another != nil {
			for i, c := range contestants {
				contestants[i] = another.Halve(c)
			}
		}
		results, err := contest.Run(ctx, o, contestants...)
		if err != nil {
			return nil, fmt.Errorf("%s, %d callers: %w", title, o.Callers, err)
		}
		rows = append(rows, contest.Rows(title, 0, o.Callers, results)...)
	}
	return rows, nil
}

// Open opens the contestants of a case in another process.
func Open(ctx context.Context, there string) ([]contest.Contestant, error) {
	var task [2]string
	if err := json.Unmarshal([]byte(there), &task); err != nil {
		return nil, err
	}
	b, err := open(ctx, task[0])
	if err != nil {
		return nil, err
	}
	return b.contestants(task[1]), nil
}
