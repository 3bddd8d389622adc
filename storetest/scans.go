package storetest

import (
	"fmt"
	"slices"

	"github.com/imageshare/sharing"
)

// A scan is one of a transaction's reads that gives pages: from after a place, at most limit items.
type scan[T, P any] struct {
	promise string
	read    func(tx sharing.ViewTx, after P, limit int) ([]T, error)
	place   func(T) P
}

// check reads the scan all at once, and page by page with every limit, from every handle.
func (s scan[T, P]) check(c *check, start P) {
	c.Helper()
	atOnce := func(tx sharing.ViewTx) ([]T, error) { return s.read(tx, start, many) }
	all := read(c, c.reference, atOnce)
	for i, store := range c.stores {
		if !c.equal(s.promise, read(c, store, atOnce), all) {
			return // its pages are no better
		}
		c.equal("a transaction that writes reads as one that does not: "+s.promise, readInUpdate(c, store, atOnce), all)
		for _, limit := range limits(len(all)) {
			got, after := []T(nil), start
			for {
				page := read(c, c.handle(i), func(tx sharing.ViewTx) ([]T, error) { return s.read(tx, after, limit) })
				got = append(got, page...)
				if len(page) > limit {
					c.Errorf("the contract asks: a page is at most the limit of %d items; this one is %d", limit, len(page))
				}
				if len(page) < limit || len(got) > len(all) {
					break
				}
				after = s.place(page[len(page)-1])
			}
			c.equal(fmt.Sprintf("pages of %d give what all at once gives: only the last is short, and After goes on after a place. %s", limit, s.promise), got, all)
		}
	}
}

// limits are the sizes of pages that n items are read in.
func limits(n int) []int {
	const long = 20
	sizes := []int{1, 2, 3, n - 1, n, n + 1}
	if n > long { // small pages would be many
		sizes[0], sizes[1], sizes[2] = 7, 7, n/2
	}
	slices.Sort(sizes)
	return slices.DeleteFunc(slices.Compact(sizes), func(size int) bool { return size < 1 || size > n+1 })
}

func (c *check) imageScan(promise string, s sharing.ImageScan) {
	c.Helper()
	scan[sharing.Access, sharing.ImageID]{
		promise: "Images: " + promise,
		read: func(tx sharing.ViewTx, after sharing.ImageID, limit int) ([]sharing.Access, error) {
			q := s
			q.After, q.Limit = after, limit
			return listImages(tx, q)
		},
		place: func(a sharing.Access) sharing.ImageID { return a.Image.ID },
	}.check(c, s.After)
}

func (c *check) derivedScan(promise string, source, after sharing.ImageID) {
	c.Helper()
	scan[*sharing.ImageRecord, sharing.ImageID]{
		promise: "Derived: " + promise,
		read: func(tx sharing.ViewTx, after sharing.ImageID, limit int) ([]*sharing.ImageRecord, error) {
			return tx.Derived(source, after, limit)
		},
		place: func(rec *sharing.ImageRecord) sharing.ImageID { return rec.ID },
	}.check(c, after)
}

func (c *check) shareScan(promise string, s sharing.ShareScan) {
	c.Helper()
	scan[sharing.SharedImage, sharing.ShareKey]{
		promise: "Shares: " + promise,
		read: func(tx sharing.ViewTx, after sharing.ShareKey, limit int) ([]sharing.SharedImage, error) {
			q := s
			q.After, q.Limit = after, limit
			return listShares(tx, q)
		},
		place: func(s sharing.SharedImage) sharing.ShareKey {
			return sharing.ShareKey{Image: s.Image, Grantee: s.Grantee}
		},
	}.check(c, s.After)
}

func (c *check) instanceScan(promise string, s sharing.InstanceScan) {
	c.Helper()
	scan[*sharing.InstanceRecord, sharing.InstanceID]{
		promise: "Instances: " + promise,
		read: func(tx sharing.ViewTx, after sharing.InstanceID, limit int) ([]*sharing.InstanceRecord, error) {
			q := s
			q.After, q.Limit = after, limit
			return listInstances(tx, q)
		},
		place: func(rec *sharing.InstanceRecord) sharing.InstanceID { return rec.ID },
	}.check(c, s.After)
}

// A condition narrows a scan of type S in one way.
type condition[S any] struct {
	name  string
	apply func(*S)
}

// each runs test with each condition alone.
func each[S any](conditions []condition[S], test func(name string, s S)) {
	for _, condition := range conditions {
		var s S
		condition.apply(&s)
		test(condition.name, s)
	}
}

// eachCombination runs test with each condition alone and each pair of them, in subtests.
func eachCombination[S any](c *check, conditions []condition[S], test func(name string, s S)) {
	run := func(name string, applied ...condition[S]) {
		c.run(name, func() {
			var s S
			for _, condition := range applied {
				condition.apply(&s)
			}
			test(name, s)
		})
	}
	for i, a := range conditions {
		run(a.name, a)
		for _, b := range conditions[i+1:] {
			run(a.name+"+"+b.name, a, b)
		}
	}
}
