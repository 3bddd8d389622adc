package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/imageshare/sharing"
)

func TestOpen_NoEndpoints(t *testing.T) {
	if _, err := Open(t.Context(), nil); !errors.Is(err, sharing.ErrInvalid) {
		t.Error(err)
	}
}

func TestOpen_NobodyAnswers(t *testing.T) {
	nobody, err := freeURL()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, []string{nobody.String()}); err == nil || !strings.Contains(err.Error(), nobody.String()) {
		t.Errorf("Open does not say who does not answer: %v", err)
	}
}

// TestOpen_AMemberHangs lets a client that does not notice go to two members in turn, one of which keeps its connection and answers nothing.
func TestOpen_AMemberHangs(t *testing.T) {
	n := newNetwork(t)
	hangs, answers := n.proxy(t, server.endpoint), n.proxy(t, server.endpoint)
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{hangs, answers}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	s := &Store{client: client, kv: clientv3.RetryKVClient(client), life: t.Context(), prefix: newPrefix()}
	for range 10 { // until it is connected to both
		if err := s.prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	n.hold(true, wire{"", hangs}, wire{hangs, ""})
	for range 2 {
		if err := s.prepare(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestOpen_Many opens a new store many times at once: one makes it, all find the same.
func TestOpen_Many(t *testing.T) {
	prefix, client := newPrefix(), newClient(t, server.endpoint)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			s, err := open(t.Context(), client, prefix)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestOpen_RefusesWhatItDoesNotKnow(t *testing.T) {
	client := newClient(t, server.endpoint)
	for _, test := range []struct{ key, value, says string }{
		{"schema/", "2", "newer"},
		{"schema/", "two", "corrupt"},
		{"something", "else", "something else"},
	} {
		prefix := newPrefix()
		if _, err := client.Put(t.Context(), prefix+test.key, test.value); err != nil {
			t.Fatal(err)
		}
		if _, err := open(t.Context(), client, prefix); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("with %q at %q: %v", test.value, test.key, err)
		}
	}
}

func TestClose_LeavesNothing(t *testing.T) {
	openNew(t) // the server, in this process, is all there when it has served one
	before := goleak.IgnoreCurrent()
	s, err := Open(t.Context(), []string{server.endpoint})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	for range newEngine(t, s).Watch(ctx, "") {
		t.Error("an event in an empty log")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	leak := func() error {
		return goleak.Find(before, goleak.IgnoreAnyFunction("google.golang.org/grpc/internal/transport.(*http2Server).keepalive"),
			goleak.IgnoreAnyFunction("google.golang.org/grpc.(*Server).handleRawConn"), goleak.IgnoreAnyFunction("net/http.(*conn).serve"))
	}
	for start := time.Now(); leak() != nil; { // the server, in this process, takes its time to end a connection
		if time.Since(start) > time.Minute {
			t.Fatal(leak())
		}
	}
	if err := s.View(t.Context(), func(tx sharing.ViewTx) error {
		_, err := tx.Load(sharing.Need{Image: "img"})
		return err
	}); err == nil {
		t.Error("a closed store answers")
	}
}

// A store on a client of the caller's is ended by Close too: a call fails, and a watch that waits for events ends.
func TestClose_LeavesTheClient(t *testing.T) {
	client := newClient(t, server.endpoint)
	s, err := open(t.Context(), client, newPrefix())
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(t, s)
	if _, err := e.Register(t.Context(), "a", sharing.ImageSpec{Region: "r"}); err != nil {
		t.Fatal(err)
	}
	seen, ended := make(chan bool), make(chan error)
	go func() {
		var last error
		for _, err := range e.Watch(t.Context(), "") {
			if last = err; err == nil {
				close(seen)
			}
		}
		ended <- last
	}()
	<-seen
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("the watch ends with %v", err)
	}
	if _, err := e.Register(t.Context(), "a", sharing.ImageSpec{Region: "r"}); !errors.Is(err, ErrClosed) {
		t.Errorf("a change after Close: %v", err)
	}
	if _, err := client.Get(t.Context(), "x"); err != nil {
		t.Errorf("the client is of no use any more: %v", err)
	}
}

// TestR27_CorruptValue changes each byte of each value: whatever is read then is an error that names the key.
func TestR27_CorruptValue(t *testing.T) {
	prefix := newPrefix()
	s := openAt(t, prefix, server.endpoint)
	e := newEngine(t, s)
	img, err := e.Register(t.Context(), "a", sharing.ImageSpec{Region: "r"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Share(t.Context(), "a", img.ID, "b"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{s.key(tableImage, string(img.ID)), s.key(tableShare, string(img.ID), "b")} {
		found, err := s.client.Get(t.Context(), key)
		if err != nil || len(found.Kvs) != 1 {
			t.Fatal(found, err)
		}
		good := string(found.Kvs[0].Value)
		for i := range good {
			bad := []byte(good)
			bad[i] ^= 1
			if _, err := s.client.Put(t.Context(), key, string(bad)); err != nil {
				t.Fatal(err)
			}
			if err := e.CanUse(t.Context(), "b", img.ID, "r"); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", key)) {
				t.Fatalf("with byte %d of %q changed: %v", i, key, err)
			}
		}
		if _, err := s.client.Put(t.Context(), key, good); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.CanUse(t.Context(), "b", img.ID, "r"); err != nil {
		t.Error(err)
	}
}

// TestTooLarge makes a change that etcd would not take: it is refused before anything is written.
func TestTooLarge(t *testing.T) {
	e := newEngine(t, openNew(t), sharing.WithPolicy(sharing.Policy{MaxShares: -1}))
	img, err := e.Register(t.Context(), "a", sharing.ImageSpec{Region: "r"})
	if err != nil {
		t.Fatal(err)
	}
	grantees := func(n int) (all []sharing.Grantee) {
		for i := range n {
			all = append(all, sharing.Grantee(fmt.Sprintf("%0128d", i)))
		}
		return all
	}
	if _, err := e.Share(t.Context(), "a", img.ID, grantees(1000)...); err != nil {
		t.Fatalf("1,000 grantees: %v", err)
	}
	if _, err := e.Share(t.Context(), "a", img.ID, grantees(5000)...); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("5,000 grantees: %v", err)
	}
	n := 0
	for _, err := range e.Shares(t.Context(), "a", img.ID) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 1000 {
		t.Errorf("%d shares", n)
	}
}

// TestR8_Sweep deletes an image with shares, and waits until they are gone from etcd.
func TestR8_Sweep(t *testing.T) {
	s := openAt(t, newPrefix(), server.endpoint)
	e := newEngine(t, s, sharing.WithPolicy(sharing.Policy{MaxShares: -1}))
	img, err := e.Register(t.Context(), "a", sharing.ImageSpec{Region: "r"})
	if err != nil {
		t.Fatal(err)
	}
	var grantees []sharing.Grantee
	for i := range 3*sweepBatch + 1 {
		grantees = append(grantees, sharing.Grantee(fmt.Sprint("g", i)))
	}
	if _, err := e.Share(t.Context(), "a", img.ID, grantees...); err != nil {
		t.Fatal(err)
	}
	if err := e.ForceDelete(t.Context(), "a", img.ID); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{tableShare, tableGrantee, tableEnded} {
		for {
			tx := &view{snapshot: snapshot{Store: s, ctx: t.Context()}}
			if err := tx.ensure(under(s.key(table), count)); err != nil {
				t.Fatal(err)
			}
			if tx.ranges[under(s.key(table), count)].count == 0 {
				break
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			watch := s.client.Watch(ctx, s.key(table), clientv3.WithRange(past(s.key(table))), clientv3.WithRev(tx.revision+1))
			<-watch
			cancel()
		}
	}
}

// TestR8_SweepPastCorruptShares sweeps two deleted images, of which the first has a share that can't be read: it keeps
// the sweeper from no other image.
func TestR8_SweepPastCorruptShares(t *testing.T) {
	s := openAt(t, newPrefix(), server.endpoint)
	s.stopSweeper() // the test sweeps itself
	e := newEngine(t, s)
	var images []sharing.ImageID
	for range 2 {
		img, err := e.Register(t.Context(), "a", sharing.ImageSpec{Region: "r"})
		if err == nil {
			_, err = e.Share(t.Context(), "a", img.ID, "b")
		}
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, img.ID)
	}
	slices.Sort(images)
	corrupt := s.key(tableShare, string(images[0]), "b")
	if _, err := s.client.Put(t.Context(), corrupt, "corrupt"); err != nil {
		t.Fatal(err)
	}
	for _, img := range images {
		if err := e.ForceDelete(t.Context(), "a", img); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.sweep(t.Context()); err == nil || !strings.Contains(err.Error(), "corrupt") {
		t.Errorf("the sweep should say what it could not sweep: %v", err)
	}
	tx := &view{snapshot: snapshot{Store: s, ctx: t.Context()}}
	shares := under(s.key(tableShare), keysOnly)
	if err := tx.ensure(shares); err != nil {
		t.Fatal(err)
	}
	if left := tx.ranges[shares].items; len(left) != 1 || string(left[0].Key) != corrupt {
		t.Errorf("R8: after the sweep there are %d shares, want the corrupt one alone", len(left))
	}
}
