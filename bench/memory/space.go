package memory

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/memstore"
)

// runSpace is W5: the bytes of memory that a share, an image and an event take, as the heap grows by them.
func runSpace(ctx context.Context, scale contest.Scale) (rows []contest.Row, err error) {
	for _, shares := range contest.Pick(scale, []int{500}, []int{10_000, 100_000, 1_000_000}, []int{10_000, 100_000, 1_000_000, 10_000_000}) {
		w := world.New(shares)
		// The same images without shares: the difference is what the shares take.
		none := &world.World{Images: make([]world.Image, len(w.Images))}
		for i, img := range w.Images {
			none.Images[i] = world.Image{ID: img.ID, Owner: img.Owner, Region: img.Region}
		}
		var images, perShare []contest.Result
		for _, c := range []named[func(*world.World) (any, error)]{
			{nameFloor, func(w *world.World) (any, error) { return newFloor(own(w)), nil }},
			{"two maps and an index by grantee", func(w *world.World) (any, error) { return newIndexed(own(w)), nil }},
			{nameLibrary, func(w *world.World) (any, error) { return newLibrary(ctx, own(w)) }},
			{nameMemdb, func(w *world.World) (any, error) { return newMemdb(own(w)) }},
		} {
			if c.name == nameMemdb && w.Shares > 200_000 { // it takes long, and the figure stays the same
				continue
			}
			without, err := grown(func() (any, error) { return c.is(none) })
			if err != nil {
				return nil, err
			}
			with, err := grown(func() (any, error) { return c.is(w) })
			if err != nil {
				return nil, err
			}
			images = append(images, contest.Result{Name: c.name, PerUnit: without / float64(len(w.Images))})
			perShare = append(perShare, contest.Result{Name: c.name, PerUnit: (with - without) / float64(w.Shares)})
		}
		rows = append(rows, inBytes("a share", shares, perShare)...)
		rows = append(rows, inBytes("an image", shares, images)...)
	}
	for _, n := range contest.Pick(scale, []int{1000}, []int{10_000, 100_000, 1_000_000}, []int{10_000, 100_000, 1_000_000}) {
		store := memstore.New()
		err := store.Update(ctx, func(tx sharing.UpdateTx) error { // so that what an image takes is not counted
			for i := range n / 2 {
				rec := sharing.ImageRecord{Image: sharing.Image{ID: eventImage(i), Owner: world.Account(i % world.Accounts), Region: world.Region(0)}}
				if err := tx.PutImage(rec); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		var results []contest.Result
		for _, c := range []named[func() (any, error)]{
			{"a slice of events", func() (any, error) { return sharedEvents(n), nil }},
			{nameLibrary, func() (any, error) {
				return store, store.Update(ctx, func(tx sharing.UpdateTx) error { return tx.Append(sharedEvents(n)) })
			}},
		} {
			bytes, err := grown(c.is)
			if err != nil {
				return nil, err
			}
			results = append(results, contest.Result{Name: c.name, PerUnit: bytes / float64(n)})
		}
		rows = append(rows, inBytes("an event", n, results)...)
	}
	return rows, nil
}

func inBytes(name string, size int, results []contest.Result) []contest.Row {
	for i := range results {
		results[i].Ratio = results[i].PerUnit / results[0].PerUnit
	}
	rows := contest.Rows(name, size, 0, results)
	for i := range rows {
		rows[i].Unit = "B"
	}
	return rows
}

// own returns the world with texts of its own for its images, which count as memory of who holds them.
func own(w *world.World) *world.World {
	copied := &world.World{Images: make([]world.Image, len(w.Images)), Shares: w.Shares}
	for i, img := range w.Images {
		img.ID = sharing.ImageID(strings.Clone(string(img.ID)))
		img.Owner = sharing.AccountID(strings.Clone(string(img.Owner)))
		copied.Images[i] = img
	}
	return copied
}

// grown returns by how much the heap grows by what build returns.
func grown(build func() (any, error)) (float64, error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	kept, err := build()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(kept)
	return float64(after.HeapAlloc) - float64(before.HeapAlloc), err
}

// An indexed floor can also say what is shared with an account, as the library can.
type indexed struct {
	*floor
	sharedWith map[sharing.Grantee]map[sharing.ImageID]struct{}
}

func newIndexed(w *world.World) *indexed {
	f := &indexed{newFloor(w), make(map[sharing.Grantee]map[sharing.ImageID]struct{})}
	for key := range f.shares {
		if f.sharedWith[key.Grantee] == nil {
			f.sharedWith[key.Grantee] = make(map[sharing.ImageID]struct{})
		}
		f.sharedWith[key.Grantee][key.Image] = struct{}{}
	}
	return f
}

// sharedEvents returns n events of shares, two of each image, as calls leave them.
func sharedEvents(n int) []sharing.Event {
	events := make([]sharing.Event, n)
	for i := range events {
		image := eventImage(i / 2)
		events[i] = sharing.Event{
			Operation: newID(), At: world.Created, Actor: world.Account(i / 2 % world.Accounts), Kind: sharing.EventShared,
			Image: image, Sequence: int64(1 + i%2),
			Shares: []sharing.Share{{Image: image, Grantee: sharing.Grantee(fmt.Sprintf("%012d", i)), CreatedAt: world.Created, UpdatedAt: world.Created}},
		}
	}
	return events
}

func eventImage(i int) sharing.ImageID { return sharing.ImageID(fmt.Sprintf("img-%016x", i)) }
