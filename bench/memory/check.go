package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/memstore"
)

// The names of the contestants.
const (
	nameFloor   = "two maps"
	nameLibrary = "sharing"
	nameCedar   = "cedar-go"
	nameMemdb   = "go-memdb"
	nameCasbin  = "casbin"
)

// A checker is a contestant that answers questions.
type checker struct {
	name    string
	allowed func(world.Question) bool
}

// newLibrary returns an engine on a store that holds the world.
func newLibrary(ctx context.Context, w *world.World, policy sharing.Policy) (*sharing.Engine, error) {
	store := memstore.New()
	if err := w.Fill(ctx, store); err != nil {
		return nil, err
	}
	return sharing.New(store, sharing.WithPolicy(policy))
}

// newCheckers returns the contestants that can hold the world, the floor first.
func newCheckers(ctx context.Context, w *world.World) ([]checker, error) {
	engine, err := newLibrary(ctx, w, sharing.Policy{})
	if err != nil {
		return nil, err
	}
	checkers := []checker{
		{nameFloor, newFloor(w).allowed},
		{nameLibrary, func(q world.Question) bool { return engine.CanUse(ctx, q.Account, q.Image, q.Region) == nil }},
	}
	if w.Shares < 2_000_000 {
		c, err := newCedar(w)
		if err != nil {
			return nil, err
		}
		m, err := newMemdb(w)
		if err != nil {
			return nil, err
		}
		checkers = append(checkers, checker{nameCedar, c.allowed}, checker{nameMemdb, m.allowed})
	}
	if w.Shares < 200_000 {
		c, err := newCasbin(w)
		if err != nil {
			return nil, err
		}
		checkers = append(checkers, checker{nameCasbin, c.allowed})
	}
	return checkers, nil
}

// runChecks is W1.
func runChecks(ctx context.Context, scale contest.Scale) (rows []contest.Row, err error) {
	o := contest.Options{Rounds: contest.Pick(scale, 1, 15, 41), Slice: contest.Pick(scale, time.Millisecond, 40*time.Millisecond, 50*time.Millisecond)}
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
					if q := questions[n%len(questions)]; c.allowed(q) != want {
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
