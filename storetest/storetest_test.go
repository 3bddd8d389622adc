package storetest

import (
	"testing"

	"github.com/imageshare/sharing"
)

// TestReference holds the reference, which the suite compares stores with, to the suite itself.
func TestReference(t *testing.T) {
	Run(t, func(*testing.T) sharing.Store { return newReference() })
	RunShared(t, func(*testing.T) (a, b sharing.Store) {
		r := newReference()
		return r, r
	})
}
