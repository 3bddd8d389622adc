package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// testImages selects by every condition and every pair of them, in pages of every size.
func testImages(t *testing.T, open opener) {
	c := newCheck(t, open)
	imagesWorld(c)
	c.run("All", func() {
		c.imageScan("ascending order of ID, no tombstones", sharing.ImageScan{})
	})
	eachCombination(c, imageConditions, func(name string, s sharing.ImageScan) {
		c.imageScan("all conditions must hold: "+name, s)
	})
	c.run("After", func() {
		for _, after := range []sharing.ImageID{"i", "i03", "i03\x00", "i030", "i04", "i999", "j"} {
			c.imageScan(fmt.Sprintf("After selects the images with greater IDs, whether one has the ID %q or not", after),
				sharing.ImageScan{After: after, Query: sharing.ImageQuery{Region: here}})
		}
	})
	c.run("SharedTwice", func() {
		c.imageScan("an image that several shares reach is given once", sharing.ImageScan{
			Account: "me", Organizations: []sharing.OrganizationID{"o1", "o2"},
			Query: sharing.ImageQuery{Origin: sharing.OriginOwn | sharing.OriginShared | sharing.OriginPublic}})
	})
	c.run("Changed", func() {
		changed := fullImage("i00", "me")
		changed.Name, changed.Family, changed.Labels, changed.State = "new", "new", map[string]string{"new": ""}, sharing.ImageDisabled
		c.write(changed, ended{"i05", "me"}, ended{"i06", sharing.Everyone}, deleted(image("i07", "other")))
		each(imageConditions, func(name string, s sharing.ImageScan) {
			c.imageScan("after records were replaced and shares ended, only what holds now counts: "+name, s)
		})
		c.imageScan("a name is found where it is now", sharing.ImageScan{Query: sharing.ImageQuery{Name: "new"}})
	})
}

// imagesWorld has images that differ in everything that a scan can ask for.
func imagesWorld(c *check) {
	owners := []sharing.AccountID{"me", "other", "Me"}
	var items []any
	for i := range 16 {
		rec := image(sharing.ImageID(fmt.Sprintf("i%02d", i)), owners[i%3])
		if i%4 == 0 {
			rec = fullImage(rec.ID, rec.Owner)
		}
		if i%5 == 4 {
			rec.Region = there
		}
		if i%3 == 1 {
			rec.Name, rec.Family, rec.Labels = "a name", "family", map[string]string{"Key": "value", "more": "yes"}
		}
		if i%7 == 3 {
			rec.State = sharing.ImageDisabled
		}
		items = append(items, rec)
	}
	items = append(items,
		shareStatus("i01", "me", sharing.SharePending), shareStatus("i04", "me", sharing.ShareRejected), share("i05", "me"),
		share("i05", sharing.Organization("o1")), shareUntil("i10", sharing.Organization("o1"), noon.Add(-time.Hour)),
		share("i10", sharing.Organization("o2")), share("i11", sharing.Organization("o3")), share("i05", sharing.Everyone),
		share("i06", sharing.Everyone), share("i02", "other"), share("i08", "Me"), share("i13", sharing.Organization("me")))
	c.write(items...)
	c.write(deleted(image("i03x", "me")), deleted(fullImage("i12", "me")))
}

var imageConditions = []condition[sharing.ImageScan]{
	{"Account", func(s *sharing.ImageScan) { s.Account = "me" }},
	{"Organizations", func(s *sharing.ImageScan) { s.Organizations = []sharing.OrganizationID{"o1", "o2"} }},
	{"Region", func(s *sharing.ImageScan) { s.Query.Region = here }},
	{"Owner", func(s *sharing.ImageScan) { s.Query.Owner = "me" }},
	{"OwnerOther", func(s *sharing.ImageScan) { s.Query.Owner = "other" }},
	{"OwnerCase", func(s *sharing.ImageScan) { s.Query.Owner = "Me" }},
	{"Family", func(s *sharing.ImageScan) { s.Query.Family = "Family" }},
	{"Name", func(s *sharing.ImageScan) { s.Query.Name = "a name" }},
	{"NameWithSpace", func(s *sharing.ImageScan) { s.Query.Name = "a name " }},
	{"Digest", func(s *sharing.ImageScan) { s.Query.Digest = fullImage("", "").Digest }},
	{"Labels", func(s *sharing.ImageScan) { s.Query.Labels = map[string]string{"Key": "value"} }},
	{"LabelsSeveral", func(s *sharing.ImageScan) { s.Query.Labels = map[string]string{"Key": "value", "more": "yes"} }},
	{"LabelsEmptyValue", func(s *sharing.ImageScan) { s.Query.Labels = map[string]string{"empty value": ""} }},
	{"LabelsEmptyKey", func(s *sharing.ImageScan) { s.Query.Labels = map[string]string{"": "empty key"} }},
	{"LabelsAbsentIsNotEmpty", func(s *sharing.ImageScan) { s.Query.Labels = map[string]string{"absent": ""} }},
	{"Source", func(s *sharing.ImageScan) { s.Query.Source = "source-image" }},
	{"OriginOwn", func(s *sharing.ImageScan) { s.Account, s.Query.Origin = "me", sharing.OriginOwn }},
	{"OriginShared", func(s *sharing.ImageScan) { s.Account, s.Query.Origin = "me", sharing.OriginShared }},
	{"OriginPublic", func(s *sharing.ImageScan) { s.Account, s.Query.Origin = "me", sharing.OriginPublic }},
	{"OriginAny", func(s *sharing.ImageScan) {
		s.Account, s.Query.Origin = "me", sharing.OriginOwn|sharing.OriginShared|sharing.OriginPublic
	}},
	{"DeprecatedMeansNothing", func(s *sharing.ImageScan) { s.Query.Deprecated = true }},
}

// testDerived follows lineage over images and tombstones.
func testDerived(t *testing.T, open opener) {
	c := newCheck(t, open)
	var items []any
	for i := range 9 {
		rec := image(sharing.ImageID(fmt.Sprintf("d%d", i)), "me")
		rec.Source.Image = []sharing.ImageID{"src", "Src", "d0"}[i%3]
		if i%2 == 0 {
			rec.Source.Instance = "src"
		}
		items = append(items, rec)
	}
	c.write(append(items, image("src", "me"), image("without-a-source", "me"))...)
	for _, source := range []sharing.ImageID{"src", "Src", "d0", "d1", "unknown"} {
		c.derivedScan("the images whose Source.Image is source, in ascending order of ID", source, "")
		c.derivedScan("only those after the ID after", source, "d3")
		c.derivedScan("only those after the ID after, though none has it", source, "d3x")
	}
	c.write(deleted(fullImage("e", "me")), deleted(image("src", "me")))
	gone := image("d3", "me")
	gone.Source.Image = "src"
	c.write(deleted(gone))
	c.derivedScan("tombstones too, and a source that was deleted itself", "src", "")
	c.derivedScan("tombstones too", "source-image", "")
}
