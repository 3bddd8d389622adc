// Package storetest is the conformance suite for stores: every implementation of [sharing.Store] has to pass [Run].
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) sharing.Store {
//			store := mystore.Open(t.TempDir())
//			t.Cleanup(func() { store.Close() })
//			return store
//		})
//	}
//
// The suite tests what the rules need of a store and what the doc comments of [sharing.Store] promise, and nothing else.
// A failure says which promise was broken, in the words of the contract. The parts are ordered so that the first one that
// fails tells the most. Run the suite with the race detector (go test -race) too: some concurrent tests fail only then.
//
// The suite never reopens a store. What a store keeps when it is closed, or when the program or the machine ends, is for
// the store's own tests.
//
// A failure of the random part is kept in testdata/rapid and tried first the next time, unless the test is run with
// -rapid.nofailfile.
//
// A store that two programs can open at once, such as a database, has to pass [RunShared] too.
// [RunLarge] tests what takes long to test. [Benchmark] measures a store as the engine uses it.
// [Faulty] makes a store fail on demand, for tests of the code that uses a store.
package storetest

import (
	"testing"

	"github.com/imageshare/sharing"
)

// Run tests the store that open returns. Each call of open has to return a new, empty store, and to register
// on t a cleanup that closes it.
//
// Run calls open several dozen times. A subtest opens a second store if it needs a foreign
// cursor or a target for a replay.
func Run(t *testing.T, open func(t *testing.T) sharing.Store) {
	one := func(t *testing.T) []sharing.Store { return []sharing.Store{open(t)} }
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) { part.test(t, one) })
	}
}

// RunShared tests two handles on one database. Each call of open has to return two stores that keep their state in the
// same place, new and empty, each opened as another program would open it. Two engines on them have to behave as one.
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
