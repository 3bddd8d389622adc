package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
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
	t.Run("Many", func(t *testing.T) { testMany(newCheck(t, open)) })
	t.Run("Given", func(t *testing.T) { testValuesGiven(newCheck(t, open)) })
	t.Run("Stay", func(t *testing.T) { testValuesStay(newCheck(t, open)) })
}

func testTimes(c *check) {
	times := []time.Time{
		{}, noon, noon.Add(1), noon.Add(-1), time.Unix(0, 0), time.Unix(0, 1), time.Unix(0, -1),
		time.Unix(0, math.MaxInt64), time.Unix(0, math.MaxInt64).Add(1), time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	for i, at := range times {
		at = at.UTC()
		th := thingsNamed(fmt.Sprint("img", i))
		th.image.CreatedAt, th.image.Deprecation.At, th.instance.LaunchedAt, th.event.At = at, at, at, at
		for i := range th.shares {
			th.shares[i].CreatedAt, th.shares[i].UpdatedAt, th.shares[i].Expires = at, at, at
		}
		end := at
		if at.IsZero() {
			end = noon
		}
		c.keeps(fmt.Sprintf("times are kept to the nanosecond, and zero is zero: %v", at), th, end)
	}
}

func testLargest(c *check) {
	th := thingsNamed("img")
	rec, vm := &th.image, &th.instance
	rec.Name, rec.Family, rec.Architecture = strings.Repeat("é", 64), strings.Repeat("\"", 128), strings.Repeat("\\", 128)
	rec.Description = strings.Repeat("\n\t\"😀<\\", 2048/9)
	rec.Deprecation.Notice = strings.Repeat("é\n", 2048/3)
	rec.Size = math.MaxInt64
	rec.Labels = map[string]string{}
	for i := range 64 {
		rec.Labels[fmt.Sprintf("%02d%s", i, strings.Repeat("k", 126))] = strings.Repeat("\"", 256)
	}
	vm.Labels, vm.DiskGeneration = rec.Labels, math.MaxInt64
	th.event.Sequence = math.MaxInt64
	result, err := json.Marshal(rec)
	if err != nil {
		c.Fatal(err)
	}
	th.event.Result = result
	beside := thingsNamed("img") // with all labels but one
	beside.image.ID, beside.instance.ID, beside.image.Name, beside.image.Family = "beside", "beside", rec.Name, rec.Family
	beside.image.Labels = maps.Clone(rec.Labels)
	for key := range beside.image.Labels {
		beside.image.Labels[key] = "another"
		break
	}
	beside.instance.Labels = beside.image.Labels
	c.write(beside.image, beside.instance)
	c.keeps("what the engine may pass is kept whole: 64 labels, texts and numbers at their limits", th, noon)
}

// things are one of each that a store keeps, all about one image.
type things struct {
	image    sharing.ImageRecord
	shares   []sharing.Share // that reach the owner of instance: its own, its organisation's, everyone's
	instance sharing.InstanceRecord
	trust    sharing.Trust // of the owner of instance
	event    sharing.Event
}

// thingsNamed returns things with every field set, and id in every place where an identifier can be.
func thingsNamed(id string) things {
	account, img := sharing.AccountID(id), fullImage(sharing.ImageID(id), sharing.AccountID(id))
	img.Region, img.Source, img.Deprecation.Replacement = sharing.Region(id), sharing.Source{Image: img.ID, Instance: sharing.InstanceID(id)}, img.ID
	vm := instance(sharing.InstanceID(id), account, img.ID)
	vm.Region, vm.Labels = img.Region, img.Labels
	ev := fullEvent(id, account, img.ID, 1)
	ev.Instance, ev.Ended = vm.ID, []sharing.Grantee{sharing.Organization(sharing.OrganizationID(id)), sharing.Account(account)}
	th := things{image: img, instance: vm, trust: sharing.Trust{Owners: []sharing.AccountID{account}, Enforce: true}, event: ev}
	for _, g := range []sharing.Grantee{sharing.Account(account), sharing.Organization(sharing.OrganizationID(id)), sharing.Everyone} {
		s := shareStatus(img.ID, g, sharing.ShareRejected)
		s.UpdatedAt, s.Expires = noon.Add(time.Minute), noon.Add(time.Hour)
		th.shares = append(th.shares, s)
	}
	return th
}

// keeps writes the things, reads them by every method, and reads them again after the
// image and the instance have ended.
func (c *check) keeps(promise string, th things, end time.Time) {
	c.Helper()
	c.putThings(th, end)
	c.sameThings(promise, th)
	c.endThings(th, end)
	c.sameThings(promise+" (deleted and terminated)", th)
}

// putThings writes the things. The event has each of them as it is to be, the image and
// the instance as they are to end.
func (c *check) putThings(th things, end time.Time) {
	c.Helper()
	rec, vm := th.image, th.instance
	rec.DeletedAt, vm.TerminatedAt = end, end
	th.event.ImageRecord, th.event.InstanceRecord, th.event.Shares, th.event.Trust = &rec, &vm, th.shares, &th.trust
	c.write(th.image, th.shares, th.instance, trustOf{th.instance.Owner, th.trust}, th.event)
}

func (c *check) endThings(th things, end time.Time) {
	c.Helper()
	th.image.DeletedAt, th.instance.TerminatedAt = end, end
	c.write(th.image, th.instance)
}

// sameThings reads the things by every method.
func (c *check) sameThings(promise string, th things) {
	c.Helper()
	img, vm := th.image, th.instance
	org, _ := th.shares[1].Grantee.Organization()
	orgs, grantees := []sharing.OrganizationID{org}, []sharing.Grantee{th.shares[0].Grantee, th.shares[1].Grantee, th.shares[2].Grantee}
	same(c, promise, questions{
		needs: []sharing.Need{
			{Operation: th.event.Operation, Account: vm.Owner, Organizations: orgs, Trust: true, Instance: vm.ID, Image: img.ID,
				Images: []sharing.ImageID{img.ID}, Instances: []sharing.InstanceID{vm.ID}, AllShares: true, PresentAt: noon, ImagesIn: img.Region,
				OwnInstances: true, NewImage: img.ID},
			{Image: img.ID, NewInstance: vm.ID, Grantees: grantees},
		},
		images: sharing.ImageScan{Account: vm.Owner, Organizations: orgs, Query: sharing.ImageQuery{
			Region: img.Region, Owner: img.Owner, Source: img.Source.Image, Name: img.Name, Family: img.Family, Labels: img.Labels}},
		source:    img.Source.Image,
		shares:    []sharing.ShareScan{{Image: img.ID}, {Owner: img.Owner}, {Grantee: grantees[0], Owner: img.Owner}},
		instances: sharing.InstanceScan{Owner: vm.Owner, Query: sharing.InstanceQuery{Region: vm.Region, Image: vm.Image, Labels: vm.Labels}},
		events:    sharing.EventQuery{Image: img.ID, Actor: th.event.Actor},
	}.ask)
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
	c.sameLoad(promise, sharing.Need{Account: "me", Image: "img", Grantees: grantees, PresentAt: noon, Operation: "op"})
	c.sameLoad(promise, sharing.Need{Account: "me", Image: "img", AllShares: true})
	var pages int
	for after := (sharing.ShareKey{}); ; pages++ {
		page := read(c, c.store, func(tx sharing.ViewTx) ([]sharing.SharedImage, error) {
			return listShares(tx, sharing.ShareScan{Image: "img", After: after, Limit: 100})
		})
		if len(page) == 0 || pages > 5 {
			break
		}
		after = sharing.ShareKey{Image: "img", Grantee: page[len(page)-1].Grantee}
	}
	c.equal("fewer than the limit means that there are no more: 500 shares are 5 pages of 100", pages, 5)
	fn := func(tx sharing.UpdateTx) error { return tx.DeleteShares("img", grantees[1:]) }
	for _, store := range []sharing.Store{c.store, c.reference} {
		if err := store.Update(c.ctx, fn); err != nil {
			c.Fatal(err)
		}
	}
	c.sameLoad(promise, sharing.Need{Account: "me", Image: "img", AllShares: true})
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

// testValuesStay holds what transactions returned while later ones change everything, and read it.
func testValuesStay(c *check) {
	var held []everything
	var as []string
	for n := range 4 {
		c.write(version(n)...)
		for range 2 {
			held = append(held, read(c, c.store, readEverything), readInUpdate(c, c.store, readEverything))
		}
		for _, all := range held[len(as):] {
			as = append(as, textOf(c, all))
		}
	}
	c.write(deleted(image("img", "me")), terminated(instance("vm", "me", "img")), trustOf{"me", sharing.Trust{}}, event("another", "me", "img", 9))
	_, _ = read(c, c.store, readEverything), c.load(sharing.Need{Operation: "another"})
	for i, all := range held {
		if now := textOf(c, all); now != as[i] {
			c.Fatalf("the contract asks: what a transaction returned stays valid after it, and the store does not change it; it was\n%s\nand is now\n%s", as[i], now)
		}
	}
}

func textOf(c *check, v any) string {
	c.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		c.Fatal(err)
	}
	return string(text)
}

// testValuesGiven holds what transactions were given, in an order that is not that of the store.
func testValuesGiven(c *check) {
	c.write(version(0)...)
	need := sharing.Need{Account: "me", Organizations: []sharing.OrganizationID{"o", "a"}, Image: "img", Images: []sharing.ImageID{"z", "img", "a"},
		Instances: []sharing.InstanceID{"vm", "a"}, Grantees: []sharing.Grantee{"me", "b", "a"}, PresentAt: noon}
	ev := fullEvent("op", "me", "img", 1)
	ev.Shares = []sharing.Share{share("img", "z"), share("img", sharing.Everyone), share("img", "a")}
	ended := []sharing.Grantee{"z", "a", sharing.Organization("o"), "a"}
	orgs := slices.Clone(need.Organizations)
	trust := sharing.Trust{Owners: []sharing.AccountID{"z", "a"}}
	given := func() string { return textOf(c, []any{need, ev, ended, orgs, trust}) }
	before := given()
	if err := c.store.Update(c.ctx, func(tx sharing.UpdateTx) error {
		_, err := tx.Load(need)
		_, _, accessErr := tx.Access("me", orgs, "img")
		_, imagesErr := listImages(tx, sharing.ImageScan{Account: "me", Organizations: orgs, Query: sharing.ImageQuery{Origin: sharing.OriginShared}, Limit: 10})
		return errors.Join(err, accessErr, imagesErr,
			put(tx, ev.Shares, trustOf{"me", trust}), tx.DeleteShares("img", ended), tx.Append([]sharing.Event{ev}))
	}); err != nil {
		c.Fatal(err)
	}
	if now := given(); now != before {
		c.Errorf("the contract asks: what the engine passes to a transaction nobody changes, not even its order; it was\n%s\nand is now\n%s", before, now)
	}
}

// testMany has more of everything than a page has at most.
func testMany(c *check) {
	const n = 1100
	name := func(i int) string { return fmt.Sprintf("%05d", i*701%n) } // in an order that is not that of the names
	var images []sharing.ImageID
	var instances []sharing.InstanceID
	var grantees []sharing.Grantee
	var orgs []sharing.OrganizationID
	var items []any
	for i := range n {
		rec, vm := image(sharing.ImageID(name(i)), "me"), instance(sharing.InstanceID(name(i)), "me", "img")
		rec.Source.Image = "img"
		images, instances, grantees = append(images, rec.ID), append(instances, vm.ID), append(grantees, sharing.Grantee(name(i)))
		orgs = append(orgs, sharing.OrganizationID(name(i)))
		items = append(items, rec, vm, share("img", sharing.Grantee(name(i))), event(name(i), "me", "img", int64(i+1)))
		if i%100 == 99 {
			c.write(append(items, image("img", "owner"))...)
			items = nil
		}
	}
	c.write(share("img", sharing.Organization(orgs[n-1])), ended{"img", "00500"}, terminated(instance("00500", "me", "img")), deleted(image("00500", "me")))
	promise := "more than a page is found: fewer than the limit means that there are no more"
	c.sameLoad(promise, sharing.Need{Account: "me", Image: "img", ImagesIn: here, OwnInstances: true, Images: images, Instances: instances})
	c.sameLoad(promise, sharing.Need{Account: "owner", Image: "img", AllShares: true, PresentAt: noon})
	c.sameLoad(promise, sharing.Need{Account: "me", Organizations: orgs, Image: "img", Grantees: grantees})
	for _, limit := range []int{n - 99, many} {
		same(c, promise, func(tx sharing.ViewTx) ([]sharing.Access, error) {
			return listImages(tx, sharing.ImageScan{Account: "me", Query: sharing.ImageQuery{Origin: sharing.OriginOwn}, Limit: limit})
		})
		same(c, promise, func(tx sharing.ViewTx) ([]sharing.Access, error) {
			return listImages(tx, sharing.ImageScan{Account: "me", Organizations: orgs, Query: sharing.ImageQuery{Origin: sharing.OriginShared}, Limit: limit})
		})
		same(c, promise, func(tx sharing.ViewTx) ([]*sharing.ImageRecord, error) { return tx.Derived("img", "", limit) })
		same(c, promise, func(tx sharing.ViewTx) ([]sharing.SharedImage, error) {
			return listShares(tx, sharing.ShareScan{Image: "img", Limit: limit})
		})
		same(c, promise, func(tx sharing.ViewTx) ([]*sharing.InstanceRecord, error) {
			return listInstances(tx, sharing.InstanceScan{Owner: "me", Limit: limit})
		})
		same(c, promise, func(tx sharing.ViewTx) ([]sharing.Event, error) {
			return tx.Events(sharing.EventQuery{Image: "img", Limit: limit})
		})
	}
}

// testValuesFresh changes what a store handed out that says that nobody else refers to it.
func testValuesFresh(c *check) {
	if _, ok := c.store.(patient).Store.(sharing.FreshStore); !ok {
		c.Skip("the store may return what it keeps")
	}
	for _, store := range []sharing.Store{c.store, c.reference} { // each gets its own, which it may keep
		if err := store.Update(c.ctx, func(tx sharing.UpdateTx) error { return put(tx, version(0)...) }); err != nil {
			c.Fatal(err)
		}
	}
	want := read(c, c.reference, readEverything)
	for range 2 {
		c.view(c.store, func(tx sharing.ViewTx) error {
			for range 2 {
				all, err := readEverything(tx)
				if err != nil || !c.equal("nobody else refers to what a FreshStore handed out", all, want) {
					return err
				}
				img, vm := all.Images[0].Image, all.Instances[0]
				img.Labels["version"], vm.Labels["version"], img.Deprecation.Notice = "changed", "changed", "changed"
			}
			return nil
		})
	}
}
