package storetest

import (
	"testing"

	"github.com/imageshare/sharing"
)

func BenchmarkReference(b *testing.B) {
	Benchmark(b, func(*testing.B) sharing.Store { return newReference() })
}
