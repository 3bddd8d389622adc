package pgstore_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/pgtest"
	"github.com/imageshare/sharing/pgstore"
)

// TestRoundTrips counts the requests of each call, once its statements are prepared: a check is one, a change at most two.
func TestRoundTrips(t *testing.T) {
	b := sharedBed(t)
	proxy := pgtest.NewProxy(t, b.Server)
	ctx := context.Background()
	store, err := pgstore.Open(ctx, proxy.DSN(b.database(t))+" pool_max_conns=2")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	engine := newEngine(t, store)
	const owner, grantee, region = "owner", "grantee", "here"

	register := func() sharing.ImageID {
		img, err := engine.Register(ctx, owner, sharing.ImageSpec{Name: "image", Region: region})
		if err != nil {
			t.Fatal(err)
		}
		return img.ID
	}
	launch := func(actor sharing.AccountID, img sharing.ImageID) sharing.InstanceID {
		inst, err := engine.Launch(ctx, actor, sharing.LaunchSpec{Image: img, Region: region})
		if err != nil {
			t.Fatal(err)
		}
		return inst.ID
	}
	var img, other sharing.ImageID
	var mine, own sharing.InstanceID
	for _, call := range []struct {
		name string
		most int
		make func() error
	}{
		{"CanUse", 1, func() error { return engine.CanUse(ctx, grantee, img, region) }},
		{"Image", 1, func() error { _, err := engine.Image(ctx, grantee, img); return err }},
		{"ImagesPage", 1, func() error {
			_, _, err := engine.ImagesPage(ctx, owner, sharing.ImageQuery{}, sharing.Page{})
			return err
		}},
		{"InstancesPage", 1, func() error {
			_, _, err := engine.InstancesPage(ctx, grantee, sharing.InstanceQuery{}, sharing.Page{})
			return err
		}},
		{"SharesGivenPage", 1, func() error {
			_, _, err := engine.SharesGivenPage(ctx, owner, sharing.ShareQuery{}, sharing.Page{})
			return err
		}},
		{"Events", 1, func() error {
			for _, err := range engine.Events(ctx, sharing.EventQuery{Limit: 10}) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"Register", 2, func() error { register(); return nil }},
		{"Once", 2, func() error {
			_, err := engine.Once(fmt.Sprint(time.Now().UnixNano())).Register(ctx, owner, sharing.ImageSpec{Region: region})
			return err
		}},
		{"Share", 2, func() error { _, err := engine.Share(ctx, owner, img, "one", "two"); return err }},
		{"SetShares", 2, func() error { _, err := engine.SetShares(ctx, owner, img, "three"); return err }},
		{"Unshare", 2, func() error { return engine.Unshare(ctx, owner, img, grantee) }},
		{"Leave", 2, func() error { return engine.Leave(ctx, grantee, img) }},
		{"Launch", 2, func() error { launch(grantee, img); return nil }},
		{"ReplaceDisk", 2, func() error {
			_, err := engine.ReplaceDisk(ctx, grantee, mine, sharing.DiskSpec{Image: img})
			return err
		}},
		{"Reinit", 2, func() error { _, err := engine.Reinit(ctx, grantee, mine); return err }},
		{"Terminate", 2, func() error { return engine.Terminate(ctx, grantee, mine) }},
		{"Capture", 2, func() error { _, err := engine.Capture(ctx, grantee, mine, sharing.ImageSpec{}); return err }},
		{"Capture of its own", 2, func() error { _, err := engine.Capture(ctx, owner, own, sharing.ImageSpec{}); return err }},
		{"Copy", 2, func() error { _, err := engine.Copy(ctx, owner, img, "there", sharing.ImageSpec{}); return err }},
		{"Update", 2, func() error {
			name := fmt.Sprint("name", time.Now().UnixNano())
			_, err := engine.Update(ctx, owner, img, sharing.ImageUpdate{Name: &name})
			return err
		}},
		{"Deprecate", 2, func() error { return engine.Deprecate(ctx, owner, img, sharing.Deprecation{Replacement: other}) }},
		{"Disable", 2, func() error { return engine.Disable(ctx, owner, img) }},
		{"Protect", 2, func() error { return engine.Protect(ctx, owner, img) }},
		{"Delete", 2, func() error { return engine.Delete(ctx, owner, other) }},
		{"ForceDelete", 2, func() error { return engine.ForceDelete(ctx, owner, img) }},
		{"SetTrust", 2, func() error {
			return engine.SetTrust(ctx, grantee, sharing.Trust{Owners: []sharing.AccountID{owner, sharing.AccountID(fmt.Sprint(time.Now().UnixNano()))}})
		}},
		{"a refused Share", 2, func() error {
			if _, err := engine.Share(ctx, grantee, img, "x"); err == nil {
				return fmt.Errorf("a grantee shared")
			}
			return nil
		}},
	} {
		t.Run(call.name, func(t *testing.T) {
			least := math.MaxInt
			for range 3 { // the first prepares statements; a connection that was idle for a second is looked after before it is used
				img, other = register(), register()
				if _, err := engine.Share(ctx, owner, img, grantee); err != nil {
					t.Fatal(err)
				}
				mine, own = launch(grantee, img), launch(owner, img)
				proxy.Trips()
				if err := call.make(); err != nil {
					t.Fatal(err)
				}
				least = min(least, proxy.Trips())
			}
			if least > call.most {
				t.Errorf("%d round trips, not at most %d", least, call.most)
			}
		})
	}
}

func newEngine(tb testing.TB, store sharing.Store) *sharing.Engine {
	engine, err := sharing.New(store, sharing.WithPolicy(sharing.Policy{MaxImages: 1 << 30, MaxShares: 1 << 30}))
	if err != nil {
		tb.Fatal(err)
	}
	return engine
}
