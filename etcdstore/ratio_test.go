package etcdstore

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/imageshare/sharing"
)

var (
	ratios     = flag.Duration("ratios", 0, "for so long each, measure the store beside the bare client")
	ratiosOnly = flag.String("ratios.only", "", "measure this kind of call only")
)

// A race is one kind of call, made through the engine and by hand: the same keys and values, read and written with the bare client.
type race struct {
	name         string
	engine, bare func(ctx context.Context, caller int) error
}

// TestRatios measures calls through the engine beside the bare client's, in turns, with 1 to 64 callers at once.
func TestRatios(t *testing.T) {
	if *ratios == 0 {
		t.Skip("run it with -ratios 1s")
	}
	for _, r := range races(t) {
		if *ratiosOnly != "" && r.name != *ratiosOnly {
			continue
		}
		for _, callers := range []int{1, 2, 4, 8, 16, 32, 64} {
			var calls [2]int64
			const turns = 40 // short ones, so that what else the machine does hits both alike
			for range turns {
				for i, call := range []func(context.Context, int) error{r.engine, r.bare} {
					calls[i] += made(t, callers, *ratios/turns, call)
				}
			}
			per := ratios.Seconds()
			fmt.Printf("%-28s %2d callers: %7.0f/s, bare %7.0f/s, ratio %.2f\n", r.name, callers,
				float64(calls[0])/per, float64(calls[1])/per, float64(calls[0])/float64(calls[1]))
		}
	}
}

// made makes calls for some time, and returns how many were made.
func made(t *testing.T, callers int, d time.Duration, call func(context.Context, int) error) int64 {
	var n atomic.Int64
	var all sync.WaitGroup
	end := time.Now().Add(d)
	for caller := range callers {
		all.Go(func() {
			for time.Now().Before(end) {
				if err := call(t.Context(), caller); err != nil {
					t.Error(err)
					return
				}
				n.Add(1)
			}
		})
	}
	all.Wait()
	return n.Load()
}

const raceImages = 64

