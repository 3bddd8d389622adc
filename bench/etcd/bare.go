package etcd

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/etcdstore"
)

// bare makes the requests of the library's calls by hand, as somebody would who writes one program for these
// calls alone: as many, of the same keys, with the same comparisons and values as long. It reads what the
// library stored; what it writes is under a prefix of its own. It looks at no value, and judges nothing.
type bare struct{ client *clientv3.Client }

const (
	terminator = "\x00\x01"
	beyond     = "\x00\x02" // after all keys that begin with a terminated part
	own        = "bare/"
	// maxOps is how many operations etcd takes in a request.
	maxOps = 128
)

// key returns a key as etcdstore lays it out: a table and parts.
func key(prefix, table string, parts ...string) string {
	return prefix + table + "/" + strings.Join(parts, terminator) + terminator
}

func stored(table string, parts ...string) string { return key(etcdstore.Prefix, table, parts...) }

// read makes a request that reads, and returns what was found, one answer a key.
func (b bare) read(ctx context.Context, ops ...clientv3.Op) ([]*etcdserverpb.ResponseOp, error) {
	response, err := b.ask(ctx, nil, ops)
	if err != nil {
		return nil, err
	}
	return response.Responses, nil
}

// ask makes a request, with a deadline, and to a member that has a leader.
func (b bare) ask(ctx context.Context, conditions []clientv3.Cmp, ops []clientv3.Op) (*clientv3.TxnResponse, error) {
	ctx, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), 2*time.Second)
	defer cancel()
	return b.client.Txn(ctx).If(conditions...).Then(ops...).Commit()
}

func gets(keys ...string) []clientv3.Op {
	ops := make([]clientv3.Op, len(keys))
	for i, key := range keys {
		ops[i] = clientv3.OpGet(key)
	}
	return ops
}

func items(r *etcdserverpb.ResponseOp) []*mvccpb.KeyValue { return r.GetResponseRange().Kvs }

func (b bare) check(ctx context.Context, q world.Question) error {
	image, account := string(q.Image), string(q.Account)
	found, err := b.read(ctx, gets(stored("trust", account), stored("image", image), stored("share", image, account), stored("share", image, "*"))...)
	if err == nil && (len(items(found[1])) == 0 || len(items(found[2])) == 0) {
		err = fmt.Errorf("%s may not use %s", account, image)
	}
	return err
}

// change makes a change: one request reads, and one writes if nothing was changed
// meanwhile of the keys that are guarded; again, if it was.
func (b bare) change(ctx context.Context, reads []string, guarded []int, writes []clientv3.Op) error {
	for {
		found, err := b.read(ctx, gets(reads...)...)
		if err != nil {
			return err
		}
		conditions := make([]clientv3.Cmp, 0, 8)
		for _, i := range guarded {
			var revision int64
			if kvs := items(found[i]); len(kvs) > 0 {
				revision = kvs[0].ModRevision
			}
			conditions = append(conditions, clientv3.Compare(clientv3.ModRevision(reads[i]), "=", revision))
		}
		conditions = append(conditions,
			clientv3.Compare(clientv3.ModRevision(key(own, "fence", "0001")), "<", 1),
			clientv3.Compare(clientv3.Version(own+"epoch/"), "<", 2))
		written, err := b.ask(ctx, conditions, writes)
		if err != nil || written.Succeeded {
			return err
		}
	}
}

// record stands for a value of n bytes.
func record(n int) string { return string(make([]byte, n)) }

// logged are the writes of an event of n bytes.
func logged(image, actor string, n int) []clientv3.Op {
	place := make([]byte, 26)
	binary.BigEndian.PutUint64(place, 1)
	rand.Read(place[16:])
	at := string(place)
	return []clientv3.Op{
		clientv3.OpPut(key(own, "about", image), record(7)),
		clientv3.OpPut(key(own, "actor", actor)+at, ""),
		clientv3.OpPut(key(own, "event", image)+at, ""),
		clientv3.OpPut(own+"log/"+at, record(n)),
		clientv3.OpPut(key(own, "operation", rand.Text())+at, ""),
	}
}

func (b bare) share(ctx context.Context, img *world.Image, grantee string) error {
	image, owner := string(img.ID), string(img.Owner)
	return b.change(ctx, []string{
		key(own, "about", image), stored("image", image), stored("share", image, owner), stored("share", image, "*"),
		stored("share", image, grantee), stored("expiring", image), etcdstore.Prefix + "epoch/",
	}, []int{0}, append(logged(image, owner, 400),
		clientv3.OpPut(key(own, "grantee", grantee, image), ""),
		clientv3.OpPut(key(own, "share", image, grantee), record(60))))
}

func (b bare) launch(ctx context.Context, q world.Question) error {
	image, account, id := string(q.Image), string(q.Account), strings.ToLower(rand.Text())
	return b.change(ctx, []string{
		key(own, "about", image), stored("image", image), stored("share", image, account), stored("share", image, "*"),
		stored("trust", account), key(own, "instance", id), etcdstore.Prefix + "epoch/",
	}, []int{0, 4, 5}, append(logged(image, account, 430),
		clientv3.OpPut(key(own, "from", image, id), ""),
		clientv3.OpPut(key(own, "has", account, id), ""),
		clientv3.OpPut(key(own, "instance", id), record(90)),
		clientv3.OpPut(key(own, "used", account, image), ""),
		clientv3.OpPut(key(own, "uses", account, image, id), "")))
}

// index is a read of the keys of a page by an index, which finds one more than the page has.
func index(under string) clientv3.Op {
	return clientv3.OpGet(under, clientv3.WithRange(strings.TrimSuffix(under, terminator)+beyond), clientv3.WithLimit(limit+1), clientv3.WithKeysOnly())
}

// page reads the IDs of a page by the first of some indices, and then what keys says of
// each, in requests that are made at once.
func (b bare) page(ctx context.Context, keys func(id string) []string, indices ...string) error {
	ops := make([]clientv3.Op, len(indices))
	for i, under := range indices {
		ops[i] = index(under)
	}
	found, err := b.read(ctx, ops...)
	if err != nil {
		return err
	}
	var reads []string
	for _, kv := range items(found[0]) {
		id := string(kv.Key[len(indices[0]) : len(kv.Key)-len(terminator)])
		reads = append(reads, keys(id)...)
	}
	if err := complete(len(items(found[0])), nil); err != nil {
		return err
	}
	requests := slices.Collect(slices.Chunk(reads, maxOps))
	errs := make([]error, len(requests))
	var all sync.WaitGroup
	for i, some := range requests {
		all.Go(func() { _, errs[i] = b.read(ctx, gets(some...)...) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (b bare) images(ctx context.Context, owner string) error {
	return b.page(ctx, func(id string) []string {
		return []string{stored("image", id), stored("share", id, owner), stored("share", id, "*")}
	}, stored("owner", owner), stored("grantee", owner))
}

func (b bare) instances(ctx context.Context, owner string) error {
	return b.page(ctx, func(id string) []string { return []string{stored("instance", id)} }, stored("has", owner))
}
