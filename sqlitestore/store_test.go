package sqlitestore_test

import (
	"flag"
	"path/filepath"
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
