package etcdstore_test

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"os"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/etcdstore"
)

func ExampleOpen() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	endpoint, stop := startEtcd() // a program names its cluster's members instead
	defer stop()

	store, err := etcdstore.Open(ctx, []string{endpoint})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	engine, err := sharing.New(store)
	if err != nil {
		log.Fatal(err)
	}
	img, err := engine.Register(ctx, "alice", sharing.ImageSpec{Name: "debian-13", Region: "eu-1"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := engine.Share(ctx, "alice", img.ID, sharing.Account("bob")); err != nil {
		log.Fatal(err)
	}
	fmt.Println(engine.CanUse(ctx, "bob", img.ID, "eu-1"))
	// Output: <nil>
}

// startEtcd starts an etcd server of one member in this process, in a folder that stop removes.
func startEtcd() (endpoint string, stop func()) {
	dir, err := os.MkdirTemp("", "etcd")
	if err != nil {
		log.Fatal(err)
	}
	cfg := embed.NewConfig()
	cfg.Dir = dir
	anyPort := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	cfg.ListenClientUrls, cfg.ListenPeerUrls = anyPort, anyPort
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		log.Fatal(err)
	}
	<-etcd.Server.ReadyNotify()
	return "http://" + etcd.Clients[0].Addr().String(), func() {
		etcd.Close()
		if err := os.RemoveAll(dir); err != nil {
			log.Fatal(err)
		}
	}
}
