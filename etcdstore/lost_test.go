package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/imageshare/sharing"
)

// A cutter passes bytes between a client and a server, and cuts the connection to the client at a given byte.
type cutter struct {
	net.Listener
	server string

	mu    sync.Mutex
	cut   *cut
	conns map[net.Conn]bool // all that are open
}

// A cut says where: after so many bytes to the server (up) or to the client.
type cut struct {
	up    bool
	after int64
	// late keeps what the client sent until release is closed, and then delivers it: a commit that is still under way
	// when its client has given it up.
	late    bool
	release chan struct{}
	done    chan struct{} // closed when what was kept is delivered
	then    func()        // called when the cut is made, if not nil
	passed  [2]int64      // bytes down and up since the cut was set
	made    bool
}

func newCutter(t testing.TB) *cutter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(server.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l, server: at.Host, conns: make(map[net.Conn]bool)}
	go c.serve()
	t.Cleanup(func() {
		l.Close()
		c.mu.Lock()
		defer c.mu.Unlock()
		for conn := range c.conns {
			conn.Close()
		}
	})
	return c
}

func (c *cutter) serve() {
	for {
		client, err := c.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", c.server)
		if err != nil {
			client.Close()
			continue
		}
		c.mu.Lock()
		c.conns[client], c.conns[server] = true, true
		c.mu.Unlock()
		go c.pass(client, server, true)
		go c.pass(server, client, false)
	}
}

// set makes the next bytes count for a cut, or lets all pass.
func (c *cutter) set(next *cut) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = next
}

// take counts n bytes that are about to pass, and says how many of them may, and which cut is to be made then.
func (c *cutter) take(n int, up bool) (int, *cut) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut == nil || c.cut.made {
		return n, nil
	}
	passed := &c.cut.passed[0]
	if up {
		passed = &c.cut.passed[1]
	}
	left := c.cut.after - *passed
	*passed += int64(n)
	if up != c.cut.up || int64(n) <= left {
		return n, nil
	}
	c.cut.made = true
	return int(left), c.cut
}

func (c *cutter) pass(from, to net.Conn, up bool) {
	var kept *cut
	defer func() {
		from.Close()
		if kept == nil {
			to.Close()
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.conns, from)
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			may, made := c.take(n, up)
			if _, err := to.Write(buf[:may]); err != nil {
				return
			}
			if made != nil {
				if made.then != nil {
					made.then()
				}
				if made.late {
					kept = made
					rest := append([]byte(nil), buf[may:n]...)
					go func() { // the server sees a slow client, while the client sees nobody
						<-made.release
						to.Write(rest)
						close(made.done)
					}()
				}
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// A lossy is a store whose client goes through a cutter, that is set when a commit begins.
type lossy struct {
	*Store
	*cutter
	next atomic.Pointer[cut]
}

func newLossy(t testing.TB, prefix string) *lossy {
	l := &lossy{cutter: newCutter(t)}
	intercept := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if txn, ok := req.(*etcdserverpb.TxnRequest); ok && len(txn.Compare) > 1 { // a commit; a fence has one comparison
			if next := l.next.Swap(nil); next != nil {
				l.set(next)
			}
		}
		return invoke(ctx, method, req, reply, cc, opts...)
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"http://" + l.Addr().String()}, Logger: zap.NewNop(), BackoffWaitBetween: time.Millisecond,
		DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(intercept)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if l.Store, err = open(context.Background(), client, prefix); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Store.Close() })
	return l
}

