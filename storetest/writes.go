package storetest

import (
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// testWrites replaces, removes and repeats, within one transaction and over several.
func testWrites(t *testing.T, open opener) {
	changed := fullImage("img", "owner")
	changed.Name, changed.Labels, changed.Deprecation, changed.State, changed.Protected = "", nil, nil, sharing.ImageAvailable, false
	changed.Description, changed.Digest, changed.Size, changed.CreatedAt = "another", "", 1, noon.Add(time.Hour)
	moved := instance("vm", "me", "other")
	moved.DiskGeneration, moved.LaunchedAt = 7, noon.Add(time.Hour)
	again := shareStatus("img", "me", sharing.ShareRejected)
	again.CreatedAt, again.UpdatedAt = noon.Add(time.Hour), noon.Add(2*time.Hour)
	everything := func(c *check, promise string) {
		c.Helper()
		c.sameLoad(promise, sharing.Need{Account: "me", Trust: true, Instance: "vm", Image: "img", OwnInstances: true, ImagesIn: here, Operation: "op"})
		c.sameLoad(promise, sharing.Need{Account: "owner", Image: "img", AllShares: true, PresentAt: noon, ImagesIn: here})
	}
	for _, step := range []struct {
		name, promise string
		before, write []any
	}{
		{"PutImage", "PutImage stores a record in place of that with the same ID: no field of the old one is left",
			[]any{fullImage("img", "owner")}, []any{changed}},
		{"PutImageKeepsShares", "PutImage of a record without DeletedAt leaves the image's shares and events",
			[]any{image("img", "owner"), share("img", "me"), event("op", "owner", "img", 1)}, []any{changed}},
		{"PutImageTwice", "of two writes in one transaction the later one holds", nil, []any{fullImage("img", "owner"), changed}},
		{"PutShares", "PutShares stores each share in place of that with the same grantee, and leaves the others",
			[]any{image("img", "owner"), shareUntil("img", "me", noon.Add(-1)), share("img", "b")},
			[]any{[]sharing.Share{again, share("img", "c")}}},
		{"PutSharesOfNewImage", "an image and its shares may come in one transaction",
			nil, []any{image("img", "owner"), []sharing.Share{share("img", "me"), share("img", sharing.Everyone)}}},
		{"PutSharesSeveral", "PutShares stores several shares in one call: each is found by image, by owner and by grantee, with its own status and times",
			[]any{image("img", "owner"), share("img", "b")}, []any{[]sharing.Share{
				share("img", "c"), again, shareStatus("img", "b", sharing.SharePending), shareUntil("img", sharing.Organization("o"), noon.Add(1)),
				shareStatus("img", sharing.Everyone, sharing.ShareRejected)}}},
		{"DeleteSharesSeveral", "a share that is removed is found no more, by image, by owner or by grantee",
			[]any{image("img", "owner"), []sharing.Share{share("img", "c"), share("img", "me"), share("img", "b"), share("img", sharing.Organization("o")), share("img", sharing.Everyone)}},
			[]any{ended{"img", "me"}, ended{"img", "b"}, ended{"img", sharing.Organization("o")}, ended{"img", sharing.Everyone}}},
		{"PutSharesNone", "PutShares of none changes nothing", []any{image("img", "owner"), share("img", "me")}, []any{[]sharing.Share{}}},
		{"DeleteShares", "DeleteShares removes the shares with these grantees, those that there are",
			[]any{image("img", "owner"), share("img", "me"), share("img", "b"), image("other", "owner"), share("other", "me")},
			[]any{ended{"img", "me"}, ended{"img", "never-was"}}},
		{"DeleteThenPut", "writes count in their order: a share removed and then put is there",
			[]any{image("img", "owner"), share("img", "me")}, []any{ended{"img", "me"}, shareUntil("img", "me", noon.Add(1))}},
		{"PutThenDelete", "writes count in their order: a share put and then removed is not there",
			[]any{image("img", "owner")}, []any{share("img", "me"), ended{"img", "me"}}},
		{"PutInstance", "PutInstance stores a record in place of that with the same ID",
			[]any{image("img", "owner"), image("other", "owner"), instance("vm", "me", "img")}, []any{moved}},
		{"PutInstanceTwice", "of two writes in one transaction the later one holds",
			[]any{image("img", "owner"), image("other", "owner")}, []any{instance("vm", "me", "img"), moved}},
		{"Terminate", "an instance with TerminatedAt is kept, but only Load finds it, and it counts nowhere",
			[]any{image("img", "owner"), instance("vm", "me", "img")}, []any{terminated(instance("vm", "me", "img"))}},
		{"PutTrust", "PutTrust stores the policy in place of that before",
			[]any{trustOf{"me", sharing.Trust{Owners: []sharing.AccountID{"a", "b"}, Enforce: true}}, trustOf{"you", sharing.Trust{Enforce: true}}},
			[]any{trustOf{"me", sharing.Trust{Owners: []sharing.AccountID{"c"}}}}},
		{"PutTrustZero", "a trust policy of the zero value is as good as none",
			[]any{trustOf{"me", sharing.Trust{Enforce: true}}}, []any{trustOf{"me", sharing.Trust{}}}},
		{"PutTrustEnforceAlone", "a trust policy that enforces and names nobody is not the zero value",
			nil, []any{trustOf{"me", sharing.Trust{Enforce: true}}}},
		{"AppendNone", "Append of none changes nothing", []any{event("op", "me", "img", 1)}, []any{[]sharing.Event{}}},
		{"Nothing", "a transaction that writes nothing changes nothing", []any{image("img", "owner"), share("img", "me")}, nil},
	} {
		t.Run(step.name, func(t *testing.T) {
			c := newCheck(t, open)
			c.write(step.before...)
			everything(c, "what was written is read") // and is not read again once it is something else
			c.write(step.write...)
			everything(c, step.promise)
			c.sameEverywhere(step.promise)
		})
	}
}

// sameEverywhere checks all records and the whole log against the reference.
func (c *check) sameEverywhere(promise string) {
	c.Helper()
	for _, origin := range []sharing.Origin{0, sharing.OriginOwn, sharing.OriginShared, sharing.OriginPublic} {
		for _, account := range []sharing.AccountID{"me", "c"} {
			same(c, promise, func(tx sharing.ViewTx) ([]sharing.Access, error) {
				return listImages(tx, sharing.ImageScan{
					Limit: many, Account: account, Organizations: []sharing.OrganizationID{"o"}, Query: sharing.ImageQuery{Origin: origin}})
			})
		}
	}
	scans := []sharing.ShareScan{{Image: "img", Limit: many}, {Owner: "owner", Limit: many}}
	for _, g := range []sharing.Grantee{"me", "b", "c", sharing.Organization("o"), sharing.Everyone} {
		scans = append(scans, sharing.ShareScan{Grantee: g, Limit: many})
	}
	for _, scan := range scans {
		same(c, promise, func(tx sharing.ViewTx) ([]sharing.SharedImage, error) { return listShares(tx, scan) })
	}
	for _, scan := range []sharing.InstanceScan{{Owner: "me", Limit: many}, {Query: sharing.InstanceQuery{Image: "img"}, Limit: many}} {
		same(c, promise, func(tx sharing.ViewTx) ([]*sharing.InstanceRecord, error) { return listInstances(tx, scan) })
	}
	same(c, promise, func(tx sharing.ViewTx) ([]sharing.Event, error) { return tx.Events(sharing.EventQuery{Limit: many}) })
}

// testTombstones deletes an image that has everything, and looks for what is left of it.
func testTombstones(t *testing.T, open opener) {
	for name, before := range map[string][]any{
		"Shared":              {image("img", "owner"), share("img", "me"), share("img", sharing.Organization("o")), share("img", sharing.Everyone)},
		"Alone":               {image("img", "owner")},
		"BesideItsLikes":      {image("img", "owner"), share("img", "me"), image("img2", "owner"), share("img2", "me"), image("im", "owner"), share("im", "me")},
		"WithInstancesEvents": {fullImage("img", "owner"), instance("vm", "me", "img"), event("op", "owner", "img", 1), share("img", "me")},
		"Derived":             {fullImage("img", "owner"), fullImage("child", "me"), share("child", "me")},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCheck(t, open)
			c.write(before...)
			c.write(deleted(before[0].(sharing.ImageRecord)))
			c.tombstone()
		})
	}
	t.Run("InOneTransaction", func(t *testing.T) {
		c := newCheck(t, open)
		c.write(image("img", "owner"), share("img", "me"))
		c.write(share("img", "b"), ended{"img", "me"}, share("img", "me"), deleted(image("img", "owner")), event("op", "owner", "img", 1))
		c.tombstone()
	})
	t.Run("BornAndDeletedInOneTransaction", func(t *testing.T) {
		c := newCheck(t, open)
		c.write(image("img", "owner"), share("img", "me"), deleted(image("img", "owner")), image("next", "owner"), share("next", "me"))
		c.tombstone()
	})
	t.Run("SharesPutLater", func(t *testing.T) {
		c := newCheck(t, open)
		c.write(image("img", "owner"), share("img", "me"))
		c.write(deleted(image("img", "owner")), share("img", "me"))
		c.write(share("img", "me"), share("img", "b"), share("img", sharing.Everyone))
		c.tombstone()
		c.write(image("img", "owner"))
		promise := "shares put for a deleted image are ignored, also if a record without DeletedAt takes its place"
		c.sameEverywhere(promise)
		c.sameLoad(promise, sharing.Need{Account: "owner", Image: "img", AllShares: true, PresentAt: noon})
	})
}

