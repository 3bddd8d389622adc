package sqlitestore_test

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/sqlitestore"
	"github.com/imageshare/sharing/storetest"
)

func openStore(t testing.TB, path string) *sqlitestore.Store {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "store.db") }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) sharing.Store { return openStore(t, newFile(t)) })
}

func TestStoreShared(t *testing.T) {
	storetest.RunShared(t, func(t *testing.T) (a, b sharing.Store) {
		path := newFile(t)
		return openStore(t, path), openStore(t, path)
	})
}

var large = flag.Bool("large", false, "test images with 100,000 shares too")

func TestStoreLarge(t *testing.T) {
	if !*large {
		t.Skip("it takes a minute: ask for it by -large")
	}
	storetest.RunLarge(t, func(t *testing.T) sharing.Store { return openStore(t, newFile(t)) })
}

// An account in very many organizations sees what is shared with any of them, once each and in order.
func TestR19_ManyOrganizations(t *testing.T) {
	ctx, store := t.Context(), openStore(t, newFile(t))
	many := make(directory, 40_000)
	for i := range many {
		many[i] = sharing.OrganizationID(fmt.Sprint("o", i))
	}
	e, err := sharing.New(store, sharing.WithDirectory(many))
	if err != nil {
		t.Fatal(err)
	}
	var want []sharing.ImageID
	for i := range 5 {
		img, err := e.Register(ctx, "owner", sharing.ImageSpec{Region: "r"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Share(ctx, "owner", img.ID, sharing.Organization(many[i]), sharing.Organization(many[len(many)-1-i]), "org:other"); err != nil {
			t.Fatal(err)
		}
		want = append(want, img.ID)
	}
	slices.Sort(want)
	var got []sharing.ImageID
	for img, err := range e.Images(ctx, "member", sharing.ImageQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, img.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the images %v are seen, want %v", got, want)
	}
}

// A directory has every account in the same organizations.
type directory []sharing.OrganizationID

func (d directory) Organizations(context.Context, sharing.AccountID) ([]sharing.OrganizationID, error) {
	return d, nil
}
