package etcd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/imageshare/sharing/bench/contest"
)

// The names of what other processes open: a server, and the contestants.
const (
	ServerID = "etcd server"
	ID       = "etcd"
)

// startServer starts a server of one member, as etcd is by default, in a process and a folder of its own.
func startServer() (endpoint string, stop func() error, err error) {
	dir, err := os.MkdirTemp("", "etcd")
	if err != nil {
		return "", nil, err
	}
	process, err := contest.Start(ServerID, dir)
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	stop = func() error { return errors.Join(process.Close(), os.RemoveAll(dir)) }
	at, err := os.ReadFile(addressFile(dir))
	if err != nil {
		return "", nil, errors.Join(err, stop())
	}
	return string(at), stop, nil
}

func addressFile(dir string) string { return dir + "/address" }

// OpenServer runs an etcd server in the process, which ends with it.
func OpenServer(_ context.Context, dir string) ([]contest.Contestant, error) {
	cfg := embed.NewConfig()
	cfg.Dir = dir + "/data"
	anyPort := []url.URL{{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", "0")}}
	cfg.ListenClientUrls, cfg.ListenPeerUrls = anyPort, anyPort
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	server, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, err
	}
	select {
	case <-server.Server.ReadyNotify():
	case err := <-server.Err():
		return nil, fmt.Errorf("etcd: %w", err)
	}
	return nil, os.WriteFile(addressFile(dir), []byte("http://"+server.Clients[0].Addr().String()), 0o600)
}
