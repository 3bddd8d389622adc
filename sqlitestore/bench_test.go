package sqlitestore_test

import (
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/storetest"
)

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, func(b *testing.B) sharing.Store { return openStore(b, newFile(b)) })
}
