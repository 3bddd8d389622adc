package memory

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
)

// runChanges is W3: what a change costs, of an image that is shared with few and with many.
func runChanges(ctx context.Context, scale contest.Scale) (rows []contest.Row, err error) {
	for _, grantees := range contest.Pick(scale, []int{1, 50}, []int{1, 50, 100_000}, []int{1, 50, 1000, 100_000}) {
		w := world.Even(max(1, contest.Pick(scale, 100, 20_000, 50_000)/grantees), grantees)
		keepers, err := newKeepers(ctx, w)
		if err != nil {
			return nil, err
		}
		turns := contest.Options{Rounds: contest.Pick(scale, 1, 41, 101), Units: contest.Pick(scale, 10, 200, 200)}
		times := contest.Options{Rounds: contest.Pick(scale, 1, 11, 31), Slice: contest.Pick(scale, time.Millisecond, 30*time.Millisecond, 50*time.Millisecond)}
		for _, change := range []struct {
			name        string
			options     contest.Options
			contestants func(*world.World, []named[keeper]) ([]contest.Contestant, error)
		}{
			{"share", turns, sharers},
			{"unshare", turns, unsharers},
			{"launch", times, launchers},
			{"capture", times, capturers},
		} {
			contestants, err := change.contestants(w, keepers)
			if err != nil {
				return nil, err
			}
			results, err := contest.Run(ctx, change.options, contestants...)
			if err != nil {
				return nil, fmt.Errorf("%s with %d grantees: %w", change.name, grantees, err)
			}
			rows = append(rows, contest.Rows(change.name, grantees, 0, results)...)
		}
	}
	deletes, err := runDeletes(ctx, scale)
	return append(rows, deletes...), err
}

// A turnover is what a turn shares or unshares: unit n is about the n-th image, which its owner names, and a newcomer.
type turnover struct {
	owned     []world.Question // over and over
	newcomers []sharing.Grantee
	from      int // the unit of the first newcomer
}

// each calls do with each unit of the turn.
func (t *turnover) each(do func(owner sharing.AccountID, image sharing.ImageID, grantee sharing.Grantee) error) error {
	for i := range t.newcomers {
		if err := t.unit(t.from+i, do); err != nil {
			return err
		}
	}
	return nil
}

func (t *turnover) unit(n int, do func(owner sharing.AccountID, image sharing.ImageID, grantee sharing.Grantee) error) error {
	of := t.owned[n%len(t.owned)]
	return do(of.Account, of.Image, t.newcomers[n-t.from])
}

// next makes newcomers for the units of a turn.
func (t *turnover) next(from, to int) {
	t.newcomers, t.from = t.newcomers[:0], from
	for n := from; n < to; n++ {
		t.newcomers = append(t.newcomers, sharing.Grantee(fmt.Sprintf("new-%08d", n)))
	}
}

// sharers share with newcomers. What the turn before shared is unshared first, so that the images stay as they are.
func sharers(w *world.World, keepers []named[keeper]) (contestants []contest.Contestant, err error) {
	owned := w.Questions(world.Owner, 1<<12)
	for _, k := range keepers {
		t := &turnover{owned: owned}
		contestants = append(contestants, contest.Contestant{
			Name: k.name,
			Prepare: func(_ context.Context, from, to int) error {
				err := t.each(k.is.unshare)
				t.next(from, to)
				return err
			},
			Do: func(_ context.Context, n int) error { return t.unit(n, k.is.share) },
		})
	}
	return contestants, nil
}

// unsharers end shares that are made before.
func unsharers(w *world.World, keepers []named[keeper]) (contestants []contest.Contestant, err error) {
	owned := w.Questions(world.Owner, 1<<12)
	for _, k := range keepers {
		t := &turnover{owned: owned}
		contestants = append(contestants, contest.Contestant{
			Name: k.name,
			Prepare: func(_ context.Context, from, to int) error {
				t.next(from, to)
				return t.each(k.is.share)
			},
			Do: func(_ context.Context, n int) error { return t.unit(n, k.is.unshare) },
		})
	}
	return contestants, nil
}

// launchers launch an instance for a grantee.
func launchers(w *world.World, keepers []named[keeper]) (contestants []contest.Contestant, err error) {
	questions := w.Questions(world.Hit, 1<<12)
	for _, k := range keepers {
		contestants = append(contestants, contest.Contestant{Name: k.name, Do: func(_ context.Context, n int) error {
			_, err := k.is.launch(questions[n%len(questions)])
			return err
		}})
	}
	return contestants, nil
}

// capturers capture images from instances that grantees launched before.
func capturers(w *world.World, keepers []named[keeper]) (contestants []contest.Contestant, err error) {
	questions := w.Questions(world.Hit, 1<<10)
	for _, k := range keepers {
		instances := make([]sharing.InstanceID, len(questions))
		for i, q := range questions {
			if instances[i], err = k.is.launch(q); err != nil {
				return nil, err
			}
		}
		contestants = append(contestants, contest.Contestant{Name: k.name, Do: func(_ context.Context, n int) error {
			i := n % len(instances)
			return k.is.capture(questions[i].Account, instances[i])
		}})
	}
	return contestants, nil
}

// runDeletes measures force-deletes of images shared with few and with many: here the
// sizes are the contestants, the least first.
func runDeletes(ctx context.Context, scale contest.Scale) (rows []contest.Row, err error) {
	sizes := contest.Pick(scale, []int{1, 50, 500}, []int{1, 50, 100_000}, []int{1, 50, 1000, 100_000})
	o := contest.Options{Rounds: contest.Pick(scale, 1, 15, 31), Units: contest.Pick(scale, 2, 3, 5)}
	var contestants []contest.Contestant
	for _, grantees := range sizes {
		l, err := newLibrary(ctx, world.New(contest.Pick(scale, 100, 10_000, 10_000)))
		if err != nil {
			return nil, err
		}
		var images []sharing.ImageID
		to := world.Even(1, grantees).Images[0].Grantees
		shared := func(n int) (sharing.ImageID, error) {
			img, err := l.engine.Register(ctx, deleter, sharing.ImageSpec{Region: world.Region(0)})
			for grantees := range slices.Chunk(to[:n], 1000) {
				all := make([]sharing.Grantee, len(grantees))
				for i, g := range grantees {
					all[i] = sharing.Account(g)
				}
				if err == nil {
					_, err = l.engine.Share(ctx, deleter, img.ID, all...)
				}
			}
			return img.ID, err
		}
		contestants = append(contestants, contest.Contestant{
			Name: nameLibrary,
			Prepare: func(_ context.Context, from, to int) error {
				for range to - from {
					id, err := shared(grantees)
					if err != nil {
						return err
					}
					images = append(images, id)
				}
				// Preparing much leaves no more garbage than preparing little, and, with one more, no colder caches.
				runtime.GC()
				id, err := shared(1)
				if err != nil {
					return err
				}
				return l.engine.ForceDelete(ctx, deleter, id)
			},
			Do: func(_ context.Context, n int) error { return l.engine.ForceDelete(ctx, deleter, images[n]) },
		})
	}
	results, err := contest.Run(ctx, o, contestants...)
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		rows = append(rows, contest.Rows("force-delete", sizes[i], 0, []contest.Result{r})...)
	}
	return rows, nil
}

const deleter = sharing.AccountID("owner")
