// Package memory compares this library on its memory store with a floor, two Go maps under a lock, and with libraries
// that keep such data, or decide on it, in memory. Each is in the best configuration that was found for it.
package memory

import (
	"context"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/world"
)

// The names of the contestants.
const (
	nameFloor   = "two maps"
	nameMaps    = "sharing on two maps"
	nameLibrary = "sharing"
	nameCedar   = "cedar-go"
	nameMemdb   = "go-memdb"
	nameCasbin  = "casbin"
)

// A checker answers questions.
type checker interface {
	allowed(world.Question) bool
}

// A keeper keeps a world that changes, and a record of each change. It is safe for concurrent use.
type keeper interface {
	checker
	share(owner sharing.AccountID, image sharing.ImageID, grantee sharing.Grantee) error
	unshare(owner sharing.AccountID, image sharing.ImageID, grantee sharing.Grantee) error
	launch(world.Question) (sharing.InstanceID, error)
	capture(account sharing.AccountID, instance sharing.InstanceID) error
}

// A named contestant.
type named[T any] struct {
	name string
	is   T
}

// newKeepers returns the keepers of a world, the floor first.
func newKeepers(ctx context.Context, w *world.World) ([]named[keeper], error) {
	l, err := newLibrary(ctx, w)
	if err != nil {
		return nil, err
	}
	m, err := newMemdb(w)
	return []named[keeper]{{nameFloor, newFloor(w)}, {nameLibrary, l}, {nameMemdb, m}}, err
}

// newCheckers returns the checkers that can hold the world in reasonable time and memory, the floor first.
func newCheckers(ctx context.Context, w *world.World) ([]named[checker], error) {
	l, err := newLibrary(ctx, w)
	if err != nil {
		return nil, err
	}
	onMaps, err := newMapLibrary(ctx, w)
	if err != nil {
		return nil, err
	}
	checkers := []named[checker]{{nameFloor, newFloor(w)}, {nameMaps, onMaps}, {nameLibrary, l}}
	if w.Shares < 2_000_000 {
		c, err := newCedar(w)
		if err != nil {
			return nil, err
		}
		m, err := newMemdb(w)
		if err != nil {
			return nil, err
		}
		checkers = append(checkers, named[checker]{nameCedar, c}, named[checker]{nameMemdb, m})
	}
	if w.Shares < 200_000 {
		c, err := newCasbin(w)
		if err != nil {
			return nil, err
		}
		checkers = append(checkers, named[checker]{nameCasbin, c})
	}
	return checkers, nil
}
