package etcdstore

import (
	"context"
	"math"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
)

// Requests are put together here, of etcd's own messages, and not with the client's Op, Cmp and Txn: those take six
// allocations for each key, and clone each comparison twice by reflection, and a page of 100 images reads 300 keys.

// request makes a request: if all its comparisons hold, what is to be done on success,
// else what is to be done on failure.
func (s *Store) request(ctx context.Context, request *pb.TxnRequest) (*pb.TxnResponse, error) {
	if s.life.Err() != nil {
		return nil, ErrClosed
	}
	response, err := s.kv.Txn(ctx, request, grpc.MaxCallRecvMsgSize(math.MaxInt32)) // as the client itself has it
	return response, clientv3.ContextError(ctx, err)
}

// gets returns the operations that read spans, at a revision if it is not 0.
func gets(spans []span, revision int64) []*pb.RequestOp {
	parts := make([]struct {
		op  pb.RequestOp
		get pb.RequestOp_RequestRange
		of  pb.RangeRequest
	}, len(spans))
	ops := make([]*pb.RequestOp, len(spans))
	for i, sp := range spans {
		p := &parts[i]
		p.of.Key, p.of.RangeEnd = []byte(sp.key), []byte(sp.end)
		p.of.Limit, p.of.Revision = int64(sp.limit), revision
		p.of.KeysOnly, p.of.CountOnly = sp.read == keysOnly, sp.read == count
		p.get.RequestRange = &p.of
		p.op.Request = &p.get
		ops[i] = &p.op
	}
	return ops
}

// set returns the operation that stores value under key.
func set(key string, value []byte) *pb.RequestOp {
	p := new(struct {
		op  pb.RequestOp
		put pb.RequestOp_RequestPut
		of  pb.PutRequest
	})
	p.of.Key, p.of.Value = []byte(key), value
	p.put.RequestPut = &p.of
	p.op.Request = &p.put
	return &p.op
}

// unset returns the operation that removes key.
func unset(key string) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: &pb.DeleteRangeRequest{Key: []byte(key)}}}
}

// nested returns the operation that makes a request within another.
func nested(request *pb.TxnRequest) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestTxn{RequestTxn: request}}
}

// writtenAt is the comparison that key was written last at a revision, or, if that is 0, that it is not there.
func writtenAt(key string, revision int64) *pb.Compare {
	return &pb.Compare{Key: []byte(key), Target: pb.Compare_MOD, Result: pb.Compare_EQUAL, TargetUnion: &pb.Compare_ModRevision{ModRevision: revision}}
}

// unwritten is the comparison that no key from key to before end, or key itself if end is
// empty, was written after a revision. It is for keys that are never deleted.
func unwritten(key, end string, revision int64) *pb.Compare {
	return &pb.Compare{
		Key: []byte(key), RangeEnd: []byte(end),
		Target: pb.Compare_MOD, Result: pb.Compare_LESS, TargetUnion: &pb.Compare_ModRevision{ModRevision: revision + 1},
	}
}

// none is the comparison that there are no keys that begin with prefix.
func none(prefix string) *pb.Compare {
	return &pb.Compare{
		Key: []byte(prefix), RangeEnd: []byte(past(prefix)),
		Target: pb.Compare_CREATE, Result: pb.Compare_EQUAL, TargetUnion: &pb.Compare_CreateRevision{CreateRevision: 0},
	}
}
