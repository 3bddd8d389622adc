package sqlitestore

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// TestPlans_NoTableIsScanned lets the store read and write in every way that the engine does, and asks SQLite for the plan of each
// statement that was prepared: each finds its rows, in their order, by an index.
func TestPlans_NoTableIsScanned(t *testing.T) {
	store, err := Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Update(t.Context(), func(tx sharing.UpdateTx) error { return writeAll(tx) }); err != nil {
		t.Fatal(err)
	}
	if err := store.View(t.Context(), func(tx sharing.ViewTx) error { return readAll(tx) }); err != nil {
		t.Fatal(err)
	}
	plans := 0
	for _, p := range []*pool{store.writer, store.readers} {
		c, err := p.take(context.Background())
		if err != nil || c == nil {
			t.Fatal("no connection was used: ", err)
		}
		for _, sql := range slices.Sorted(maps.Keys(c.statements)) {
			plans++
			q := c.query("EXPLAIN QUERY PLAN " + sql)
			for q.next() {
				if step := q.ColumnText(3); scans(sql, step) {
					t.Errorf("%s\n\tneeds more than an index: %s", sql, step)
				}
			}
			if err := q.close(); err != nil {
				t.Fatal(err)
			}
		}
		p.put(c)
	}
	if plans < 100 {
		t.Errorf("%d statements are too few: which are missing?", plans)
	}
}

// scans reports whether a step of a plan reads a whole table, or sorts.
func scans(sql, step string) bool {
	for _, small := range []string{"FROM leftovers LIMIT 1", "FROM database", "INTO database", "FROM sqlite_schema"} {
		if strings.Contains(sql, small) {
			return false // the first row is enough, or there are but few
		}
	}
	return strings.HasPrefix(step, "SCAN") && step != "SCAN CONSTANT ROW" || strings.Contains(step, "TEMP B-TREE")
}

func writeAll(tx sharing.UpdateTx) error {
	image := sharing.ImageRecord{Image: sharing.Image{ID: "img", Owner: "me", Region: "eu"}}
	deleted := image
	deleted.ID, deleted.DeletedAt = "gone", time.Unix(1, 0)
	instance := sharing.InstanceRecord{Instance: sharing.Instance{ID: "vm", Owner: "me", Region: "eu", Image: "img"}}
	share := sharing.Share{Image: "img", Grantee: "you"}
	for _, err := range []error{
		tx.PutShares([]sharing.Share{share, {Image: "gone", Grantee: "you"}}),
		tx.PutImage(image), tx.PutImage(deleted), tx.PutImage(deleted), tx.PutInstance(instance),
		tx.DeleteShares("img", []sharing.Grantee{"x"}),
		tx.PutTrust("me", sharing.Trust{Enforce: true}), tx.PutTrust("you", sharing.Trust{}),
		tx.Append([]sharing.Event{{Operation: "op", Actor: "me", Image: "img", Sequence: 1}}),
	} {
		if err != nil {
			return err
		}
	}
	return readAll(tx)
}

func readAll(tx sharing.ViewTx) error {
	organizations := []sharing.OrganizationID{"o", "p"}
	if _, _, err := tx.Access("me", organizations, "img"); err != nil {
		return err
	}
	for _, need := range []sharing.Need{
		{Operation: "op", Account: "me", Organizations: organizations, Trust: true, Instance: "vm", Image: "img", Images: []sharing.ImageID{"img"},
			Instances: []sharing.InstanceID{"vm"}, Grantees: []sharing.Grantee{"you"}, PresentAt: time.Unix(1, 0), ImagesIn: "eu",
			OwnInstances: true, NewImage: "new", NewInstance: "new"},
		{Account: "me", Image: "img", AllShares: true, PresentAt: time.Unix(1, 0)},
	} {
		if _, err := tx.Load(need); err != nil {
			return err
		}
	}
	if err := readImages(tx, organizations); err != nil {
		return err
	}
	if _, err := tx.Derived("img", "", 10); err != nil {
		return err
	}
	for _, scan := range []sharing.ShareScan{{Image: "img"}, {Owner: "me"}, {Grantee: "you"}, {Grantee: sharing.Everyone}, {Image: "img", Owner: "me"},
		{Image: "img", Grantee: "you"}, {Owner: "me", Grantee: "you"}, {Owner: "me", Grantee: sharing.Everyone}} {
		for _, scan.After = range []sharing.ShareKey{{}, {Image: "a", Grantee: "b"}} {
			scan.Limit = 10
			if err := tx.Shares(scan, func(*sharing.SharedImage) {}); err != nil {
				return err
			}
		}
	}
	for _, scan := range []sharing.InstanceScan{{Owner: "me"}, {Owner: "me", Query: sharing.InstanceQuery{Image: "img", Region: "eu"}},
		{Owner: "me", Query: sharing.InstanceQuery{Region: "eu"}}, {Query: sharing.InstanceQuery{Image: "img"}}} {
		scan.Limit = 10
		if err := tx.Instances(scan, func(*sharing.InstanceRecord) {}); err != nil {
			return err
		}
	}
	for _, q := range []sharing.EventQuery{{}, {Image: "img"}, {Actor: "me"}, {Image: "img", Actor: "me"}} {
		q.Limit = 10
		if _, err := tx.Events(q); err != nil {
			return err
		}
	}
	return nil
}

// readImages scans with every combination of filters.
func readImages(tx sharing.ViewTx, organizations []sharing.OrganizationID) error {
	for bits := range 1 << 6 {
		for origin := sharing.OriginOwn; origin <= sharing.OriginOwn|sharing.OriginShared|sharing.OriginPublic; origin++ {
			scan := sharing.ImageScan{Account: "me", Organizations: organizations, Limit: 10, Query: sharing.ImageQuery{Origin: origin}}
			for i, set := range []func(q *sharing.ImageQuery){
				func(q *sharing.ImageQuery) { q.Owner = "you" },
				func(q *sharing.ImageQuery) { q.Region = "eu" },
				func(q *sharing.ImageQuery) { q.Family = "family" },
				func(q *sharing.ImageQuery) { q.Name = "name" },
				func(q *sharing.ImageQuery) { q.Digest = "digest" },
				func(q *sharing.ImageQuery) { q.Source = "source" },
			} {
				if bits>>i&1 != 0 {
					set(&scan.Query)
				}
			}
			if err := tx.Images(scan, func(*sharing.Access) {}); err != nil {
				return err
			}
		}
	}
	return nil
}
