package etcdstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/imageshare/sharing"
)

// TestR20_HiddenImagesTakeNoMoreWork compares what etcd is asked for by an account that does not see the image: it is the same keys as for an
// image that never was, but for the image's ID, and none of them finds all shares.
func TestR20_HiddenImagesTakeNoMoreWork(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	ctx, prefix := t.Context(), newPrefix()
	s, err := open(ctx, interceptingClient(t, func(_ context.Context, req any, invoke func() error) error {
		if txn, ok := req.(*etcdserverpb.TxnRequest); ok {
			mu.Lock()
			for _, op := range txn.Success {
				read := op.GetRequestRange()
				asked = append(asked, fmt.Sprintf("%q to %q, counted only: %v", read.GetKey(), read.GetRangeEnd(), read.GetCountOnly()))
			}
			asked = append(asked, "end of a request")
			mu.Unlock()
		}
		return invoke()
	}), prefix)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.stopSweeper() // whose requests are no call's
	e := newEngine(t, s, sharing.WithPolicy(sharing.Policy{MaxShares: -1}))
	img, err := e.Register(ctx, "owner", sharing.ImageSpec{Region: "r"})
	if err != nil {
		t.Fatal(err)
	}
	var grantees []sharing.Grantee
	for i := range 100 {
		grantees = append(grantees, sharing.Grantee(fmt.Sprint("g", i)))
	}
	if _, err := e.ShareUntil(ctx, "owner", img.ID, time.Now().Add(time.Hour), grantees...); err != nil {
		t.Fatal(err)
	}
	reads := func(call func() error) []string {
		asked = nil
		_ = call()
		return asked
	}
	findsAll := func(asked []string, id sharing.ImageID) bool {
		all := fmt.Sprintf("%q to", s.key(tableShare, string(id)))
		return slices.ContainsFunc(asked, func(key string) bool {
			return strings.HasPrefix(key, all) || strings.Contains(key, tableExpiring+"/") && strings.HasSuffix(key, "counted only: false")
		})
	}
	for name, call := range map[string]func(sharing.AccountID, sharing.ImageID) error{
		"CanUse": func(by sharing.AccountID, id sharing.ImageID) error { return e.CanUse(ctx, by, id, "r") },
		"Share": func(by sharing.AccountID, id sharing.ImageID) error {
			_, err := e.Share(ctx, by, id, grantees...)
			return err
		},
		"SetShares": func(by sharing.AccountID, id sharing.ImageID) error {
			_, err := e.SetShares(ctx, by, id, "x")
			return err
		},
		"Unshare": func(by sharing.AccountID, id sharing.ImageID) error { return e.Unshare(ctx, by, id, grantees...) },
		"Leave":   func(by sharing.AccountID, id sharing.ImageID) error { return e.Leave(ctx, by, id) },
		"Delete":  func(by sharing.AccountID, id sharing.ImageID) error { return e.Delete(ctx, by, id) },
		"DeleteImpact": func(by sharing.AccountID, id sharing.ImageID) error {
			_, err := e.DeleteImpact(ctx, by, id)
			return err
		},
		"UnshareImpact": func(by sharing.AccountID, id sharing.ImageID) error {
			_, err := e.UnshareImpact(ctx, by, id, "x")
			return err
		},
	} {
		unknown := reads(func() error { return call("stranger", "unknown") })
		hidden := reads(func() error { return call("stranger", img.ID) })
		if findsAll(hidden, img.ID) || findsAll(unknown, "unknown") {
			t.Errorf("%s asks for what only the owner may be told", name)
		}
		for i := range hidden {
			hidden[i] = strings.ReplaceAll(hidden[i], string(img.ID), "unknown")
		}
		if !slices.Equal(hidden, unknown) {
			t.Errorf("%s asks for\n%s\nand for what never was for\n%s", name, strings.Join(hidden, "\n"), strings.Join(unknown, "\n"))
		}
	}
	if !findsAll(reads(func() error { _, err := e.DeleteImpact(ctx, "owner", img.ID); return err }), img.ID) {
		t.Error("the owner's shares are not asked for: where are they?")
	}
}
