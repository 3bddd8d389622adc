package pgstore_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/imageshare/sharing"
)

// TestSizes logs what a share, an instance and their events take on disk, indexes included.
func TestSizes(t *testing.T) {
	b := sharedBed(t)
	database := b.database(t)
	engine := newEngine(t, b.open(t, database))
	ctx := t.Context()
	size := func(table string) int {
		b.SQL(t, database, "VACUUM "+table)
		n, err := strconv.Atoi(b.SQL(t, database, fmt.Sprintf("SELECT pg_total_relation_size('%s')", table)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const images, each = 500, 2
	grow := func(table string, n int, do func()) {
		before, log := size(table), size("sharing.events")
		do()
		t.Logf("%s: %d bytes a row, and %d bytes an event", table, (size(table)-before)/n, (size("sharing.events")-log)/n)
	}
	var made []sharing.ImageID
	grow("sharing.images", images, func() {
		for range images {
			img, err := engine.Register(ctx, "account-000000", sharing.ImageSpec{Name: "web server", Region: "eu-1", Architecture: "x86_64"})
			if err != nil {
				t.Fatal(err)
			}
			made = append(made, img.ID)
		}
	})
	grow("sharing.shares", images*each, func() {
		for i := range images * each {
			if _, err := engine.Share(ctx, "account-000000", made[i%images], sharing.Grantee(fmt.Sprintf("account-%06d", i+1))); err != nil {
				t.Fatal(err)
			}
		}
	})
	grow("sharing.instances", images*each, func() {
		for i := range images * each {
			if _, err := engine.Launch(ctx, sharing.AccountID(fmt.Sprintf("account-%06d", i+1)), sharing.LaunchSpec{Image: made[i%images], Region: "eu-1"}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
