package sqlitestore

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/imageshare/sharing"
)

// TestR20_HiddenImagesTakeNoMoreWork counts the steps of SQLite's machine that each call of an account takes which does not see the image: with
// 5,000 shares as many as with few, and hardly more than for an image that never was.
func TestR20_HiddenImagesTakeNoMoreWork(t *testing.T) {
	store, err := Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	engine, err := sharing.New(store, sharing.WithPolicy(sharing.Policy{MaxShares: 1 << 20}), sharing.WithDirectory(everywhere{}))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	share := func(n int) sharing.ImageID {
		img, err := engine.Register(ctx, "owner", sharing.ImageSpec{Region: "r"})
		if err != nil {
			t.Fatal(err)
		}
		var grantees []sharing.Grantee
		for i := range n {
			grantees = append(grantees, sharing.Grantee(fmt.Sprint("g", i)))
		}
		if _, err := engine.ShareUntil(ctx, "owner", img.ID, time.Now().Add(time.Hour), grantees...); err != nil {
			t.Fatal(err)
		}
		return img.ID
	}
	few, many := share(2), share(5000)
	some := []sharing.Grantee{"g0", "g1", "x", "y"}
	for name, call := range map[string]func(sharing.ImageID) error{
		"CanUse":       func(id sharing.ImageID) error { return engine.CanUse(ctx, "stranger", id, "r") },
		"Share":        func(id sharing.ImageID) error { _, err := engine.Share(ctx, "stranger", id, some...); return err },
		"SetShares":    func(id sharing.ImageID) error { _, err := engine.SetShares(ctx, "stranger", id, some...); return err },
		"Unshare":      func(id sharing.ImageID) error { return engine.Unshare(ctx, "stranger", id, some...) },
		"Leave":        func(id sharing.ImageID) error { return engine.Leave(ctx, "stranger", id) },
		"Delete":       func(id sharing.ImageID) error { return engine.Delete(ctx, "stranger", id) },
		"DeleteImpact": func(id sharing.ImageID) error { _, err := engine.DeleteImpact(ctx, "stranger", id); return err },
		"UnshareImpact": func(id sharing.ImageID) error {
			_, err := engine.UnshareImpact(ctx, "stranger", id, some...)
			return err
		},
	} {
		work := func(id sharing.ImageID) int {
			for range 2 { // the first prepares the statements
				store.steps()
				if call(id) == nil {
					t.Errorf("%s succeeded for a stranger", name)
				}
			}
			return store.steps()
		}
		unknown, withFew, withMany := work("unknown"), work(few), work(many)
		if withMany > withFew+5 || withMany > unknown+150 {
			t.Errorf("%s takes %d steps for an image that never was, %d for a hidden one with few shares, %d with many", name, unknown, withFew, withMany)
		}
	}
	store.steps()
	if _, err := engine.DeleteImpact(ctx, "owner", many); err != nil {
		t.Fatal(err)
	}
	if n := store.steps(); n < 5000 {
		t.Errorf("for the owner it takes %d steps: do they tell?", n)
	}
}

// everywhere is a directory in which everybody is in some organisations.
type everywhere struct{}

func (everywhere) Organizations(context.Context, sharing.AccountID) (ids []sharing.OrganizationID, err error) {
	for i := range 50 {
		ids = append(ids, sharing.OrganizationID(fmt.Sprint("o", i)))
	}
	return ids, nil
}

// steps returns how many steps all statements took since it was called last.
func (s *Store) steps() (n int) {
	for _, p := range []*pool{s.writer, s.readers} {
		for _, c := range p.idle { // nobody else uses the store
			for _, statement := range c.statements {
				for _, q := range statement.idle {
					n += q.Status(sqlite3.STMTSTATUS_VM_STEP, true)
				}
			}
		}
	}
	return n
}
