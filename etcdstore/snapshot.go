package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// maxOps is how many operations etcd takes in a request, unless it is told otherwise (--max-txn-ops).
	maxOps = 128
	// requestTimeout bounds a request, so that a server that is gone does not hold a call up for ever.
	requestTimeout = 10 * time.Second
	// askAgain is when a request that reads is made again, to another member if there is one.
	askAgain = 2 * time.Second
)

// A span is something to be read: a key or, if end is not empty, the keys from key to before end, limit of them if that is not 0.
type span struct {
	key, end string
	limit    int
	read     mode
}

// A mode is what is read of a span.
type mode uint8

const (
	whole mode = iota
	keysOnly
	count
)

// under returns the span of all keys that begin with key.
func under(key string, read mode) span { return span{key: key, end: past(key), read: read} }

// A finding is what was read of a span.
type finding struct {
	items []*mvccpb.KeyValue
	more  bool // beyond the limit
	count int64
}

// A snapshot reads etcd at one revision, that of its first request, and nothing twice.
type snapshot struct {
	*Store
	ctx      context.Context
	revision int64  // 0 before the first request
	along    []span // to be read with the first request
	found    map[span]finding
	ranges   []span // of found, those that were read whole
	missing  []span // asked of found, but not there
	asked    []span // asked of found, and there
	stale    error  // why the transaction has to be run anew, if it has
}

// read returns what was found in sp. If it was not read yet, it is noted as missing, and the answer means nothing:
// see assemble.
func (tx *snapshot) read(sp span) finding {
	f, ok := tx.found[sp]
	if !ok && sp.end == "" {
		f, ok = tx.readWithin(sp)
	}
	if !ok {
		tx.missing = append(tx.missing, sp)
		return f
	}
	tx.asked = append(tx.asked, sp)
	return f
}

// readWithin answers for a single key from a range that was read whole.
func (tx *snapshot) readWithin(sp span) (finding, bool) {
	for _, r := range tx.ranges {
		if sp.key >= r.key && sp.key < r.end {
			return finding{}, true // were it there, it would have been found as a key, too
		}
	}
	return finding{}, false
}

// value reads into v what is stored under key, and says whether anything is.
func (tx *snapshot) value(key string, v any) (bool, error) {
	f := tx.read(span{key: key})
	if len(f.items) == 0 {
		return false, nil
	}
	return true, decode(key, f.items[0].Value, v)
}

// assemble runs fn, which reads; and again, after a request that brings all that was missing, until nothing is.
// So fn says what is to be read by reading it, and a request is made only where what to read follows from what was read.
func (tx *snapshot) assemble(fn func() error) error {
	for {
		if err := tx.ctx.Err(); err != nil {
			return err
		}
		asked := len(tx.asked)
		tx.missing = tx.missing[:0]
		err := fn()
		if len(tx.missing) == 0 {
			return err
		}
		tx.asked = tx.asked[:asked] // what was asked after a guess may not be asked again
		if err := tx.fetch(tx.missing); err != nil {
			return err
		}
	}
}

// ensure makes sure that the spans were read.
func (tx *snapshot) ensure(spans ...span) error {
	return tx.assemble(func() error {
		for _, sp := range spans {
			tx.read(sp)
		}
		return nil
	})
}

// fetch reads spans, in as few requests as etcd allows.
func (tx *snapshot) fetch(spans []span) error {
	if tx.found == nil {
		tx.found = make(map[span]finding, len(spans))
	}
	if tx.revision == 0 {
		spans = append(spans, tx.along...)
	}
	for len(spans) > 0 {
		n := min(len(spans), maxOps)
		if err := tx.request(spans[:n]); err != nil {
			return err
		}
		spans = spans[n:]
	}
	return nil
}

func (tx *snapshot) request(spans []span) error {
	ops := make([]clientv3.Op, len(spans))
	for i, sp := range spans {
		ops[i] = sp.op(tx.revision)
	}
	response, err := tx.ask(ops)
	if errors.Is(err, rpctypes.ErrCompacted) {
		tx.stale = err
		return fmt.Errorf("etcdstore: revision %d was compacted during the transaction: %w", tx.revision, err)
	}
	if err != nil {
		return fmt.Errorf("etcdstore: read: %w", err)
	}
	if tx.revision == 0 {
		tx.revision = response.Header.Revision
	}
	if len(response.Responses) != len(spans) {
		return fmt.Errorf("etcdstore: read: etcd gave %d answers to %d questions", len(response.Responses), len(spans))
	}
	for i, sp := range spans {
		r := response.Responses[i].GetResponseRange()
		if r == nil {
			return fmt.Errorf("etcdstore: read: etcd did not answer for key %q", sp.key)
		}
		tx.found[sp] = finding{items: r.Kvs, more: r.More, count: r.Count}
		if sp.end == "" || sp.read != whole {
			continue
		}
		for i, kv := range r.Kvs {
			tx.found[span{key: string(kv.Key)}] = finding{items: r.Kvs[i : i+1]}
		}
		if !r.More {
			tx.ranges = append(tx.ranges, sp)
		}
	}
	return nil
}

func (sp span) op(revision int64) clientv3.Op {
	var opts []clientv3.OpOption
	if revision != 0 {
		opts = append(opts, clientv3.WithRev(revision))
	}
	if sp.end != "" {
		opts = append(opts, clientv3.WithRange(sp.end))
	}
	if sp.limit != 0 {
		opts = append(opts, clientv3.WithLimit(int64(sp.limit)))
	}
	switch sp.read {
	case keysOnly:
		opts = append(opts, clientv3.WithKeysOnly())
	case count:
		opts = append(opts, clientv3.WithCountOnly())
	}
	return clientv3.OpGet(sp.key, opts...)
}

// ask makes a request that reads, by consensus. It is made again while no member answers, since one that
// went away is replaced by another within moments.
func (tx *snapshot) ask(ops []clientv3.Op) (*clientv3.TxnResponse, error) {
	ctx, cancel := context.WithTimeout(tx.ctx, requestTimeout)
	defer cancel()
	for attempt := 0; ; attempt++ {
		response, err := tx.askOnce(ctx, ops)
		if err == nil {
			return response, nil
		}
		if tx.ctx.Err() != nil {
			return nil, tx.ctx.Err()
		}
		if tx.client.Ctx().Err() != nil {
			return nil, errors.New("the store is closed")
		}
		if !away(err) || !pause(ctx, attempt) {
			return nil, err
		}
	}
}

func (tx *snapshot) askOnce(ctx context.Context, ops []clientv3.Op) (*clientv3.TxnResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, askAgain)
	defer cancel()
	return tx.client.Txn(ctx).Then(ops...).Commit()
}

// away reports whether err says that no member, or none with a leader, answers for now.
func away(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	var etcd rpctypes.EtcdError
	if errors.As(err, &etcd) {
		return etcd.Code() == codes.Unavailable
	}
	return status.Code(err) == codes.Unavailable
}
