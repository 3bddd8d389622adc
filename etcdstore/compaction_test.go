package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/imageshare/sharing"
)

// compact lets the shared server forget all revisions but the present one.
func compact(t testing.TB, s *Store) {
	t.Helper()
	now, err := s.client.Get(t.Context(), s.prefix)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Compact(t.Context(), now.Header.Revision, clientv3.WithCompactPhysical()); err != nil && !errors.Is(err, rpctypes.ErrCompacted) {
		t.Fatal(err)
	}
}

// grow makes n changes, and returns the operations of all that are in the log then.
func grow(t testing.TB, e *sharing.Engine, n int) (operations []string) {
	t.Helper()
	for range n {
		if _, err := e.Register(t.Context(), "a", sharing.ImageSpec{Region: "r"}); err != nil {
			t.Fatal(err)
		}
	}
	events, err := collect(e.Events(t.Context(), sharing.EventQuery{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range events {
		operations = append(operations, ev.Operation)
	}
	return operations
}

// TestR24_WatchAcrossCompaction holds up watchers while the log grows and etcd forgets what they have not seen: one is busy with an event,
// and the connection of the other is cut while it waits. Both miss nothing.
func TestR24_WatchAcrossCompaction(t *testing.T) {
	const more = 3 * epochLength
	t.Run("Busy", func(t *testing.T) {
		s := openAt(t, newPrefix(), server.endpoint)
		e := newEngine(t, s, sharing.WithPolicy(sharing.Policy{MaxImages: -1}))
		want := grow(t, e, 3)
		var got []string
		for ev, err := range e.Watch(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, ev.Operation); len(got) == 2 {
				want = grow(t, e, more)
				compact(t, s)
			}
			if len(got) == len(want) {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("of %d events it saw %d, or in another order", len(want), len(got))
		}
	})
	t.Run("Waiting", func(t *testing.T) {
		prefix, n := newPrefix(), newNetwork(t)
		direct := openAt(t, prefix, server.endpoint)
		e := newEngine(t, direct, sharing.WithPolicy(sharing.Policy{MaxImages: -1}))
		grow(t, e, 2)
		proxy := n.proxy(t, server.endpoint)
		client, watching := watchedClient(t, proxy)
		s, err := open(t.Context(), client, prefix)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		far := newEngine(t, s)

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		seen := make(chan string, 2*more)
		failed := make(chan error, 1)
		go func() {
			defer close(seen)
			for ev, err := range far.Watch(ctx, "") {
				if err != nil {
					failed <- err
					return
				}
				seen <- ev.Operation
			}
		}()
		got := []string{<-seen, <-seen}
		<-watching
		n.hold(true, wire{"", proxy}, wire{proxy, ""})
		want := grow(t, e, more)
		compact(t, direct)
		n.drop() // what was sent is lost: the client has to connect anew
		for len(got) < len(want) {
			operation, ok := <-seen
			if !ok {
				t.Fatalf("Watch ended after %d events: %v", len(got), <-failed)
			}
			got = append(got, operation)
		}
		if !slices.Equal(got, want) {
			t.Error("it saw the events in another order")
		}
	})
}

// watchedClient returns a client, and a channel that tells of each watch that its server has begun.
func watchedClient(t testing.TB, endpoint string) (*clientv3.Client, <-chan struct{}) {
	begun := make(chan struct{}, 100)
	intercept := func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		stream, err := streamer(ctx, desc, cc, method, opts...)
		return watchedStream{stream, begun}, err
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{endpoint}, Logger: zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithChainStreamInterceptor(intercept)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client, begun
}

type watchedStream struct {
	grpc.ClientStream
	begun chan<- struct{}
}

func (s watchedStream) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	if answer, ok := message.(*etcdserverpb.WatchResponse); ok && err == nil && answer.Created {
		s.begun <- struct{}{}
	}
	return err
}

// TestChanged_Compacted waits from a revision that was compacted before the wait began.
func TestChanged_Compacted(t *testing.T) {
	s := openAt(t, newPrefix(), server.endpoint)
	e := newEngine(t, s)
	var wait func(context.Context) error
	if err := s.View(t.Context(), func(tx sharing.ViewTx) error { wait = tx.Changed(); return nil }); err != nil {
		t.Fatal(err)
	}
	grow(t, e, 3)
	compact(t, s)
	if err := wait(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestCompacted_Transaction lets etcd forget a transaction's revision between two of its reads. It is run anew: what it
// reads is of one instant, that after the change.
func TestCompacted_Transaction(t *testing.T) {
	for _, kind := range []string{"View", "Update"} {
		t.Run(kind, func(t *testing.T) {
			prefix := newPrefix()
			s := openAt(t, prefix, server.endpoint)
			e := newEngine(t, openAt(t, prefix, server.endpoint)) // another process: a closure does not call its own store
			var ids [2]sharing.ImageID
			for i := range ids {
				img, err := e.Register(t.Context(), "a", sharing.ImageSpec{Name: "0", Region: "r"})
				if err != nil {
					t.Fatal(err)
				}
				ids[i] = img.ID
			}
			var runs int
			var names [2]string
			fn := func(tx sharing.ViewTx) error {
				runs++
				for i, id := range ids {
					state, err := tx.Load(sharing.Need{Account: "a", Image: id})
					if err != nil {
						return err
					}
					names[i] = state.Image.Image.Name
					if runs <= 2 && i == 0 {
						rename(t, e, fmt.Sprint(runs), ids[:]...)
						compact(t, s)
					}
				}
				return nil
			}
			var err error
			if kind == "View" {
				err = s.View(t.Context(), fn)
			} else {
				err = s.Update(t.Context(), func(tx sharing.UpdateTx) error {
					if err := fn(tx); err != nil {
						return err
					}
					return tx.PutTrust("a", sharing.Trust{Enforce: true})
				})
			}
			if err != nil || names != [2]string{"2", "2"} || runs != 3 {
				t.Errorf("after %d runs it read %q, error %v", runs, names, err)
			}
		})
	}
}

// TestCompacted_Always lets etcd forget the revision of every run, until the context ends: an error that says why, and no answer.
func TestCompacted_Always(t *testing.T) {
	prefix := newPrefix()
	s := openAt(t, prefix, server.endpoint)
	e := newEngine(t, openAt(t, prefix, server.endpoint))
	img, err := e.Register(t.Context(), "a", sharing.ImageSpec{Region: "r"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	runs := 0
	err = s.View(ctx, func(tx sharing.ViewTx) error {
		if _, err := tx.Load(sharing.Need{Account: "a", Image: img.ID}); err != nil {
			return err
		}
		rename(t, e, fmt.Sprint(runs), img.ID)
		compact(t, s)
		_, err := tx.Load(sharing.Need{Account: "b", Image: img.ID})
		if runs++; runs == 5 {
			cancel()
		}
		return err
	})
	if !errors.Is(err, sharing.ErrConflict) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "compacted") {
		t.Errorf("after %d runs: %v", runs, err)
	}
}

// rename gives images a name.
func rename(t testing.TB, e *sharing.Engine, name string, images ...sharing.ImageID) {
	t.Helper()
	for _, id := range images {
		if _, err := e.Update(t.Context(), "a", id, sharing.ImageUpdate{Name: &name}); err != nil {
			t.Fatal(err)
		}
	}
}
