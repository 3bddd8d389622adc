package etcdstore

import (
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/storetest"
)

func TestStore(t *testing.T) { storetest.Run(t, openNew) }

func TestStore_Shared(t *testing.T) {
	storetest.RunShared(t, func(t *testing.T) (a, b sharing.Store) {
		prefix := newPrefix()
		return openAt(t, prefix, server.endpoint), openAt(t, prefix, server.endpoint)
	})
}
