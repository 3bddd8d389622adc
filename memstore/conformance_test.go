package memstore_test

import (
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
	"github.com/imageshare/sharing/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) sharing.Store { return memstore.New() })
}