// TestR26_LostCommit cuts the connection at every byte of a commit and of its answer, and the commit's bytes late besides:
// what the call returned is what happened, once, and stays so.
func TestR26_LostCommit(t *testing.T) {
	prefix := newPrefix()
	l := newLossy(t, prefix)
	e := newEngine(t, l.Store, sharing.WithPolicy(sharing.Policy{MaxImages: -1}))
	direct := newEngine(t, openAt(t, prefix, server.endpoint))

	probe := &cut{after: 1 << 40}
	l.next.Store(probe)
	if _, err := e.Register(t.Context(), "probe", sharing.ImageSpec{Name: "probe", Region: "r"}); err != nil {
		t.Fatal(err)
	}
	l.set(nil)
	step := int64(4)
	if *long {
		step = 1
	}
	type attempt struct {
		where   string
		account sharing.AccountID
		err     error
	}
	var attempts []attempt
	register := func(e *sharing.Engine, account sharing.AccountID) error {
		_, err := e.Once("token").Register(t.Context(), account, sharing.ImageSpec{Name: "n", Region: "r"})
		return err
	}
	for _, way := range []struct {
		name     string
		up, late bool
		bytes    int64
	}{
		{"the commit", true, false, probe.passed[1]},
		{"the answer", false, false, probe.passed[0]},
		{"the commit, which arrives late", true, true, probe.passed[1]},
	} {
		for after := int64(0); after <= way.bytes; after += step {
			account := sharing.AccountID(fmt.Sprintf("a%d", len(attempts)))
			c := &cut{up: way.up, after: after, late: way.late, release: make(chan struct{}), done: make(chan struct{})}
			l.next.Store(c)
			err := register(e, account)
			l.set(nil)
			if way.late && c.made {
				close(c.release)
				<-c.done
			}
			attempts = append(attempts, attempt{fmt.Sprintf("%s cut after %d of %d bytes", way.name, after, way.bytes), account, err})
		}
	}
	made := 0
	for _, a := range attempts {
		want := 0
		if a.err == nil {
			want, made = 1, made+1
		}
		if errors.Is(a.err, sharing.ErrOutcomeUnknown) {
			t.Errorf("%s: unknown though the server was there all the time: %v", a.where, a.err)
		} else if got := countImages(t, direct, a.account); got != want {
			t.Errorf("%s: Register returned %v, but there are %d images", a.where, a.err, got)
		}
		if err := register(direct, a.account); err != nil {
			t.Errorf("%s: the repeated call: %v", a.where, err)
		}
		if got := countImages(t, direct, a.account); got != 1 {
			t.Errorf("%s: after the repeated call there are %d images", a.where, got)
		}
	}
	t.Logf("%d cases: %d made, %d not made", len(attempts), made, len(attempts)-made)
	if len(attempts) < 500 || made == 0 || made == len(attempts) {
		t.Errorf("too few cases")
	}
}

// TestR26_StaysAway loses the answer to a commit, and the server with it, for as long as the caller waits: the outcome is unknown.
func TestR26_StaysAway(t *testing.T) {
	l := newLossy(t, newPrefix())
	e := newEngine(t, l.Store)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l.next.Store(&cut{after: 0, then: func() { time.AfterFunc(time.Second, cancel) }})
	l.Listener.Close()
	if _, err := e.Register(ctx, "a", sharing.ImageSpec{Region: "r"}); !errors.Is(err, sharing.ErrOutcomeUnknown) {
		t.Errorf("Register returned %v", err)
	}
}

func countImages(t *testing.T, e *sharing.Engine, account sharing.AccountID) (n int) {
	for _, err := range e.Images(t.Context(), account, sharing.ImageQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// A lateKV loses the first commit that is made through it, for as long as arrive is not called.
type lateKV struct {
	etcdserverpb.KVClient
	arrive func() (*etcdserverpb.TxnResponse, error)
}

func (l *lateKV) Txn(
	ctx context.Context, in *etcdserverpb.TxnRequest, opts ...grpc.CallOption,
) (*etcdserverpb.TxnResponse, error) {
	if len(in.Compare) == 0 || l.arrive != nil {
		return l.KVClient.Txn(ctx, in, opts...)
	}
	l.arrive = func() (*etcdserverpb.TxnResponse, error) {
		return l.KVClient.Txn(context.WithoutCancel(ctx), in, opts...)
	}
	return nil, status.Error(codes.Unavailable, "the connection is lost")
}

// TestR26_AbsentStaysAbsent tells a transaction that an operation was not made. Whatever the transaction then commits,
// the operation's own commit must not take effect when it arrives after all.
func TestR26_AbsentStaysAbsent(t *testing.T) {
	prefix := newPrefix()
	losing, other := openAt(t, prefix, server.endpoint), openAt(t, prefix, server.endpoint)
	late := &lateKV{KVClient: losing.kv}
	losing.kv = late
	appendEvent := func(tx sharing.UpdateTx, operation string) error {
		return tx.Append([]sharing.Event{{Operation: operation, Actor: "a", At: time.Now(), Kind: sharing.EventTrustSet}})
	}
	err := losing.Update(t.Context(), func(tx sharing.UpdateTx) error { return appendEvent(tx, "lost") })
	if !errors.Is(err, sharing.ErrOutcomeUnknown) {
		t.Fatalf("the outcome of a lost commit should be unknown: %v", err)
	}
	err = other.Update(t.Context(), func(tx sharing.UpdateTx) error {
		if state, err := tx.Load(sharing.Need{Operation: "lost"}); err != nil || len(state.Operation) > 0 {
			t.Errorf("the lost operation has not arrived yet, and Load found %v, error %v", state.Operation, err)
		}
		return appendEvent(tx, "another")
	})
	if err != nil {
		t.Fatal(err)
	}
	if response, err := late.arrive(); err != nil || response.Succeeded {
		t.Errorf("R26: an operation was made after a transaction was told that it was not, and committed (error %v)", err)
	}
}
