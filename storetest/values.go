package storetest

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// testValues writes values at their limits, and reads them back as they were.
func testValues(t *testing.T, open opener) {
	t.Run("Times", func(t *testing.T) { testTimes(newCheck(t, open)) })
	t.Run("Largest", func(t *testing.T) { testLargest(newCheck(t, open)) })
	t.Run("ManyShares", func(t *testing.T) { testManyShares(newCheck(t, open)) })
	t.Run("Trust", func(t *testing.T) { testLargeTrust(newCheck(t, open)) })
	t.Run("Fresh", func(t *testing.T) { testValuesFresh(newCheck(t, open)) })
	t.Run("Stay", func(t *testing.T) { testValuesStay(newCheck(t, open)) })
}

func testTimes(c *check) {
	times := []time.Time{
		{}, noon, noon.Add(1), noon.Add(-1), noon.In(time.FixedZone("east", 5*3600+1800)), time.Unix(0, 0), time.Unix(0, 1), time.Unix(0, -1),
		time.Unix(0, math.MaxInt64), time.Unix(0, math.MaxInt64).Add(1), time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	for i, at := range times {
		id := sharing.ImageID(fmt.Sprint("img", i))
		rec := fullImage(id, "me")
		rec.CreatedAt, rec.Deprecation.At = at, at
		tomb := deleted(fullImage("tomb"+id, "me"))
		if !at.IsZero() {
			tomb.DeletedAt = at
		}
		s := sharing.Share{Image: id, Grantee: "g", CreatedAt: at, UpdatedAt: at, Expires: at}
		vm := instance(sharing.InstanceID(id), "me", id)
		vm.LaunchedAt = at
		ended := vm
		ended.ID, ended.TerminatedAt = "ended"+ended.ID, at
		ev := fullEvent(string(id), "me", id, 1)
		ev.At, ev.ImageRecord, ev.InstanceRecord, ev.Shares = at, &rec, &ended, []sharing.Share{s}
		c.write(rec, tomb, s, vm, ended, ev)
		c.sameLoad(fmt.Sprintf("times are kept to the nanosecond, and zero is zero: %v", at), sharing.Need{
			Account: "g", Image: id, AllShares: true, Operation: string(id), Images: []sharing.ImageID{tomb.ID},
			Instances: []sharing.InstanceID{vm.ID, ended.ID}})
	}
}

func testLargest(c *check) {
	rec := fullImage("img", "me")
	rec.Name, rec.Family, rec.Architecture = strings.Repeat("é", 64), strings.Repeat("\"", 128), strings.Repeat("\\", 128)
	rec.Description = strings.Repeat("\n\t\"😀<\\", 2048/9)
	rec.Deprecation.Notice = strings.Repeat("é\n", 2048/3)
	rec.Size = math.MaxInt64
	rec.Labels = map[string]string{}
	for i := range 64 {
		rec.Labels[fmt.Sprintf("%02d%s", i, strings.Repeat("k", 126))] = strings.Repeat("\"", 256)
	}
	vm := instance("vm", "me", "img")
	vm.Labels, vm.DiskGeneration = rec.Labels, math.MaxInt64
	ev := fullEvent("op", "me", "img", math.MaxInt64)
	ev.ImageRecord, ev.InstanceRecord = &rec, &vm
	result, err := json.Marshal(rec)
	if err != nil {
		c.Fatal(err)
	}
	ev.Result = result
	c.write(rec, vm, ev)
	c.sameLoad("what the engine may pass is kept whole: 64 labels, texts and numbers at their limits",
		sharing.Need{Account: "me", Image: "img", Instance: "vm", Operation: "op", ImagesIn: here})
	c.imageScan("all labels must be equal", sharing.ImageScan{Query: sharing.ImageQuery{Labels: rec.Labels, Name: rec.Name}})
	c.instanceScan("all labels must be equal", sharing.InstanceScan{Owner: "me", Query: sharing.InstanceQuery{Labels: rec.Labels}})
}

// testManyShares shares with 500 grantees in one call, twice, and ends all in one.
func testManyShares(c *check) {
	var shares []sharing.Share
	var grantees []sharing.Grantee
	for i := range 500 {
		g := sharing.Grantee(fmt.Sprintf("%s-%03d", strings.Repeat("g", 124), i))
		shares, grantees = append(shares, share("img", g)), append(grantees, g)
	}
	ev := event("op", "me", "img", 1)
	ev.Shares, ev.Ended = shares, grantees
	c.write(image("img", "me"), shares, ev)
	promise := "a call with 500 grantees is one transaction"
	c.sameLoad(promise, sharing.Need{Image: "img", Grantees: grantees, PresentAt: noon, Operation: "op"})
	c.sameLoad(promise, sharing.Need{Image: "img", AllShares: true})
	var pages int
	for after := (sharing.ShareKey{}); ; pages++ {
		page := read(c, c.store, func(tx sharing.ViewTx) ([]sharing.SharedImage, error) {
			return tx.Shares(sharing.ShareScan{Image: "img", After: after, Limit: 100})
		})
		if len(page) == 0 || pages > 5 {
			break
		}
		after = sharing.ShareKey{Image: "img", Grantee: page[len(page)-1].Grantee}
	}
	c.equal("fewer than the limit means that there are no more: 500 shares are 5 pages of 100", pages, 5)
	fn := func(tx sharing.UpdateTx) error { return tx.DeleteShares("img", grantees[1:]) }
	for _, store := range []sharing.Store{c.store, c.reference} {
		if err := update(c.ctx, store, fn); err != nil {
			c.Fatal(err)
		}
	}
	c.sameLoad(promise, sharing.Need{Image: "img", AllShares: true})
}

// testLargeTrust names as many owners as a policy may, each as long as it may be.
func testLargeTrust(c *check) {
	trust := sharing.Trust{Enforce: true}
	for i := range 1000 {
		trust.Owners = append(trust.Owners, sharing.AccountID(fmt.Sprintf("%05d%s", i, strings.Repeat("o", 123))))
	}
	ev := sharing.Event{Operation: "op", At: noon, Actor: "me", Kind: sharing.EventTrustSet, Trust: &trust}
	c.write(trustOf{"me", trust}, ev)
	c.sameLoad("what the engine may pass is kept whole: a trust policy of 1,000 owners, and its event", sharing.Need{Account: "me", Trust: true, Operation: "op"})
}

// testValuesStay holds what a transaction returned while later ones change everything.
func testValuesStay(c *check) {
	c.write(fullImage("img", "me"), share("img", "a"), share("img", "b"), share("img", "c"), instance("vm", "me", "img"),
		trustOf{"me", sharing.Trust{Owners: []sharing.AccountID{"a", "b"}}}, fullEvent("op", "me", "img", 1))
	type values struct {
		State     sharing.State
		Images    []sharing.Access
		Shares    []sharing.SharedImage
		Instances []*sharing.InstanceRecord
		Events    []sharing.Event
	}
	readAll := func(tx sharing.ViewTx) (v values, err error) {
		if v.State, err = tx.Load(sharing.Need{Account: "me", Trust: true, Image: "img", Instance: "vm", AllShares: true, Operation: "op"}); err != nil {
			return v, err
		}
		if v.Images, err = tx.Images(sharing.ImageScan{Limit: 10}); err != nil {
			return v, err
		}
		if v.Shares, err = tx.Shares(sharing.ShareScan{Image: "img", Limit: 10}); err != nil {
			return v, err
		}
		if v.Instances, err = tx.Instances(sharing.InstanceScan{Owner: "me", Limit: 10}); err != nil {
			return v, err
		}
		v.Events, err = tx.Events(sharing.EventQuery{Limit: 10})
		return v, err
	}
	held := read(c, c.store, readAll)
	as, err := json.Marshal(held)
	if err != nil {
		c.Fatal(err)
	}
	moved := instance("vm", "me", "other")
	c.write(image("img", "me"), ended{"img", "a"}, shareStatus("img", "b", sharing.ShareRejected), share("img", "aa"), moved,
		trustOf{"me", sharing.Trust{}}, event("op", "me", "img", 2), image("a", "me"), instance("a", "me", "a"))
	c.write(deleted(image("img", "me")), terminated(moved))
	if now, err := json.Marshal(held); err != nil || string(now) != string(as) {
		c.Errorf("the contract asks: what a transaction returned stays valid after it, and the store does not change it; it was\n%s\nand is now\n%s (%v)", as, now, err)
	}
}

// testValuesFresh changes what a store returned that says that it returns it to nobody else.
func testValuesFresh(c *check) {
	if _, ok := c.store.(sharing.FreshStore); !ok {
		c.Skip("the store may return what it keeps")
	}
	// Made anew each time, since the store may keep what it is given.
	img := func() sharing.ImageRecord { return fullImage("img", "me") }
	vm := func() sharing.InstanceRecord {
		vm := instance("vm", "me", "img")
		vm.Labels = map[string]string{"key": "value"}
		return vm
	}
	c.write(img(), vm())
	promise := "a FreshStore returns to nobody else what it returned"
	for range 2 {
		c.view(c.store, func(tx sharing.ViewTx) error {
			for range 2 {
				images, err := tx.Images(sharing.ImageScan{Limit: 10})
				if err != nil {
					return err
				}
				instances, err := tx.Instances(sharing.InstanceScan{Owner: "me", Limit: 10})
				if err != nil {
					return err
				}
				wantImage, wantInstance := img(), vm()
				if !c.equal(promise, images, []sharing.Access{{Image: &wantImage}}) ||
					!c.equal(promise, instances, []*sharing.InstanceRecord{&wantInstance}) {
					return nil
				}
				images[0].Image.Labels["key"], instances[0].Labels["key"] = "changed", "changed"
				images[0].Image.Deprecation.Notice = "changed"
			}
			return nil
		})
	}
}
