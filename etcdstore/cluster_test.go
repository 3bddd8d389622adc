package etcdstore

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// A memberTask is what a process that is a member of a cluster is told.
type memberTask struct {
	Name, Dir    string
	Client, Peer string
	Proxy        string // at which the others reach Peer
	Cluster      string
	State        string // "new", or "existing" for one that comes back
}

// memberChild is such a process. It says when it is ready, and ends with its input.
func memberChild() error {
	var task memberTask
	if err := told(&task); err != nil {
		return err
	}
	client, err := url.Parse(task.Client)
	if err != nil {
		return err
	}
	peer, err := url.Parse(task.Peer)
	if err != nil {
		return err
	}
	proxy, err := url.Parse(task.Proxy)
	if err != nil {
		return err
	}
	cfg := embed.NewConfig()
	cfg.Name, cfg.Dir = task.Name, task.Dir
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*proxy}
	cfg.InitialCluster, cfg.ClusterState = task.Cluster, task.State
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	cfg.TickMs, cfg.ElectionMs = 50, 500
	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		return err
	}
	defer etcd.Close()
	if err := ready(etcd); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode("ready"); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// A cluster has three members, each a process of its own, on a network that can be parted. Clients reach each at any time.
type cluster struct {
	testing.TB
	*network
	tasks   []memberTask
	members []*child
	admin   *clientv3.Client
}

func startCluster(t testing.TB) *cluster {
	c := &cluster{TB: t, network: newNetwork(t), members: make([]*child, 3)}
	dir := t.TempDir()
	var peers []string
	for i := range c.members {
		client, err := freeURL()
		if err != nil {
			t.Fatal(err)
		}
		peer, err := freeURL()
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprint("m", i)
		proxy := c.proxy(t, peer.String())
		c.tasks = append(c.tasks, memberTask{name, filepath.Join(dir, name), client.String(), peer.String(), proxy, "", "new"})
		peers = append(peers, name+"="+proxy)
	}
	for i := range c.tasks {
		c.tasks[i].Cluster = strings.Join(peers, ",")
		c.members[i] = startChild(t, "member", c.tasks[i])
	}
	for _, m := range c.members {
		c.ready(m)
	}
	c.admin = newClient(t, c.endpoints()...)
	return c
}

func (c *cluster) endpoints() (all []string) {
	for _, task := range c.tasks {
		all = append(all, task.Client)
	}
	return all
}

func (c *cluster) ready(m *child) {
	c.Helper()
	var said string
	if err := m.stdout.Decode(&said); err != nil {
		c.Fatalf("a member did not start: %v", err)
	}
}

// leader returns the number of the member that leads.
func (c *cluster) leader() int {
	c.Helper()
	for i, task := range c.tasks {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		status, err := c.admin.Status(ctx, task.Client)
		cancel()
		if err == nil && status.Leader == status.Header.MemberId {
			return i
		}
	}
	return 0 // just then there is none: any member will do
}

// kill ends a member without warning.
func (c *cluster) kill(i int) {
	c.signal(i, syscall.SIGKILL)
	_ = c.members[i].Wait() // it was killed
}

// restart brings a killed member back.
func (c *cluster) restart(i int) {
	c.tasks[i].State = "existing"
	c.members[i] = startChild(c.TB, "member", c.tasks[i])
	c.ready(c.members[i])
}

// from returns the wires from a member to the others, and to those from it.
func (c *cluster) from(i int) (wires []wire) {
	for j := range c.tasks {
		if j != i {
			wires = append(wires, wire{c.tasks[i].Proxy, c.tasks[j].Proxy})
		}
	}
	return wires
}

func (c *cluster) to(i int) (wires []wire) {
	for _, w := range c.from(i) {
		wires = append(wires, wire{w.to, w.from})
	}
	return wires
}

func (c *cluster) signal(i int, signal syscall.Signal) {
	if err := c.members[i].Process.Signal(signal); err != nil {
		c.Error(err)
	}
}
