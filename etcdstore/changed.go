package etcdstore

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Changed implements [sharing.ViewTx]. The wait is an etcd watch from the revision after the transaction's; when the
// wait ends, nothing is left of the watch.
func (tx *view) Changed() (wait func(context.Context) error) {
	err := tx.ensure(tx.epochSpan()) // so that the transaction has its instant
	revision, store := tx.revision, tx.Store
	return func(ctx context.Context) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err != nil {
			return err
		}
		return store.await(ctx, revision+1)
	}
}

// await waits until there is an entry of the log from a revision on. A watch that ends for
// another reason, because the revision was compacted or the server went away, ends the
// waiting too: whoever waits reads the log, and so finds what there is.
func (s *Store) await(ctx context.Context, revision int64) error {
	watching, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	log := s.key(tableLog)
	for response := range s.client.Watch(watching, log, clientv3.WithRange(past(log)), clientv3.WithRev(revision)) {
		if len(response.Events) > 0 || response.Err() != nil {
			break
		}
	}
	return ctx.Err()
}
