package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/imageshare/sharing"
)

const (
	// maxRequest is how many bytes etcd takes in a request, unless it is told otherwise (--max-request-bytes).
	maxRequest = 1536 << 10
	// maxTogether is how many comparisons and operations stand together in a request. More operations are put into
	// nested transactions: etcd counts each path into them, of which three levels of this many stay below maxOps.
	maxTogether = 40
	// fences is the number of keys that lookups of lost operations share: see fence.
	fences = 1024
)

// errRaced is why a transaction is run anew that found others faster.
var errRaced = errors.New("others changed what it had read")

// finish ends an update whose closure ended with err: it commits, or makes sure of what the closure was told.
func (tx *update) finish(err error) error {
	if err == nil {
		err = tx.ctx.Err()
	}
	if err != nil || len(tx.writes) == 0 {
		for _, operation := range tx.absent {
			if err := tx.fence(operation); err != nil {
				return err
			}
		}
		return err
	}
	return tx.commit()
}

// commit writes, if all that was read is still as it was.
func (tx *update) commit() error {
	if tx.revision == 0 { // it wrote without reading
		if err := tx.fetch(nil); err != nil {
			return err
		}
	}
	b, err := tx.batch()
	if err != nil {
		return err
	}
	for _, operation := range tx.absent { // what the closure was told has to last: see fence
		if !b.makes(operation) {
			b.put(b.fenceKey(operation))
		}
	}
	ops, err := b.ops()
	if err != nil {
		return err
	}
	size := 0
	for key, value := range b.changes {
		const framing = 24
		size += len(key) + len(value) + framing
	}
	if size > maxRequest {
		return fmt.Errorf("etcdstore: the change takes %d bytes, but etcd takes at most %d in one: ask for less in one call", size, maxRequest)
	}
	if err := tx.ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(tx.ctx, requestTimeout)
	defer cancel()
	response, err := tx.request(ctx, &pb.TxnRequest{Compare: b.conditions(), Success: ops})
	switch {
	case errors.Is(err, rpctypes.ErrNoLeader): // the member did not look at it
		tx.stale = err
		return nil
	case errors.Is(err, ErrClosed):
		return err
	case err != nil && refused(err):
		return fmt.Errorf("etcdstore: commit: %w", err)
	case err != nil:
		return fmt.Errorf("etcdstore: %w: the commit: %w", sharing.ErrOutcomeUnknown, unanswered(tx.ctx, err))
	case !response.Succeeded:
		tx.stale = errRaced
		return nil
	}
	for id, at := range b.moved {
		tx.where.remember(id, at)
	}
	for id, owner := range b.owned {
		tx.owners.remember(id, owner)
	}
	if b.ended {
		tx.sweeper.wake()
	}
	return nil
}