// tombstone checks that img is one.
func (c *check) tombstone() {
	c.Helper()
	c.sameEverywhere("a record with DeletedAt ends the image's shares: from then on no method finds them, and only Load and Derived find the record")
	c.sameLoad("a tombstone has its record and its Sequence, nothing reaches it, it counts nowhere, and its ID is taken", sharing.Need{
		Account: "me", Organizations: []sharing.OrganizationID{"o"}, Image: "img", NewImage: "img"})
	c.sameLoad("a tombstone has no shares, and its owner is told so", sharing.Need{Account: "owner", Image: "img", AllShares: true, PresentAt: noon})
	c.sameLoad("no share of a deleted image is found", sharing.Need{Image: "img", Grantees: []sharing.Grantee{"me", sharing.Everyone}})
	c.sameLoad("a deleted image does not count as owned", sharing.Need{Account: "owner", ImagesIn: here, Images: []sharing.ImageID{"img"}})
	c.derivedScan("tombstones too", "source-image", "")
	for _, origin := range []sharing.Origin{sharing.OriginOwn, sharing.OriginShared, sharing.OriginPublic} {
		for _, account := range []sharing.AccountID{"owner", "me"} {
			c.imageScan("selects images that are not deleted", sharing.ImageScan{Account: account, Query: sharing.ImageQuery{Origin: origin}})
		}
	}
	// Nor does a new share of another image bring an old one back.
	c.write(image("after", "owner"), share("after", "me"))
	c.shareScan("selects shares of images that are not deleted", sharing.ShareScan{Grantee: "me"})
}
