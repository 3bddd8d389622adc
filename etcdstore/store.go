// Package etcdstore keeps an engine's state in etcd, for those who have outgrown one machine.
//
//	store, err := etcdstore.Open(ctx, []string{"http://10.0.0.1:2379", "http://10.0.0.2:2379", "http://10.0.0.3:2379"})
//	if err != nil { … }
//	defer store.Close()
//	engine, err := sharing.New(store)
//
// Any number of programs may use one cluster, and behave as one. See docs/stores/etcd.md for what is
// promised, and for how to operate the cluster.
//
// # Requests
//
// A transaction reads at one revision of etcd. A check is one request; a change is at most two: one that
// reads all that the decision needs, and one that writes, if nothing that was read has changed since.
// Where one read depends on the result of another, as that of an instance's image does, the store guesses
// from what it saw before. A guess says only what else to read in the first request: that request also
// checks it, and it is never an answer. A wrong or missing guess costs one request more.
//
// # Conflicts
//
// Nothing is locked. A transaction that finds at its commit that another was faster is run anew;
// after many runs it gives up with [sharing.ErrConflict]. Within a process, transactions that change
// the same image wait for each other in a queue, so that they conflict only with those of other processes.
//
// # Layout
//
// See keys.go for the keys and log.go for the order of the event log.
package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/imageshare/sharing"
)

// A Store keeps an engine's state in etcd, under [Prefix]. Open one with [Open] or [New]. It is safe
// for concurrent use, and any number of stores, in any number of processes, may be open on one cluster.
type Store struct {
	client *clientv3.Client
	kv     etcdserverpb.KVClient // of client
	owned  bool                  // the client is the store's to close
	life   context.Context       // ends when the store or the client is closed
	end    context.CancelFunc    // of life
	prefix string
	where  hints[sharing.InstanceID, whereabouts]
	owners hints[sharing.ImageID, sharing.AccountID]
	queues queues

	sweeper sweeper
}

var _ sharing.FreshStore = (*Store)(nil)

// ErrClosed is wrapped by the errors of calls that [Store.Close] ends, or that begin after it, and of a wait for events.
var ErrClosed = errors.New("etcdstore: the store is closed")

// openTimeout bounds Open, which asks the cluster once, and again if a member does not answer.
const openTimeout = 10 * time.Second

// Open opens the store on the etcd cluster that answers at endpoints, such as
// "http://127.0.0.1:2379", and prepares the cluster if no store was there yet. For a
// cluster that asks for certificates or a password, make a client and use [New].
//
// It is an error if the cluster does not answer, if something else is stored under [Prefix],
// or if a newer version of this package has written to the cluster.
func Open(ctx context.Context, endpoints []string) (*Store, error) {
	if len(endpoints) == 0 {
		return nil, fmt.Errorf("etcdstore: %w: no endpoint is given: name at least one, such as http://127.0.0.1:2379", sharing.ErrInvalid)
	}
	client, err := dial(endpoints)
	if err != nil {
		return nil, fmt.Errorf("etcdstore: endpoints %q: %w", endpoints, err)
	}
	s, err := open(ctx, client, Prefix)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	s.owned = true
	return s, nil
}

func dial(endpoints []string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{
		Endpoints:            endpoints,
		DialKeepAliveTime:    5 * time.Second, // a member that is gone is noticed even if it does not say so
		DialKeepAliveTimeout: 2 * time.Second,
		Logger:               zap.NewNop(), // every error is returned
	})
}

// New is [Open] with the caller's own client, made with the certificates or the password that the cluster asks for.
// The client must not have a namespace. It remains the caller's, to be closed after the store.
func New(ctx context.Context, client *clientv3.Client) (*Store, error) {
	return open(ctx, client, Prefix)
}

func open(ctx context.Context, client *clientv3.Client, prefix string) (*Store, error) {
	s := &Store{client: client, kv: clientv3.RetryKVClient(client), prefix: prefix}
	s.life, s.end = context.WithCancel(client.Ctx())
	s.sweeper.woken = make(chan struct{}, 1)
	if err := s.prepare(ctx); err != nil {
		s.end()
		return nil, err
	}
	s.startSweeper()
	return s, nil
}

// Close closes the store. Transactions under way fail with [ErrClosed] at their next request, and so does all waiting
// for events.
func (s *Store) Close() error {
	s.end()
	s.stopSweeper()
	if !s.owned {
		return nil
	}
	if err := s.client.Close(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("etcdstore: close: %w", err)
	}
	return nil
}

// A view is a transaction that reads.
type view struct {
	snapshot
	*turn           // of an Update
	absent []string // operations that were looked for and not found
}

// fewSpans is about how many spans most calls read.
const fewSpans = 8

// maxRuns is how often a transaction is run before the store gives up.
const maxRuns = 100

// Fresh implements [sharing.FreshStore].
func (*Store) Fresh() {}

// View implements [sharing.Store].
func (s *Store) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	ctx = clientv3.WithRequireLeader(ctx) // a member that is cut off from the others says so at once
	for run := 0; ; run++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		tx := &view{snapshot: snapshot{Store: s, ctx: ctx, missing: make([]span, 0, fewSpans)}}
		err := fn(tx)
		if tx.stale == nil {
			return err
		}
		if err := again(ctx, run, tx.stale); err != nil {
			return err
		}
	}
}

// Update implements [sharing.Store].
func (s *Store) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	ctx = clientv3.WithRequireLeader(ctx)
	turn := turn{queues: &s.queues}
	defer turn.end()
	for run := 0; ; run++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		tx := &update{view: view{snapshot: snapshot{Store: s, ctx: ctx, writes: true}, turn: &turn}}
		tx.missing, tx.asked = make([]span, 0, fewSpans), make([]span, 0, 2*fewSpans)
		tx.along = []span{s.epochSpan()} // every commit needs it
		err := fn(tx)
		if tx.stale == nil {
			if err = tx.finish(err); tx.stale == nil {
				return err
			}
		}
		if err := again(ctx, run, tx.stale); err != nil {
			return err
		}
	}
}

// again waits a moment before a transaction is run anew, or gives up.
func again(ctx context.Context, run int, cause error) error {
	if run+1 < maxRuns && pause(ctx, run) {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("etcdstore: %w: %w after %d runs: %w", sharing.ErrConflict, err, run+1, cause)
	}
	return fmt.Errorf("etcdstore: %w: gave up after %d runs: %w", sharing.ErrConflict, run+1, cause)
}