func races(t *testing.T) []race {
	ctx := t.Context()
	s := openAt(t, newPrefix(), server.endpoint)
	e := newEngine(t, s, sharing.WithPolicy(sharing.Policy{MaxShares: -1, MaxImages: -1}))
	images := make([]sharing.ImageID, raceImages)
	for i := range images {
		img, err := e.Register(ctx, "owner", sharing.ImageSpec{Name: "name", Family: "family", Region: "r"})
		if err != nil {
			t.Fatal(err)
		}
		images[i] = img.ID
		for g := range 5 {
			if _, err := e.Share(ctx, "owner", img.ID, sharing.Grantee(fmt.Sprint("g", g))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 100 {
		if _, err := e.Register(ctx, "lister", sharing.ImageSpec{Region: "r"}); err != nil {
			t.Fatal(err)
		}
	}
	b := bare{s, newClient(t, server.endpoint)}
	var n atomic.Int64
	fresh := func() sharing.Grantee { return sharing.Grantee(fmt.Sprint("n", n.Add(1))) }
	launch := func(img sharing.ImageID) func(context.Context, int) error {
		return func(ctx context.Context, caller int) error {
			id := img
			if id == "" {
				id = images[caller]
			}
			_, err := e.Launch(ctx, "g1", sharing.LaunchSpec{Image: id, Region: "r"})
			return err
		}
	}
	return []race{
		{"check",
			func(ctx context.Context, caller int) error { return e.CanUse(ctx, "g1", images[caller], "r") },
			func(ctx context.Context, caller int) error { return b.check(ctx, string(images[caller])) }},
		{"share",
			func(ctx context.Context, caller int) error {
				_, err := e.Share(ctx, "owner", images[caller], fresh())
				return err
			},
			func(ctx context.Context, caller int) error {
				return b.share(ctx, string(images[caller]), string(fresh()))
			}},
		{"launch", launch(""), func(ctx context.Context, caller int) error { return b.launch(ctx, string(images[caller])) }},
		{"launch from one hot image", launch(images[0]), func(ctx context.Context, _ int) error { return b.launch(ctx, string(images[0])) }},
		{"page of 100 images",
			func(ctx context.Context, _ int) error {
				page, _, err := e.ImagesPage(ctx, "lister", sharing.ImageQuery{}, sharing.Page{})
				if err == nil && len(page) != 100 {
					err = fmt.Errorf("%d images", len(page))
				}
				return err
			},
			func(ctx context.Context, _ int) error { return b.page(ctx) }},
		{"page of 100 events",
			func(ctx context.Context, _ int) error {
				_, err := collect(e.Events(ctx, sharing.EventQuery{Limit: 100}))
				return err
			},
			func(ctx context.Context, _ int) error { return b.events(ctx) }},
	}
}

// bare does by hand what the engine's calls do, with values of the same size.
type bare struct {
	s      *Store
	client *clientv3.Client
}

func gets(keys ...string) (ops []clientv3.Op) {
	for _, key := range keys {
		ops = append(ops, clientv3.OpGet(key))
	}
	return ops
}

func (b bare) check(ctx context.Context, img string) error {
	s := b.s
	_, err := b.client.Txn(ctx).Then(gets(s.key(tableTrust, "g1"), s.key(tableImage, img), s.key(tableShare, img, "g1"), s.key(tableShare, img, "*"))...).Commit()
	return err
}

// change reads keys, and writes if the first is as it was; again if it is not.
func (b bare) change(ctx context.Context, reads []string, writes func() []clientv3.Op) error {
	for {
		read, err := b.client.Txn(ctx).Then(gets(reads...)...).Commit()
		if err != nil {
			return err
		}
		var conditions []clientv3.Cmp
		for i, key := range reads {
			conditions = append(conditions, clientv3.Compare(clientv3.ModRevision(key), "=", revisionOf(read.Responses[i].GetResponseRange().Kvs)))
		}
		written, err := b.client.Txn(ctx).If(conditions[:min(4, len(conditions))]...).Then(writes()...).Commit()
		if err != nil || written.Succeeded {
			return err
		}
	}
}

func revisionOf(items []*mvccpb.KeyValue) int64 {
	if len(items) == 0 {
		return 0
	}
	return items[0].ModRevision
}

// record stands for a value of n bytes.
func record(n int) string { return string(make([]byte, n)) }

func (b bare) logged(img, actor string, size int) []clientv3.Op {
	s, at := b.s, place{}
	rand.Read(at.name[:])
	text := at.text()
	return []clientv3.Op{
		clientv3.OpPut("bare"+s.key(tableLog)+text, record(size)), clientv3.OpPut("bare"+s.key(tableEvent, img)+text, ""),
		clientv3.OpPut("bare"+s.key(tableActor, actor)+text, ""), clientv3.OpPut("bare"+s.key(tableOperation, rand.Text())+text, ""),
		clientv3.OpPut("bare"+s.key(tableAbout, img), record(30)),
	}
}

func (b bare) share(ctx context.Context, img, g string) error {
	s := b.s
	return b.change(ctx, []string{"bare" + s.key(tableAbout, img), s.key(tableShare, img, g), s.key(tableImage, img), s.key(tableShare, img, "owner"), s.key(tableShare, img, "*"), s.key(tableExpiring, img), s.key(tableEpoch)},
		func() []clientv3.Op {
			return append(b.logged(img, "owner", 450), clientv3.OpPut("bare"+s.key(tableShare, img, g), record(190)), clientv3.OpPut("bare"+s.key(tableGrantee, g, img), ""))
		})
}

func (b bare) launch(ctx context.Context, img string) error {
	s, id := b.s, rand.Text()
	return b.change(ctx, []string{"bare" + s.key(tableAbout, img), s.key(tableTrust, "g1"), s.key(tableInstance, id), s.key(tableImage, img), s.key(tableShare, img, "g1"), s.key(tableShare, img, "*"), s.key(tableEpoch)},
		func() []clientv3.Op {
			return append(b.logged(img, "g1", 520), clientv3.OpPut("bare"+s.key(tableInstance, id), record(220)), clientv3.OpPut("bare"+s.key(tableHas, "g1", id), ""),
				clientv3.OpPut("bare"+s.key(tableFrom, img, id), ""), clientv3.OpPut("bare"+s.key(tableUses, "g1", img, id), ""), clientv3.OpPut("bare"+s.key(tableUsed, "g1", img), ""))
		})
}

// page reads the keys of 100 images and then what the account has of each.
func (b bare) page(ctx context.Context) error {
	s := b.s
	under := s.key(tableOwner, "lister")
	ids, err := b.client.Txn(ctx).Then(clientv3.OpGet(under, clientv3.WithRange(past(under)), clientv3.WithLimit(101), clientv3.WithKeysOnly()),
		clientv3.OpGet(s.key(tableGrantee, "lister"), clientv3.WithRange(past(s.key(tableGrantee, "lister"))), clientv3.WithLimit(101), clientv3.WithKeysOnly())).Commit()
	if err != nil {
		return err
	}
	var keys []string
	for _, kv := range ids.Responses[0].GetResponseRange().Kvs {
		id := string(kv.Key[len(under) : len(kv.Key)-len(terminator)])
		keys = append(keys, s.key(tableImage, id), s.key(tableShare, id, "lister"), s.key(tableShare, id, "*"))
	}
	return b.read(ctx, keys)
}

func (b bare) read(ctx context.Context, keys []string) error {
	for len(keys) > 0 {
		n := min(len(keys), maxOps)
		if _, err := b.client.Txn(ctx).Then(gets(keys[:n]...)...).Commit(); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

func (b bare) events(ctx context.Context) error {
	log := b.s.key(tableLog)
	found, err := b.client.Get(ctx, log, clientv3.WithRange(past(log)), clientv3.WithLimit(100), clientv3.WithKeysOnly())
	if err != nil {
		return err
	}
	var keys []string
	for _, kv := range found.Kvs {
		keys = append(keys, string(kv.Key))
	}
	return b.read(ctx, keys)
}
