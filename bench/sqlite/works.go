// Package sqlite compares this library on its SQLite store with the bare driver making
// the same reads and writes by hand.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
)

// The names of the contestants. The bare driver decodes the records that it reads, as whoever wants
// an image has to. That of bytes leaves them as they are: it shows how much of a call is decoding.
const (
	nameBare    = "go-sqlite3"
	nameLibrary = "sharing"
	nameBytes   = "go-sqlite3, records not decoded"
)

// What is measured.
const (
	check     = "check"
	share     = "share"
	launch    = "launch"
	hot       = "launch hot" // all from one image
	hotInTwo  = "launch hot, in two processes"
	page      = "page of 100"
	pageInTwo = "page of 100, in two processes"
)

// Works returns the work on SQLite.
func Works() []contest.Work {
	work := contest.Work{ID: "SQLite", Title: "on SQLite, beside the bare driver", Run: run}
	for _, name := range []string{check, share, launch, page} {
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
	folder, err := os.MkdirTemp("", "sqlite")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	w := newWorld()
	for _, file := range []string{bareFile(folder), bytesFile(folder), libraryFile(folder)} {
		if err := fill(ctx, file, w); err != nil {
			return nil, err
		}
	}
	b, err := open(ctx, folder, w)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	others := make(map[string]*contest.Process)
	defer func() {
		for _, other := range others {
			err = errors.Join(err, other.Close())
		}
	}()
	for _, name := range []string{hotInTwo, pageInTwo} {
		if others[name], err = contest.Start(ID, name+"\n"+folder); err != nil {
			delete(others, name)
			return nil, err
		}
	}

	o := contest.Options{
		Rounds: contest.Pick(scale, 1, 15, 61), // many short turns: what disturbs the machine disturbs few
		Slice:  contest.Pick(scale, time.Millisecond, 30*time.Millisecond, 30*time.Millisecond),
	}
	for _, name := range []string{check, share, launch, hot, hotInTwo, page, pageInTwo} {
		for _, o.Callers = range contest.Pick(scale, []int{1, 4}, []int{1, 4, 16, 64}, []int{1, 2, 4, 8, 16, 32, 64}) {
			contestants := b.contestants(name, fmt.Sprint("newcomer-", o.Callers))
			if other := others[name]; other != nil {
				for i, c := range contestants {
					contestants[i] = other.Halve(c)
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

func newWorld() *world.World { return world.New(10_000) }

// ID names what the other process opens.
const ID = "sqlite"

// Open opens the contestants of the other process: the argument names what is measured, and the folder.
func Open(ctx context.Context, argument string) ([]contest.Contestant, error) {
	name, folder, _ := strings.Cut(argument, "\n")
	b, err := open(ctx, folder, newWorld())
	if err != nil {
		return nil, err
	}
	return b.contestants(name, ""), nil
}
