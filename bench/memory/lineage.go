package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
)

// runLineage is W7: what a delete would do to the instances made from an image, and where its data may be, for
// lineages of few and of many images. The floor walks a map of children, or of instances, and gives the same numbers.
func runLineage(ctx context.Context, scale contest.Scale) (rows []contest.Row, err error) {
	for _, n := range contest.Pick(scale, []int{10, 100}, []int{10, 1000, 100_000}, []int{10, 1000, 10_000, 100_000}) {
		l, err := newLibrary(ctx, new(world.World))
		if err != nil {
			return nil, err
		}
		f, err := newFamily(ctx, l.engine, n)
		if err != nil {
			return nil, err
		}
		o := contest.Options{Rounds: contest.Pick(scale, 1, 7, 21), Slice: contest.Pick(scale, time.Millisecond, 30*time.Millisecond, 50*time.Millisecond)}
		results, err := contest.Run(ctx, o,
			contest.Contestant{Name: nameChildren, Do: func(context.Context, int) error {
				if images, accounts := f.walk(f.root); images != n || accounts != f.accounts {
					return fmt.Errorf("a walk finds %d images of %d accounts, want %d of %d", images, accounts, n, f.accounts)
				}
				return nil
			}},
			contest.Contestant{Name: nameLibrary, Do: func(ctx context.Context, _ int) error {
				x, err := l.engine.Exposure(ctx, familyOwner, f.root)
				if images := len(x.Images) + x.Beyond.Images; err == nil && images != n {
					return fmt.Errorf("the exposure names %d images, want %d", images, n)
				}
				return err
			}})
		if err != nil {
			return nil, err
		}
		rows = append(rows, contest.Rows("exposure", n, 0, results)...)
		results, err = contest.Run(ctx, o,
			contest.Contestant{Name: nameChildren, Do: func(context.Context, int) error {
				if lose := f.count(f.root); len(lose) != f.accounts {
					return fmt.Errorf("a walk finds %d accounts, want %d", len(lose), f.accounts)
				}
				return nil
			}},
			contest.Contestant{Name: nameLibrary, Do: func(ctx context.Context, _ int) error {
				impact, err := l.engine.DeleteImpact(ctx, familyOwner, f.root)
				if err == nil && len(impact.Instances) != f.accounts {
					return fmt.Errorf("the impact names %d accounts, want %d", len(impact.Instances), f.accounts)
				}
				return err
			}})
		if err != nil {
			return nil, err
		}
		rows = append(rows, contest.Rows("impact", n, 0, results)...)
	}
	return rows, nil
}

const (
	nameChildren = "walk over a map"
	familyOwner  = sharing.AccountID("root")
)

// A family is an image, shared with many accounts; the instances that they made from it; and what was captured: each
// image but the first ten from an instance of one captured before, ten from each.
type family struct {
	root      sharing.ImageID
	accounts  int // that have instances and captured images
	children  map[sharing.ImageID][]child
	instances map[sharing.ImageID][]sharing.AccountID
}

type child struct {
	id    sharing.ImageID
	owner sharing.AccountID
}

const childrenOfEach = 10

func newFamily(ctx context.Context, e *sharing.Engine, n int) (*family, error) {
	f := &family{accounts: min(n, world.Accounts), children: make(map[sharing.ImageID][]child), instances: make(map[sharing.ImageID][]sharing.AccountID)}
	region := world.Region(0)
	root, err := e.Register(ctx, familyOwner, sharing.ImageSpec{Region: region})
	if err != nil {
		return nil, err
	}
	f.root = root.ID
	images := []child{{root.ID, familyOwner}}
	for i := range n {
		account := world.Account(i % world.Accounts)
		if i < world.Accounts {
			if _, err := e.Share(ctx, familyOwner, f.root, sharing.Account(account)); err != nil {
				return nil, err
			}
		}
		if _, err := e.Launch(ctx, account, sharing.LaunchSpec{Image: f.root, Region: region}); err != nil {
			return nil, err
		}
		f.instances[f.root] = append(f.instances[f.root], account)
		parent := images[i/childrenOfEach]
		if parent.owner != account && parent.id != f.root {
			if _, err := e.Share(ctx, parent.owner, parent.id, sharing.Account(account)); err != nil {
				return nil, err
			}
		}
		from, err := e.Launch(ctx, account, sharing.LaunchSpec{Image: parent.id, Region: region})
		if err != nil {
			return nil, err
		}
		img, err := e.Capture(ctx, account, from.ID, sharing.ImageSpec{})
		if err != nil {
			return nil, err
		}
		made := child{img.ID, account}
		images = append(images, made)
		f.children[parent.id] = append(f.children[parent.id], made)
		if parent.id == f.root {
			f.instances[f.root] = append(f.instances[f.root], account)
		}
	}
	return f, nil
}

// walk counts the images made from one, and the accounts that own them.
func (f *family) walk(from sharing.ImageID) (images, accounts int) {
	seen, owners := make(map[sharing.ImageID]bool), make(map[sharing.AccountID]bool)
	next := []sharing.ImageID{from}
	for len(next) > 0 {
		id := next[len(next)-1]
		next = next[:len(next)-1]
		for _, c := range f.children[id] {
			if !seen[c.id] {
				seen[c.id] = true
				owners[c.owner] = true
				next = append(next, c.id)
			}
		}
	}
	return len(seen), len(owners)
}

// count counts the instances of each account made from an image.
func (f *family) count(image sharing.ImageID) map[sharing.AccountID]int {
	counts := make(map[sharing.AccountID]int)
	for _, account := range f.instances[image] {
		counts[account]++
	}
	return counts
}
