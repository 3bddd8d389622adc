// Package storetest is the conformance suite for stores: whatever implements [sharing.Store] has to pass [Run].
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) sharing.Store {
//			store := mystore.Open(t.TempDir())
//			t.Cleanup(func() { store.Close() })
//			return store
//		})
//	}
//
// The suite asks of a store what the rules need of it and the doc comments of [sharing.Store]
// promise, and nothing else. A failure says which promise was broken, in the contract's
// words. The parts come in an order in which the first that fails says most. Run it with the
// race detector (go test -race) too: some of what it does at once fails only then.
//
// Nothing is ever opened anew: what a store keeps when it is closed, or when the program
// or the machine ends, is for tests of its own.
//
// A failure of the part that is random is kept in testdata/rapid, and tried first the next
// time, unless the test is run with -rapid.nofailfile.
//
// A store that two programs can open at once, such as a database, has to pass [RunShared] too.
// [RunLarge] asks what takes long to ask. [Benchmark] measures a store as the engine uses it.
// [Faulty] makes a store fail on demand, for tests of what stands above it.
package storetest

import (
	"testing"

	"github.com/imageshare/sharing"
)

// Run tests the store that open returns: a new and empty one at each call, that ends by a
// cleanup which open registers on t.
//
// Run calls open some dozens of times. A subtest opens two stores where it needs a foreign
// cursor or a place to replay to.
func Run(t *testing.T, open func(t *testing.T) sharing.Store) {
	one := func(t *testing.T) []sharing.Store { return []sharing.Store{open(t)} }
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) { part.test(t, one) })
	}
}

// RunShared tests two handles on one database: open returns two stores that keep their state in the same place,
// new and empty at each call, each opened as another program would open it.
// Two engines on them have to behave as one.
func RunShared(t *testing.T, open func(t *testing.T) (a, b sharing.Store)) {
	two := func(t *testing.T) []sharing.Store {
		a, b := open(t)
		return []sharing.Store{a, b}
	}
	for _, part := range sharedParts {
		t.Run(part.name, func(t *testing.T) { part.test(t, two) })
	}
}

// An opener opens the handles under test on one new, empty database: one of them, or two for RunShared.
type opener func(t *testing.T) []sharing.Store

// A part is one part of the suite.
type part struct {
	name string
	test func(*testing.T, opener)
}

// parts are what every store has to pass.
var parts = []part{
	{"Load", testLoad},
	{"Images", testImages},
	{"Derived", testDerived},
	{"Shares", testShares},
	{"Instances", testInstances},
	{"Events", testEvents},
	{"Cursors", testCursors},
	{"Changed", testChanged},
	{"Writes", testWrites},
	{"Tombstones", testTombstones},
	{"Values", testValues},
	{"Identifiers", testIdentifiers},
	{"Transactions", testTransactions},
	{"Contexts", testContexts},
	{"Random", testRandom},
	{"Serialisable", testSerialisable},
	{"Concurrency", testConcurrency},
	{"Follower", testFollower},
	{"Faults", testFaults},
}

// sharedParts are what two handles on one database have to pass.
var sharedParts = []part{
	{"Handles", testHandles},
	{"Changed", testChanged},
	{"Serialisable", testSerialisable},
	{"Concurrency", testConcurrency},
	{"Follower", testFollower},
}
