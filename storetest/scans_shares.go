package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// testShares selects by image, owner and grantee, alone and together.
func testShares(t *testing.T, open opener) {
	c := newCheck(t, open)
	sharesWorld(c)
	eachCombination(c, shareConditions, func(name string, s sharing.ShareScan) {
		c.shareScan("ascending order of image and then grantee; all conditions must hold: "+name, s)
	})
	c.run("All", func() {
		c.shareScan("all conditions must hold", sharing.ShareScan{Image: "i2", Owner: "me", Grantee: "b"})
		c.shareScan("all conditions must hold", sharing.ShareScan{Image: "i2", Owner: "other", Grantee: "b"})
	})
	c.run("After", func() {
		for _, after := range []sharing.ShareKey{
			{Image: "i2"}, {Image: "i2", Grantee: "b"}, {Image: "i2", Grantee: "bb"}, {Image: "i2x", Grantee: "zz"}, {Image: "i9"},
		} {
			for _, s := range []sharing.ShareScan{{Owner: "me"}, {Image: "i2"}, {Grantee: "b"}, {Grantee: "b", Owner: "me"}} {
				s.After = after
				c.shareScan(fmt.Sprintf("After selects the shares that come after the place %v, whether one is there or not", after), s)
			}
		}
	})
	c.run("Ended", func() {
		c.write(ended{"i2", "b"}, ended{"i2", "never-was"}, deleted(image("i3", "other")), shareStatus("i4", "b", sharing.ShareRejected))
		each(shareConditions, func(name string, s sharing.ShareScan) {
			c.shareScan("no share that ended, nor one of an image that was deleted: "+name, s)
		})
	})
}

func sharesWorld(c *check) {
	var items []any
	for i := range 6 {
		id := sharing.ImageID(fmt.Sprintf("i%d", i))
		owner := sharing.AccountID([]string{"me", "other"}[i%4/3])
		items = append(items, fullImage(id, owner))
		items = append(items,
			share(id, sharing.Everyone), share(id, "b"), shareUntil(id, "c", noon.Add(-time.Hour)), shareStatus(id, "d", sharing.SharePending),
			shareUntil(id, sharing.Organization("b"), noon.Add(time.Nanosecond)), share(id, "B"), share(id, "bc"))
	}
	c.write(items...)
}

var shareConditions = []condition[sharing.ShareScan]{
	{"Image", func(s *sharing.ShareScan) { s.Image = "i2" }},
	{"ImageUnknown", func(s *sharing.ShareScan) { s.Image = "i" }},
	{"Owner", func(s *sharing.ShareScan) { s.Owner = "me" }},
	{"OwnerOther", func(s *sharing.ShareScan) { s.Owner = "other" }},
	{"Grantee", func(s *sharing.ShareScan) { s.Grantee = "b" }},
	{"GranteeExpired", func(s *sharing.ShareScan) { s.Grantee = "c" }},
	{"GranteePending", func(s *sharing.ShareScan) { s.Grantee = "d" }},
	{"GranteeOrganization", func(s *sharing.ShareScan) { s.Grantee = sharing.Organization("b") }},
	{"GranteeEveryone", func(s *sharing.ShareScan) { s.Grantee = sharing.Everyone }},
}

// testInstances selects by owner, region, image and labels, alone and together.
func testInstances(t *testing.T, open opener) {
	c := newCheck(t, open)
	var items []any
	for i := range 14 {
		rec := instance(sharing.InstanceID(fmt.Sprintf("vm%02d", i)), []sharing.AccountID{"me", "Me", "you"}[i%3], []sharing.ImageID{"img", "other"}[i/2%2])
		rec.DiskGeneration = 1<<62 + int64(i)
		if i%4 == 1 {
			rec.Region = there
		}
		if i%5 != 0 {
			rec.Labels = map[string]string{"": "", "tier": []string{"web", "Web"}[i/3%2]}
		}
		if i == 3 || i == 4 {
			rec = terminated(rec)
		}
		items = append(items, rec)
	}
	c.write(items...)
	test := func(name string, s sharing.InstanceScan) {
		if s.Owner == "" && s.Query.Image == "" {
			return // the contract knows no such scan
		}
		c.instanceScan("ascending order of ID, none that was terminated; all conditions must hold: "+name, s)
	}
	eachCombination(c, instanceConditions, test)
	c.run("After", func() {
		for _, after := range []sharing.InstanceID{"vm", "vm03", "vm06", "vm06x", "vm99"} {
			c.instanceScan("After selects the instances with greater IDs, whether one has the ID or not", sharing.InstanceScan{Owner: "me", After: after})
			c.instanceScan("After selects the instances with greater IDs, whether one has the ID or not",
				sharing.InstanceScan{Query: sharing.InstanceQuery{Image: "img"}, After: after})
		}
	})
	c.run("Changed", func() {
		moved := instance("vm00", "me", "other")
		moved.DiskGeneration = 2
		c.write(moved, terminated(instance("vm06", "me", "other")), instance("vm99", "me", "img"))
		each(instanceConditions, func(name string, s sharing.InstanceScan) {
			test("after disks were replaced and instances terminated, only what holds now counts: "+name, s)
		})
	})
}

var instanceConditions = []condition[sharing.InstanceScan]{
	{"Owner", func(s *sharing.InstanceScan) { s.Owner = "me" }},
	{"OwnerUnknown", func(s *sharing.InstanceScan) { s.Owner = "m" }},
	{"Image", func(s *sharing.InstanceScan) { s.Query.Image = "img" }},
	{"ImageOther", func(s *sharing.InstanceScan) { s.Query.Image = "other" }},
	{"Region", func(s *sharing.InstanceScan) { s.Query.Region = there }},
	{"Labels", func(s *sharing.InstanceScan) { s.Query.Labels = map[string]string{"tier": "web"} }},
	{"LabelsEmptyValue", func(s *sharing.InstanceScan) { s.Query.Labels = map[string]string{"": ""} }},
	{"LabelsSeveral", func(s *sharing.InstanceScan) { s.Query.Labels = map[string]string{"tier": "Web", "": ""} }},
}
