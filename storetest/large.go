package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// RunLarge tests what takes long to test: images with 100,000 shares each, which are counted and listed, and deleted at
// a cost that does not depend on the number of shares (R8). It takes from seconds to minutes.
func RunLarge(t *testing.T, open func(t *testing.T) sharing.Store) {
	c := newCheck(t, func(t *testing.T) []sharing.Store { return []sharing.Store{open(t)} })
	c.reference = nil // it would take longer than the store
	const large, small, each, eachSmall = 3, 9, 100_000, 100
	for i := range large {
		c.shareWithMany(sharing.ImageID(fmt.Sprint("large", i)), each)
	}
	for i := range small {
		c.shareWithMany(sharing.ImageID(fmt.Sprint("small", i)), eachSmall)
	}

	state := c.load(sharing.Need{Account: "owner", Image: "large0", PresentAt: noon})
	c.equal("PresentShares counts all shares", state.PresentShares, each)
	listed, after := 0, sharing.ShareKey{}
	for pages := 0; pages <= each/1000+1; pages++ {
		page := read(c, c.store, func(tx sharing.ViewTx) ([]sharing.SharedImage, error) {
			return listShares(tx, sharing.ShareScan{Image: "large0", After: after, Limit: 1000})
		})
		listed += len(page)
		if len(page) < 1000 {
			break
		}
		after = sharing.ShareKey{Image: "large0", Grantee: page[len(page)-1].Grantee}
	}
	c.equal("Shares gives all shares, page by page", listed, each)

	fastest := c.deleteTimes("large", large)[0]
	median := c.deleteTimes("small", small)[small/2]
	if fastest > 20*median && fastest > 3*time.Millisecond {
		c.Errorf("the contract asks: a record with DeletedAt ends the image's shares at a cost that does not depend on their number; with %d shares it took %v at best, with %d shares %v",
			each, fastest, eachSmall, median)
	}
	c.equal("a deleted image has no shares", c.load(sharing.Need{Account: "owner", Image: "large0", AllShares: true, PresentAt: noon}),
		sharing.State{Image: sharing.Access{Image: ptr(deleted(image("large0", "owner")))}})
	for _, scan := range []sharing.ShareScan{{Image: "large0", Limit: 1}, {Owner: "owner", Limit: 1}, {Grantee: manyGrantee(7), Limit: 1}} {
		found := read(c, c.store, func(tx sharing.ViewTx) ([]sharing.SharedImage, error) { return listShares(tx, scan) })
		c.equal("no method finds the shares of a deleted image", len(found), 0)
	}
}

func ptr[T any](v T) *T { return &v }

func manyGrantee(i int) sharing.Grantee { return sharing.Grantee(fmt.Sprintf("grantee%06d", i)) }

// shareWithMany puts an image with n shares, 500 at a time.
func (c *check) shareWithMany(img sharing.ImageID, n int) {
	c.Helper()
	batch := []sharing.Share{}
	for i := range n {
		batch = append(batch, share(img, manyGrantee(i)))
		if len(batch) == 500 || i == n-1 {
			fn := func(tx sharing.UpdateTx) error { return put(tx, image(img, "owner"), batch) }
			if err := c.store.Update(c.ctx, fn); err != nil {
				c.Fatal(err)
			}
			batch = []sharing.Share{} // the store may keep the one before
		}
	}
}

// deleteTimes deletes the images with this name and a number below n, and returns in
// ascending order how long each took.
func (c *check) deleteTimes(name string, n int) []time.Duration {
	c.Helper()
	var times []time.Duration
	for i := range n {
		rec := deleted(image(sharing.ImageID(fmt.Sprint(name, i)), "owner"))
		start := time.Now()
		if err := c.store.Update(c.ctx, func(tx sharing.UpdateTx) error { return tx.PutImage(rec) }); err != nil {
			c.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return times
}
