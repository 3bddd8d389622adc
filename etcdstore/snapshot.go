package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
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

// A span is something to be read: a key or, if end is not empty, the keys from key to
// before end, limit of them if that is not 0.
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
	writes   bool                          // it is an Update's
	revision int64                         // 0 before the first request
	along    []span                        // to be read with the first request
	keys     map[string][]*mvccpb.KeyValue // what was found of single keys: one item, or none
	ranges   map[span]finding
	complete []span // of ranges, those of which all was read, values too
	missing  []span // asked for, but not read yet
	asked    []span // asked for and read, if the transaction writes: the commit depends on them
	stale    error  // why the transaction has to be run anew, if it has
}

// read returns what was found in sp. If it was not read yet, it is noted as missing, and the answer means nothing:
// see assemble.
func (tx *snapshot) read(sp span) finding {
	f, ok := tx.lookUp(sp)
	switch {
	case !ok:
		tx.missing = append(tx.missing, sp)
	case tx.writes:
		tx.asked = append(tx.asked, sp)
	}
	return f
}

func (tx *snapshot) lookUp(sp span) (f finding, ok bool) {
	if sp.end != "" {
		f, ok = tx.ranges[sp]
		return f, ok
	}
	if f.items, ok = tx.keys[sp.key]; ok {
		return f, true
	}
	for _, r := range tx.complete {
		if sp.key >= r.key && sp.key < r.end {
			return f, true // were it there, it would have been found as a key, too
		}
	}
	return f, false
}

// value reads into v what is stored under key, and says whether anything is.
func (tx *snapshot) value(key string, v any) (bool, error) {
	f := tx.read(span{key: key})
	if len(f.items) == 0 {
		return false, nil
	}
	return true, decode(f.items[0], v)
}

// stored returns what is stored under key, or nil.
func stored[T any](tx *snapshot, key string) (*T, error) {
	f := tx.read(span{key: key})
	if len(f.items) == 0 {
		return nil, nil
	}
	v := new(T)
	if err := decode(f.items[0], v); err != nil {
		return nil, err
	}
	return v, nil
}

// assemble runs fn, which reads; and again, after a request that brings all that was missing, until nothing is. So fn
// says what is to be read by reading it, and a request is made only where what to read follows from what was read.
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

// fetch reads spans, in as few requests as etcd allows. They are made at once, but for the
// transaction's first, which tells the others their revision.
func (tx *snapshot) fetch(spans []span) error {
	if tx.keys == nil {
		tx.keys = make(map[string][]*mvccpb.KeyValue, len(spans))
		tx.ranges = make(map[span]finding)
	}
	if tx.revision == 0 {
		spans = append(spans, tx.along...)
		n := min(len(spans), maxOps)
		response, err := tx.ask(spans[:n])
		if err := tx.note(spans[:n], response, err); err != nil {
			return err
		}
		spans = spans[n:]
	}
	requests := slices.Collect(slices.Chunk(spans, maxOps))
	responses, errs := make([]*pb.TxnResponse, len(requests)), make([]error, len(requests))
	var all sync.WaitGroup
	for i, some := range requests {
		all.Go(func() { responses[i], errs[i] = tx.ask(some) })
	}
	all.Wait()
	for i, some := range requests {
		if err := tx.note(some, responses[i], errs[i]); err != nil {
			return err
		}
	}
	return nil
}

// note keeps what a request for spans was answered.
func (tx *snapshot) note(spans []span, response *pb.TxnResponse, err error) error {
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
		if sp.end == "" {
			tx.keys[sp.key] = r.Kvs
			continue
		}
		tx.ranges[sp] = finding{items: r.Kvs, more: r.More, count: r.Count}
		if sp.read != whole {
			continue
		}
		for i, kv := range r.Kvs {
			tx.keys[string(kv.Key)] = r.Kvs[i : i+1]
		}
		if !r.More {
			tx.complete = append(tx.complete, sp)
		}
	}
	return nil
}

// ask makes a request for spans, by consensus. It is made again while no member answers, since one that
// went away is replaced by another within moments.
func (tx *snapshot) ask(spans []span) (*pb.TxnResponse, error) {
	began, request := time.Now(), &pb.TxnRequest{Success: gets(spans, tx.revision)}
	for attempt := 0; ; attempt++ {
		ctx, cancel := context.WithTimeout(tx.ctx, askAgain)
		response, err := tx.request(ctx, request)
		cancel()
		switch {
		case err == nil:
			return response, nil
		case tx.ctx.Err() != nil:
			return nil, tx.ctx.Err()
		case tx.life.Err() != nil:
			return nil, ErrClosed
		case !away(err) || time.Since(began) > requestTimeout || !pause(tx.ctx, attempt):
			return nil, unanswered(tx.ctx, err)
		}
	}
}

// unanswered returns the error of a request that the store made with a time limit of its own. If that is what ended the
// request, and not the caller's ctx, the error wraps no context's: the caller would take it for the end of ctx.
func unanswered(ctx context.Context, err error) error {
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return errors.New("etcd did not answer in time")
	}
	return err
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