// refused reports whether err is etcd's own answer to a commit that it did not make, nor will make.
// After any other it may have been made, or may yet be.
func refused(err error) bool {
	for _, refusal := range []error{
		rpctypes.ErrTooManyOps, rpctypes.ErrRequestTooLarge, rpctypes.ErrDuplicateKey, rpctypes.ErrEmptyKey, rpctypes.ErrNoSpace,
		rpctypes.ErrTooManyRequests, rpctypes.ErrPermissionDenied, rpctypes.ErrUserEmpty, rpctypes.ErrAuthOldRevision,
	} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// conditions are what must hold for the commit: what was read is as it was, the log's epoch has gone on by one at most,
// and no lookup has found that one of the operations was not made.
func (b *batch) conditions() []*pb.Compare {
	at := b.epoch()
	within := at.notLongAgo(b.key(tableEpoch))
	conditions, ok := b.unchanged()
	for _, key := range b.fenceKeys() {
		conditions = append(conditions, unwritten(key, "", b.revision))
	}
	if ok && len(conditions) < maxTogether {
		return append(conditions, within)
	}
	// Nothing at all was committed since: whoever commits writes an entry of the log, in
	// the epoch that was current or the one before.
	log, fence := b.key(tableLog), b.key(tableFence)
	return []*pb.Compare{within, unwritten(at.before(log), past(log), b.revision), unwritten(fence, past(fence), b.revision)}
}

// unchanged returns the condition that what was asked is as it was, and whether it can be told by few keys.
func (b *batch) unchanged() (conditions []*pb.Compare, ok bool) {
	seen := make(map[string]bool, len(b.asked))
	for _, sp := range b.asked {
		if sp.end == "" {
			seen[sp.key] = true
		}
	}
	for key := range seen {
		if guard := b.guardOf(key); guard != key && seen[guard] {
			continue
		}
		var revision int64
		if items := b.keys[key]; len(items) > 0 {
			revision = items[0].ModRevision
		}
		conditions = append(conditions, writtenAt(key, revision))
	}
	for _, sp := range b.asked {
		switch {
		case sp.end == "":
		case sp.read == count: // its guard was read with it
		case seen[b.guardOf(sp.key)]: // the shares of one image
		case b.isIn(tableOperation, sp.key) && len(b.ranges[sp].items) == 0:
			conditions = append(conditions, none(sp.key))
		default:
			return nil, false
		}
	}
	return conditions, true
}

// ops returns the operations that make the batch's changes, with the entry of the log.
func (b *batch) ops() ([]*pb.RequestOp, error) {
	if err := b.enterLog(); err != nil {
		return nil, err
	}
	ops := make([]*pb.RequestOp, 0, len(b.changes)+1)
	for key, value := range b.changes {
		if value != nil {
			ops = append(ops, set(key, value))
		} else {
			ops = append(ops, unset(key))
		}
	}
	if at := b.epoch(); b.revision-int64(at.start) >= epochLength {
		ops = append(ops, b.nextEpoch(at))
	}
	for len(ops) > maxTogether {
		var groups []*pb.RequestOp
		for group := range slices.Chunk(ops, maxTogether) {
			groups = append(groups, nested(&pb.TxnRequest{Success: group}))
		}
		ops = groups
	}
	return ops, nil
}

// makes reports whether the operation has events in the batch.
func (b *batch) makes(operation string) bool {
	return slices.ContainsFunc(b.events, func(ev sharing.Event) bool { return ev.Operation == operation })
}

// fenceKeys returns the fences of the operations in the batch.
func (b *batch) fenceKeys() (keys []string) {
	for i, ev := range b.events {
		if i > 0 && ev.Operation == b.events[i-1].Operation { // as it is with all events of one call
			continue
		}
		if key := b.fenceKey(ev.Operation); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (s *Store) fenceKey(operation string) string {
	bucket := crc32.Checksum([]byte(operation), castagnoli) % fences
	return s.key(tableFence, fmt.Sprintf("%04d", bucket))
}

// operationAbsent is called by a Load that did not find an operation.
func (tx *view) operationAbsent(operation string) error {
	if !tx.writes {
		return tx.fence(operation)
	}
	tx.absent = append(tx.absent, operation) // a commit compares and fences; without one, finish fences
	return nil
}

// fence makes sure that an operation that was not found is not made later, by a commit that is still
// under way (R26). Every commit is made only if the fences of its operations were not written since
// its snapshot, so that writing one stops it; and the fence is written only if the operation is
// still not found. Other operations that share the fence, and are under way just now, are run anew.
func (tx *view) fence(operation string) error {
	ctx, cancel := context.WithTimeout(tx.ctx, requestTimeout)
	defer cancel()
	entries := tx.key(tableOperation, operation)
	response, err := tx.request(ctx, &pb.TxnRequest{
		Compare: []*pb.Compare{none(entries)},
		Success: []*pb.RequestOp{set(tx.fenceKey(operation), nil)},
	})
	if err != nil {
		if tx.ctx.Err() != nil {
			err = tx.ctx.Err()
		}
		err = unanswered(tx.ctx, err)
		return fmt.Errorf("etcdstore: whether operation %q was made can't be told yet: %w", operation, err)
	}
	if !response.Succeeded {
		tx.stale = errRaced
	}
	return nil
}
