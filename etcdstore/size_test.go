package etcdstore

import (
	"fmt"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/imageshare/sharing"
)

// TestSizes measures what a share, a launch and an event take, keys and values, without etcd's own overhead.
func TestSizes(t *testing.T) {
	s := openAt(t, newPrefix(), server.endpoint)
	e := newEngine(t, s, sharing.WithPolicy(sharing.Policy{MaxShares: -1}))
	img, err := e.Register(t.Context(), "123456789012", sharing.ImageSpec{Name: "debian-13", Family: "debian", Region: "eu-1"})
	if err != nil {
		t.Fatal(err)
	}
	const n = 100
	for _, kind := range []struct {
		name string
		most int // a growth beyond it is to be noticed
		call func(i int) error
	}{
		{"share", 1200, func(i int) error {
			_, err := e.Share(t.Context(), img.Owner, img.ID, sharing.Grantee(fmt.Sprint(100000000000+i)))
			return err
		}},
		{"launch", 1500, func(i int) error {
			_, err := e.Launch(t.Context(), "123456789012", sharing.LaunchSpec{Image: img.ID, Region: "eu-1"})
			return err
		}},
	} {
		before := s.bytes(t, "")
		log := s.bytes(t, tableLog) + s.bytes(t, tableEvent) + s.bytes(t, tableActor) + s.bytes(t, tableOperation)
		for i := range n {
			if err := kind.call(i); err != nil {
				t.Fatal(err)
			}
		}
		all := (s.bytes(t, "") - before) / n
		events := (s.bytes(t, tableLog) + s.bytes(t, tableEvent) + s.bytes(t, tableActor) + s.bytes(t, tableOperation) - log) / n
		t.Logf("a %s takes %d bytes, of which %d are its event", kind.name, all, events)
		if all > kind.most {
			t.Errorf("a %s takes %d bytes, more than %d", kind.name, all, kind.most)
		}
	}
}

// bytes returns the size of a table's keys and values, or of all.
func (s *Store) bytes(t *testing.T, table string) (n int) {
	prefix := s.prefix
	if table != "" {
		prefix = s.key(table)
	}
	found, err := s.client.Get(t.Context(), prefix, clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	for _, kv := range found.Kvs {
		n += len(kv.Key) + len(kv.Value)
	}
	return n
}
