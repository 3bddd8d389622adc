package etcdstore

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"sync/atomic"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/linearizability"
)

// server is the etcd that most tests share, each under a prefix of its own.
var server *member

func TestMain(m *testing.M) {
	linearizability.Serve(openLinear)
	if run, ok := children[os.Getenv(childEnv)]; ok {
		if err := run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "etcdstore")
		if err == nil {
			defer os.RemoveAll(dir)
			server, err = startMember(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer server.stop()
		return m.Run()
	}())
}

// A member is an etcd server in this process, on loopback sockets.
type member struct {
	*embed.Etcd
	endpoint string
}

// startMember starts a server in dir.
func startMember(dir string) (*member, error) {
	cfg := embed.NewConfig()
	cfg.Dir = dir
	anyPort := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	cfg.ListenClientUrls, cfg.ListenPeerUrls = anyPort, anyPort
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	cfg.UnsafeNoFsync = true // the tests that kill servers have their own
	cfg.TickMs, cfg.ElectionMs = 20, 200
	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, err
	}
	return &member{etcd, "http://" + etcd.Clients[0].Addr().String()}, ready(etcd)
}

// ready waits until a server answers, however long it takes, or ends.
func ready(etcd *embed.Etcd) error {
	select {
	case <-etcd.Server.ReadyNotify():
		return nil
	case err := <-etcd.Err():
		return fmt.Errorf("etcd: %w", err)
	}
}

func (m *member) stop() { m.Close() }

// freeURL returns a URL with a free port of the loopback interface.
func freeURL() (url.URL, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return url.URL{}, err
	}
	defer l.Close()
	return url.URL{Scheme: "http", Host: l.Addr().String()}, nil
}

func newClient(t testing.TB, endpoints ...string) *clientv3.Client {
	client, err := dial(endpoints)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

var prefixes atomic.Int64

// newPrefix returns a prefix under which nothing is stored.
func newPrefix() string { return fmt.Sprintf("test-%d/", prefixes.Add(1)) }

// openAt opens a store under a prefix with a client of its own, as another program would.
func openAt(t testing.TB, prefix string, endpoints ...string) *Store {
	s, err := open(context.Background(), newClient(t, endpoints...), prefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// openNew opens a new, empty store.
func openNew(t *testing.T) sharing.Store { return openAt(t, newPrefix(), server.endpoint) }
