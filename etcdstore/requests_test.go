package etcdstore

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/imageshare/sharing"
)

// countingClient returns a client that counts its requests, those that were answered: on a busy machine one may have to be made again.
func countingClient(t testing.TB, n *atomic.Int64) *clientv3.Client {
	return interceptingClient(t, func(_ context.Context, _ any, invoke func() error) error {
		err := invoke()
		if err == nil {
			n.Add(1)
		}
		return err
	})
}

// interceptingClient returns a client whose requests go through intercept.
func interceptingClient(t testing.TB, intercept func(ctx context.Context, req any, invoke func() error) error) *clientv3.Client {
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{server.endpoint}, Logger: zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(
			func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				return intercept(ctx, req, func() error { return invoke(ctx, method, req, reply, cc, opts...) })
			})},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// TestRequests counts the requests of every kind of call: a check is one, a change at most two.
func TestRequests(t *testing.T) {
	var n atomic.Int64
	ctx, prefix := t.Context(), newPrefix()
	s, err := open(ctx, countingClient(t, &n), prefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.stopSweeper()                                // whose requests are no call's
	stranger := openAt(t, prefix, server.endpoint) // another process, of which s has no hints
	e, other := newEngine(t, s), newEngine(t, stranger)

	var img, derived, unseen, unseen2, unseen3 sharing.Image
	var inst, foreign sharing.Instance
	var shares []sharing.Grantee
	for i := range 50 {
		shares = append(shares, sharing.Account(sharing.AccountID(fmt.Sprintf("%s-%d", strings.Repeat("g", 120), i))))
	}
	labels := make(map[string]string)
	for i := range 64 {
		labels[fmt.Sprintf("%0128d", i)] = strings.Repeat("v", 256)
	}
	spec := sharing.ImageSpec{Name: "n", Family: "f", Region: "r", Labels: labels}
	launch := func(e *sharing.Engine) (sharing.Instance, error) {
		return e.Launch(ctx, "b", sharing.LaunchSpec{Image: img.ID, Region: "r"})
	}
	for _, step := range []struct {
		name string
		most int64
		call func() error
	}{
		{"Register", 2, func() (err error) { img, err = e.Register(ctx, "a", spec); return }},
		{"Share", 2, func() error { _, err := e.Share(ctx, "a", img.ID, "b"); return err }},
		{"Share with a present grantee", 1, func() error { _, err := e.Share(ctx, "a", img.ID, "b"); return err }},
		{"ShareUntil", 2, func() error {
			_, err := e.ShareUntil(ctx, "a", img.ID, time.Now().Add(time.Hour), "b", "c")
			return err
		}},
		{"CanUse", 1, func() error { return e.CanUse(ctx, "b", img.ID, "r") }},
		{"Launch", 2, func() (err error) { inst, err = launch(e); return }},
		{"Launch under a token", 2, func() (err error) { _, err = launch(e.Once("t")); return }},
		{"Launch under a used token", 2, func() (err error) { _, err = launch(e.Once("t")); return }},
		{"Reinit", 2, func() error { _, err := e.Reinit(ctx, "b", inst.ID); return err }},
		{"ReplaceDisk", 2, func() error { _, err := e.ReplaceDisk(ctx, "b", inst.ID, sharing.DiskSpec{Image: img.ID}); return err }},
		{"Capture", 2, func() (err error) {
			derived, err = e.Capture(ctx, "b", inst.ID, sharing.ImageSpec{Name: "captured"})
			return
		}},
		{"Image", 1, func() error { _, err := e.Image(ctx, "a", img.ID); return err }},
		{"Image with a source", 2, func() error { _, err := e.Image(ctx, "b", derived.ID); return err }},
		{"Terminate", 2, func() error { return e.Terminate(ctx, "b", inst.ID) }},
		{"SetShares to 50", 2, func() error { _, err := e.SetShares(ctx, "a", img.ID, shares...); return err }},
		{"Unshare from 49", 2, func() error { return e.Unshare(ctx, "a", img.ID, shares[1:]...) }},
		{"Accept", 1, func() error { return e.Accept(ctx, sharing.AccountID(shares[0]), img.ID) }},
		{"Leave", 2, func() error { return e.Leave(ctx, sharing.AccountID(shares[0]), img.ID) }},
		{"ShareUntil with 2", 2, func() error {
			_, err := e.ShareUntil(ctx, "a", img.ID, time.Now().Add(time.Hour), "d", "e")
			return err
		}},
		{"Reject of a share that expires", 2, func() error { return e.Reject(ctx, "d", img.ID) }},
		{"Leave of a share that expires", 3, func() error { return e.Leave(ctx, "d", img.ID) }},
		{"Unshare of a share that expires", 2, func() error { return e.Unshare(ctx, "a", img.ID, "e") }},
		{"Seal", 2, func() error { return e.Seal(ctx, "a", img.ID) }},
		{"Deprecate", 2, func() error { return e.Deprecate(ctx, "a", img.ID, sharing.Deprecation{Notice: "old"}) }},
		{"Copy", 2, func() error { _, err := e.Copy(ctx, "a", img.ID, "r2", sharing.ImageSpec{}); return err }},
		{"SetTrust", 2, func() error {
			return e.SetTrust(ctx, "b", sharing.Trust{Owners: []sharing.AccountID{"a"}, Enforce: true})
		}},
		{"Enable", 2, func() error { return e.Enable(ctx, "a", img.ID) }},
		{"ShareAgain", 2, func() error { _, err := e.Share(ctx, "a", img.ID, "b"); return err }},
		{"Elsewhere: launch by another process", 0, func() (err error) { foreign, err = launch(other); return }},
		{"Reinit of an instance never seen: the guess is missing", 3, func() error { _, err := e.Reinit(ctx, "b", foreign.ID); return err }},
		{"Reinit of an instance seen", 2, func() error { _, err := e.Reinit(ctx, "b", foreign.ID); return err }},
		{"Elsewhere: images by another process", 0, func() (err error) {
			if unseen, err = other.Register(ctx, "a", sharing.ImageSpec{Region: "r"}); err == nil {
				unseen2, err = other.Register(ctx, "a", sharing.ImageSpec{Region: "r"})
			}
			if err == nil {
				unseen3, err = other.Register(ctx, "a", sharing.ImageSpec{Region: "r"})
			}
			if err == nil {
				_, err = other.ShareUntil(ctx, "a", unseen3.ID, time.Now().Add(time.Hour), "d")
			}
			return err
		}},
		{"Share of an image never seen, of which no share expires", 2, func() error { _, err := e.Share(ctx, "a", unseen.ID, "b"); return err }},
		{"Share of an image seen", 2, func() error { _, err := e.Share(ctx, "a", unseen.ID, "c"); return err }},
		{"Share of an image never seen, of which one does", 3, func() error { _, err := e.Share(ctx, "a", unseen3.ID, "b"); return err }},
		{"Share of that image, seen", 2, func() error { _, err := e.Share(ctx, "a", unseen3.ID, "c"); return err }},
		{"SetShares of an image never seen: the guess is missing", 3, func() error { _, err := e.SetShares(ctx, "a", unseen2.ID, "b"); return err }},
		{"SetShares of an image seen", 2, func() error { _, err := e.SetShares(ctx, "a", unseen2.ID, "c"); return err }},
		{"Unshare", 2, func() error { return e.Unshare(ctx, "a", img.ID, "b") }},
		{"Delete", 2, func() error { return e.Delete(ctx, "b", derived.ID) }},
	} {
		n.Store(0)
		if err := step.call(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := n.Load(); got > step.most {
			t.Errorf("%s took %d requests, not %d", step.name, got, step.most)
		}
	}
}

// TestRequests_AtOnce lets the requests for the records of a page wait until all three are under way.
func TestRequests_AtOnce(t *testing.T) {
	const page, requests = 100, 3
	prefix := newPrefix()
	direct := newEngine(t, openAt(t, prefix, server.endpoint), sharing.WithPolicy(sharing.Policy{MaxImages: -1}))
	for range page {
		if _, err := direct.Register(t.Context(), "a", sharing.ImageSpec{Region: "r"}); err != nil {
			t.Fatal(err)
		}
	}
	var under atomic.Int64 // way
	all := make(chan struct{})
	met := sync.OnceFunc(func() { close(all) })
	s, err := open(t.Context(), interceptingClient(t, func(ctx context.Context, req any, invoke func() error) error {
		if txn, ok := req.(*etcdserverpb.TxnRequest); ok && len(txn.Success) > 2 {
			defer under.Add(-1)
			if under.Add(1) == requests {
				met()
			}
			select {
			case <-all:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return invoke()
	}), prefix)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	images, _, err := newEngine(t, s).ImagesPage(t.Context(), "a", sharing.ImageQuery{}, sharing.Page{Limit: page})
	if err != nil || len(images) != page {
		t.Errorf("%d images, error %v", len(images), err)
	}
}

func newEngine(t testing.TB, s sharing.Store, opts ...sharing.Option) *sharing.Engine {
	e, err := sharing.New(s, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
