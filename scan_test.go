package sharing_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imageshare/sharing"
)

// A wiping store hands out what its scans find in memory that it wipes afterwards, as the contract lets it. If fail is
// not nil, its scans then fail.
type wiping struct {
	sharing.Store
	fail error
}

func (s wiping) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	return s.Store.View(ctx, func(tx sharing.ViewTx) error { return fn(wipingTx{tx, s.fail}) })
}

type wipingTx struct {
	sharing.ViewTx
	fail error
}

func (tx wipingTx) Images(scan sharing.ImageScan, each func(*sharing.Access)) error {
	var rec sharing.ImageRecord
	return errors.Join(tx.ViewTx.Images(scan, func(a *sharing.Access) {
		rec = *a.Image
		found := *a
		found.Image = &rec
		each(&found)
		rec, found = sharing.ImageRecord{}, sharing.Access{}
	}), tx.fail)
}

func (tx wipingTx) Shares(scan sharing.ShareScan, each func(*sharing.SharedImage)) error {
	var rec sharing.ImageRecord
	return errors.Join(tx.ViewTx.Shares(scan, func(s *sharing.SharedImage) {
		rec = *s.Record
		found := sharing.SharedImage{Share: s.Share, Record: &rec}
		each(&found)
		rec, found = sharing.ImageRecord{}, sharing.SharedImage{}
	}), tx.fail)
}

func (tx wipingTx) Instances(scan sharing.InstanceScan, each func(*sharing.InstanceRecord)) error {
	return errors.Join(tx.ViewTx.Instances(scan, func(rec *sharing.InstanceRecord) {
		found := *rec
		each(&found)
		found = sharing.InstanceRecord{}
	}), tx.fail)
}

// What a scan hands out is valid only for a moment, and a scan that fails found nothing (R27).
func TestR27_Scans(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for range 40 { // more than an answer has room for at first
		img := w.image("owner")
		w.share("owner", img, "a", "b")
		w.launch("a", img)
		w.launch("a", img)
	}
	family, err := w.Register(ctx, "owner", sharing.ImageSpec{Region: "r1", Family: "web"})
	want(t, err, nil)
	w.share("owner", family.ID, "a")
	w.launch("a", family.ID)
	_, err = w.Copy(ctx, "owner", family.ID, "r2", sharing.ImageSpec{Labels: map[string]string{"k": "v"}})
	want(t, err, nil)

	answers := map[string]func(*sharing.Engine, sharing.Page) (items any, n int, next string, err error){
		"Images": func(e *sharing.Engine, p sharing.Page) (any, int, string, error) {
			items, next, err := e.ImagesPage(ctx, "owner", sharing.ImageQuery{}, p)
			return items, len(items), next, err
		},
		"Shares": func(e *sharing.Engine, p sharing.Page) (any, int, string, error) {
			items, next, err := e.SharesPage(ctx, "owner", family.ID, p)
			return items, len(items), next, err
		},
		"SharesReceived": func(e *sharing.Engine, p sharing.Page) (any, int, string, error) {
			items, next, err := e.SharesReceivedPage(ctx, "a", sharing.ShareQuery{}, p)
			return items, len(items), next, err
		},
		"SharesGiven": func(e *sharing.Engine, p sharing.Page) (any, int, string, error) {
			items, next, err := e.SharesGivenPage(ctx, "owner", sharing.ShareQuery{}, p)
			return items, len(items), next, err
		},
		"Instances": func(e *sharing.Engine, p sharing.Page) (any, int, string, error) {
			items, next, err := e.InstancesPage(ctx, "a", sharing.InstanceQuery{}, p)
			return items, len(items), next, err
		},
		"Latest": func(e *sharing.Engine, _ sharing.Page) (any, int, string, error) {
			img, err := e.Latest(ctx, "a", sharing.LatestQuery{Owner: "owner", Family: "web", Region: "r1"})
			return img, len(img.ID), "", err
		},
		"DeleteImpact": func(e *sharing.Engine, _ sharing.Page) (any, int, string, error) {
			impact, err := e.DeleteImpact(ctx, "owner", family.ID)
			return impact.Instances, len(impact.Instances), "", err
		},
	}
	engineOn := func(store sharing.Store) *sharing.Engine {
		e, err := sharing.New(store)
		want(t, err, nil)
		return e
	}
	broken := errors.New("broken")
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			for _, p := range []sharing.Page{{}, {Limit: 1}, {Limit: 17}, {Limit: 1000}} {
				for more := true; more; {
					items, n, next, err := answer(engineOn(w.store), p)
					want(t, err, nil)
					got, _, gotNext, err := answer(engineOn(wiping{w.store, nil}), p)
					want(t, err, nil)
					if diff := cmp.Diff(items, got); n == 0 || diff != "" || next != gotNext {
						t.Fatalf("%d items of %+v, next %q and %q, or others:\n%s", n, p, next, gotNext, diff)
					}
					_, n, next, err = answer(engineOn(wiping{w.store, broken}), p)
					if want(t, err, broken); n != 0 || next != "" {
						t.Errorf("%d items beside an error, next %q", n, next)
					}
					p.Cursor, more = gotNext, gotNext != ""
				}
			}
		})
	}
}
