package pgstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/imageshare/sharing"
)

// TestPlans lets the server explain every statement that it runs for checks, changes and listings: none reads a table from end to end,
// neither with the plan for its arguments nor with the one for any, which the server takes after some calls.
func TestPlans(t *testing.T) {
	b := newBed(t, "fsync=off", "shared_preload_libraries=auto_explain", "auto_explain.log_min_duration=0", "max_parallel_workers_per_gather=0")
	database := b.database(t)
	b.fill(t, database, 20_000)
	store := b.open(t, database)
	engine := newEngine(t, store)
	ctx := context.Background()
	const img, owner, grantee, region = "image-00010000", "owner-00001000", "grantee-00010002", "here"
	page := sharing.Page{Limit: 100}
	view := func(read func(tx sharing.ViewTx) error) func(int) error {
		return func(int) error { return store.View(ctx, read) }
	}
	for _, call := range []struct {
		name string
		make func(i int) error
	}{
		{"CanUse", func(int) error { return engine.CanUse(ctx, grantee, img, region) }},
		{"Image", func(int) error { _, err := engine.Image(ctx, grantee, img); return err }},
		{"Register", func(int) error { _, err := engine.Register(ctx, owner, sharing.ImageSpec{Region: region}); return err }},
		{"Share", func(i int) error {
			_, err := engine.Share(ctx, owner, img, sharing.Grantee(fmt.Sprint("new", i)))
			return err
		}},
		{"SetShares", func(i int) error {
			_, err := engine.SetShares(ctx, owner, img, grantee, sharing.Grantee(fmt.Sprint("newer", i)))
			return err
		}},
		{"Launch, Reinit, Capture, Terminate", func(i int) error {
			inst, err := engine.Launch(ctx, grantee, sharing.LaunchSpec{Image: img, Region: region})
			if err == nil {
				_, err = engine.Reinit(ctx, grantee, inst.ID)
			}
			if err == nil {
				_, err = engine.Capture(ctx, grantee, inst.ID, sharing.ImageSpec{})
			}
			if err == nil {
				err = engine.Terminate(ctx, grantee, inst.ID)
			}
			return err
		}},
		{"Delete", func(i int) error {
			made, err := engine.Register(ctx, owner, sharing.ImageSpec{Region: region})
			if err == nil {
				err = engine.Delete(ctx, owner, made.ID)
			}
			return err
		}},
		{"SetTrust", func(i int) error {
			return engine.SetTrust(ctx, grantee, sharing.Trust{Owners: []sharing.AccountID{owner, sharing.AccountID(fmt.Sprint("o", i))}})
		}},
		{"Images", func(int) error { _, _, err := engine.ImagesPage(ctx, grantee, sharing.ImageQuery{}, page); return err }},
		{"Images, all conditions", func(int) error {
			_, _, err := engine.ImagesPage(ctx, grantee, sharing.ImageQuery{
				Owner: owner, Region: region, Family: "family", Name: "an image", Labels: map[string]string{"number": "10000"},
				Origin: sharing.OriginOwn | sharing.OriginShared | sharing.OriginPublic}, page)
			return err
		}},
		{"Latest", func(int) error {
			_, err := engine.Latest(ctx, grantee, sharing.LatestQuery{Owner: owner, Family: "family", Region: region})
			return err
		}},
		{"Derived", view(func(tx sharing.ViewTx) error {
			_, err := tx.Derived("image-00000000", "image-00000500", 100)
			return err
		})},
		{"Shares", func(int) error { _, _, err := engine.SharesPage(ctx, owner, img, page); return err }},
		{"SharesReceived", func(int) error {
			_, _, err := engine.SharesReceivedPage(ctx, grantee, sharing.ShareQuery{}, page)
			return err
		}},
		{"SharesGiven", func(int) error {
			_, _, err := engine.SharesGivenPage(ctx, owner, sharing.ShareQuery{}, page)
			return err
		}},
		{"SharesGiven to one", func(int) error {
			_, _, err := engine.SharesGivenPage(ctx, owner, sharing.ShareQuery{Grantee: grantee}, page)
			return err
		}},
		{"Shares after one", view(func(tx sharing.ViewTx) error {
			return tx.Shares(sharing.ShareScan{Owner: owner, After: sharing.ShareKey{Image: img, Grantee: grantee}, Limit: 100}, func(*sharing.SharedImage) {})
		})},
		{"Instances", func(int) error {
			_, _, err := engine.InstancesPage(ctx, "grantee-00000200", sharing.InstanceQuery{}, page)
			return err
		}},
		{"Instances of an image", func(int) error {
			_, _, err := engine.InstancesPage(ctx, "grantee-00000200", sharing.InstanceQuery{Image: img}, page)
			return err
		}},
		{"Instances of all", view(func(tx sharing.ViewTx) error {
			return tx.Instances(sharing.InstanceScan{Query: sharing.InstanceQuery{Image: img}, Limit: 100}, func(*sharing.InstanceRecord) {})
		})},
		{"Events", func(int) error { return first(engine, sharing.EventQuery{Limit: 100}) }},
		{"Events of an image", func(int) error { return first(engine, sharing.EventQuery{Image: img, Limit: 100}) }},
		{"Events of an actor", func(int) error { return first(engine, sharing.EventQuery{Actor: owner, Limit: 100}) }},
		{"Exposure", func(int) error { _, err := engine.Exposure(ctx, owner, img); return err }},
		{"UnshareImpact", func(int) error { _, err := engine.UnshareImpact(ctx, owner, img, grantee); return err }},
		{"Operation", view(func(tx sharing.ViewTx) error { _, err := tx.Load(sharing.Need{Operation: "op77"}); return err })},
	} {
		t.Run(call.name, func(t *testing.T) {
			before := len(b.Log(t))
			for i := range 8 {
				if err := call.make(i); err != nil {
					t.Fatal(err)
				}
			}
			explained := strings.ReplaceAll(b.Log(t)[before:], "Seq Scan on gate", "") // which is always empty
			if !strings.Contains(explained, "Query Text") {
				t.Fatal("the server explained nothing")
			}
			if at := strings.Index(explained, "Seq Scan on "); at >= 0 {
				begin := strings.LastIndex(explained[:at], "Query Text")
				t.Errorf("a table is read from end to end:\n%s", explained[begin:min(at+300, len(explained))])
			}
		})
	}
}

// first reads the first events that q selects.
func first(e *sharing.Engine, q sharing.EventQuery) error {
	for _, err := range e.Events(context.Background(), q) {
		if err != nil {
			return err
		}
	}
	return nil
}
