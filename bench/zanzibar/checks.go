package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/bench/zanzibar/openfga"
	"github.com/imageshare/sharing/bench/zanzibar/relation"
	"github.com/imageshare/sharing/bench/zanzibar/spicedb"
	"github.com/imageshare/sharing/memstore"
)

// The names of the contestants. Without a word more, an image can be shared with accounts,
// organisations and everyone, as in this library.
const (
	nameLibrary         = "sharing"
	nameOpenFGA         = "OpenFGA"
	nameOpenFGAAccounts = "OpenFGA, accounts only"
	nameOpenFGACached   = "OpenFGA, cached"
	nameSpiceDB         = "SpiceDB"
	nameSpiceDBAccounts = "SpiceDB, accounts only"
)

const noteCached = "from its cache of answers, up to ten seconds old: a permission taken back may still be given, so that it is no peer"

// A checker is a contestant that answers questions.
type checker struct {
	name    string
	allowed func(context.Context, world.Question) (bool, error)
	// few: it is asked few questions, again and again, and before the contest once, so that it knows the answers.
	few bool
}

const few = 1000 // questions

// A field is all the checkers, on the same world.
type field struct {
	checkers []checker
	closers  []func() error
}

func (f *field) close() (err error) {
	for _, c := range f.closers {
		err = errors.Join(err, c())
	}
	return err
}

func (f *field) addLibrary(ctx context.Context, w *world.World, store sharing.Store) error {
	if err := w.Fill(ctx, store); err != nil {
		return err
	}
	engine, err := sharing.New(store)
	f.checkers = append(f.checkers, checker{name: nameLibrary, allowed: func(ctx context.Context, q world.Question) (bool, error) {
		err := engine.CanUse(ctx, q.Account, q.Image, q.Region)
		if errors.Is(err, sharing.ErrImageNotFound) {
			return false, nil
		}
		return err == nil, err
	}})
	return err
}

func (f *field) addOpenFGA(ctx context.Context, w *openfga.World, name string, m openfga.Model, cache bool) error {
	c, err := w.Checker(ctx, m, cache)
	if err != nil {
		return err
	}
	f.checkers = append(f.checkers, checker{name: name, allowed: c.Allowed, few: cache})
	return nil
}

func (f *field) addSpiceDB(ctx context.Context, all []relation.Relationship, name string, c *spicedb.Checker) error {
	f.closers = append(f.closers, c.Close)
	f.checkers = append(f.checkers, checker{name: name, allowed: c.Allowed})
	return c.Write(ctx, all, nil)
}

// newField returns the checkers in memory, this library first.
func newField(ctx context.Context, w *world.World) (f *field, err error) {
	f = new(field)
	if err := f.addLibrary(ctx, w, memstore.New()); err != nil {
		return f, err
	}
	all := relation.Of(w)
	fga, err := openfga.New(ctx, openfga.Memory())
	if err != nil {
		return f, err
	}
	f.closers = append(f.closers, fga.Close)
	if err := fga.Write(ctx, all, nil); err != nil {
		return f, err
	}
	for _, c := range []struct {
		name  string
		model openfga.Model
		cache bool
	}{{nameOpenFGA, openfga.Grantees, false}, {nameOpenFGAAccounts, openfga.Accounts, false}, {nameOpenFGACached, openfga.Accounts, true}} {
		if err := f.addOpenFGA(ctx, fga, c.name, c.model, c.cache); err != nil {
			return f, err
		}
	}
	for _, c := range []struct {
		name   string
		schema spicedb.Schema
	}{{nameSpiceDB, spicedb.Grantees}, {nameSpiceDBAccounts, spicedb.Accounts}} {
		checker, err := spicedb.Memory(ctx, c.schema)
		if err != nil {
			return f, err
		}
		if err := f.addSpiceDB(ctx, all, c.name, checker); err != nil {
			return f, err
		}
	}
	return f, nil
}

// run is the work.
func run(ctx context.Context, scale contest.Scale) ([]contest.Row, error) {
	var rows []contest.Row
	for _, shares := range contest.Pick(scale, []int{200}, []int{10_000, 100_000}, []int{10_000, 100_000}) {
		w := world.New(shares)
		f, err := newField(ctx, w)
		if err == nil {
			err = f.contest(ctx, scale, w, "in memory", shares, 0, &rows)
		}
		if err := errors.Join(err, f.close()); err != nil {
			return nil, err
		}
	}
	err := runPostgres(ctx, scale, &rows)
	return rows, err
}

// contest lets all answer questions of each kind.
func (f *field) contest(ctx context.Context, scale contest.Scale, w *world.World, where string, size, callers int, rows *[]contest.Row) error {
	o := contest.Options{
		Rounds:  contest.Pick(scale, 1, 7, 25),
		Slice:   contest.Pick(scale, time.Millisecond, 50*time.Millisecond, 100*time.Millisecond),
		Callers: callers,
	}
	for _, kind := range world.Kinds {
		questions := w.Questions(kind, contest.Pick(scale, 100, 1<<16, 1<<18))
		want := kind == world.Hit || kind == world.Owner
		var contestants []contest.Contestant
		for _, c := range f.checkers {
			asked := questions
			if c.few {
				asked = questions[:min(few, len(questions))]
			}
			do := func(ctx context.Context, n int) error {
				q := asked[n%len(asked)]
				switch allowed, err := c.allowed(ctx, q); {
				case err != nil:
					return err
				case allowed != want:
					return fmt.Errorf("%+v is answered %v", q, allowed)
				}
				return nil
			}
			if c.few {
				for n := range asked {
					if err := do(ctx, n); err != nil {
						return fmt.Errorf("%s: %w", c.name, err)
					}
				}
			}
			contestants = append(contestants, contest.Contestant{Name: c.name, Do: do})
		}
		results, err := contest.Run(ctx, o, contestants...)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", where, kind, err)
		}
		there := contest.Rows(where+", "+string(kind), size, callers, results)
		for i := range there {
			if there[i].Name == nameOpenFGACached {
				there[i].Note = noteCached
			}
		}
		*rows = append(*rows, there...)
	}
	return nil
}
