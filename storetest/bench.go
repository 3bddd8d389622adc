package storetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/imageshare/sharing"
)

// Benchmark measures the store that open returns as the engine uses it: a check, a share, a launch, and a page of 100
// images, each made by 1, 4 and 16 goroutines at once. The store holds 1,000 images of 10 owners, with 5 grantees each.
func Benchmark(b *testing.B, open func(b *testing.B) sharing.Store) {
	world := benchWorld()
	for _, call := range []struct {
		name string
		make func(e *sharing.Engine, i int) error
	}{
		{"CanUse", func(e *sharing.Engine, i int) error {
			img := &world[i*7919%benchImages] // all of them, in no order
			return e.CanUse(context.Background(), img.grantees[i%5], img.id, here)
		}},
		{"Share", func(e *sharing.Engine, i int) error {
			img := &world[i*7919%benchImages]
			return second(e.Share(context.Background(), img.owner, img.id, sharing.Grantee(fmt.Sprint("new", i))))
		}},
		{"Launch", func(e *sharing.Engine, i int) error {
			img := &world[i*7919%benchImages]
			return second(e.Launch(context.Background(), img.grantees[i%5], sharing.LaunchSpec{Image: img.id, Region: here}))
		}},
		{"Page100", func(e *sharing.Engine, i int) error {
			items, _, err := e.ImagesPage(context.Background(), world[i%10].owner, sharing.ImageQuery{}, sharing.Page{Limit: 100})
			if err == nil && len(items) != benchImages/10 {
				return fmt.Errorf("a page has %d images", len(items))
			}
			return err
		}},
	} {
		b.Run(call.name, func(b *testing.B) {
			store := open(b)
			world.put(b, store)
			e, err := sharing.New(store, sharing.WithPolicy(sharing.Policy{MaxShares: -1, MaxImages: -1}))
			if err != nil {
				b.Fatal(err)
			}
			var calls atomic.Int64 // over all runs, so that no two share with the same grantee
			for _, goroutines := range []int{1, 4, 16} {
				b.Run(fmt.Sprintf("goroutines=%d", goroutines), func(b *testing.B) {
					b.ReportAllocs()
					atOnce(b, goroutines, func() error { return call.make(e, int(calls.Add(1))) })
				})
			}
		})
	}
}

// atOnce makes b.N calls by several goroutines.
func atOnce(b *testing.B, goroutines int, call func() error) {
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := call(); err != nil && !isConflict(err) {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

const benchImages = 1000

// A benchImage is an image and the accounts that it is shared with. A benchStock is all of them, made up beforehand,
// so that no benchmark measures the making of names.
type (
	benchImage struct {
		id       sharing.ImageID
		owner    sharing.AccountID
		grantees [5]sharing.AccountID
	}
	benchStock []benchImage
)

func benchWorld() benchStock {
	stock := make(benchStock, benchImages)
	for i := range stock {
		stock[i] = benchImage{id: sharing.ImageID(fmt.Sprintf("image%04d", i)), owner: sharing.AccountID(fmt.Sprint("owner", i%10))}
		for j := range stock[i].grantees {
			stock[i].grantees[j] = sharing.AccountID(fmt.Sprintf("grantee%d-%d", i, j))
		}
	}
	return stock
}

// put stores the images and their shares.
func (stock benchStock) put(b *testing.B, store sharing.Store) {
	var items []any
	for i, img := range stock {
		var shares []sharing.Share
		for _, account := range img.grantees {
			shares = append(shares, share(img.id, sharing.Account(account)))
		}
		items = append(items, image(img.id, img.owner), shares)
		if i%50 == 49 {
			if err := (patient{store}).Update(b.Context(), func(tx sharing.UpdateTx) error { return put(tx, items...) }); err != nil {
				b.Fatal(err)
			}
			items = nil
		}
	}
}
