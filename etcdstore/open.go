package etcdstore

import (
	"context"
	"fmt"
	"strconv"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// schema is the number of the layout that this version of the package reads and writes.
const schema = 1

// prepare finds the layout, or makes it.
func (s *Store) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), openTimeout)
	defer cancel()
	key := s.key(tableSchema)
	for attempt := 0; ; attempt++ {
		request, cancel := context.WithTimeout(ctx, askAgain)
		response, err := s.request(request, &pb.TxnRequest{
			Compare: []*pb.Compare{none(s.prefix)},
			Success: []*pb.RequestOp{set(key, strconv.AppendInt(nil, schema, 10)), set(s.key(tableEpoch), nil)},
			Failure: gets([]span{{key: key}}, 0),
		})
		cancel()
		switch {
		case err != nil && away(err) && pause(ctx, attempt): // made twice, it changes nothing
			continue
		case err != nil:
			return fmt.Errorf("etcdstore: the cluster at %q does not answer: %w", s.client.Endpoints(), err)
		case response.Succeeded:
			return nil
		}
		return s.known(response.Responses[0].GetResponseRange().Kvs)
	}
}

// known returns an error unless the number of the layout, as it was found, is this version's.
func (s *Store) known(found []*mvccpb.KeyValue) error {
	if len(found) == 0 {
		return fmt.Errorf("etcdstore: something else is stored under the prefix %q: use a cluster of its own", s.prefix)
	}
	number, err := strconv.Atoi(string(found[0].Value))
	switch {
	case err != nil || number < 1:
		return fmt.Errorf("etcdstore: corrupt value of key %q: %q is no number of a layout", found[0].Key, found[0].Value)
	case number > schema:
		return fmt.Errorf("etcdstore: the layout is number %d, of a newer version: this one knows up to %d; use the newer one", number, schema)
	}
	return nil
}
