package memstore

import (
	"context"
	"sync"
	"sync/atomic"
)

// readLocks is how many locks the transactions that read share: so many that two processors seldom meet at one, and so
// few that taking all of them, which each change does, stays cheap.
const readLocks = 8

// A readLock fills two cache lines, its own and the next one, since processors fetch them together.
type readLock struct {
	sync.RWMutex
	_ [128 - 24]byte
}

// spins is how often a lock is tried before its caller sleeps: for longer than most changes take, since sleeping and
// being woken, often by a processor that sleeps too, takes many times as long.
const spins = 30_000

// patiently gets a lock: first by calling try for a while, and failing that by calling lock.
func patiently(try func() bool, lock func()) {
	if !tried(try) {
		lock()
	}
}

// tried tries to get a lock for a while, and reports whether it was got.
func tried(try func() bool) bool {
	for range spins {
		if try() {
			return true
		}
	}
	return false
}

// A lock is a mutex whose waiters wait no longer than their contexts last. As with [sync.Mutex], a caller that comes
// when the lock is free may get it before those that wait: handing it to a waiter that has to be woken first would
// make all others wait for that.
type lock struct {
	held  atomic.Bool
	freed chan struct{} // holds an item if it was unlocked since one who waits was last woken
}

func newLock() lock { return lock{freed: make(chan struct{}, 1)} }

func (l *lock) tryLock() bool { return !l.held.Load() && l.held.CompareAndSwap(false, true) }

func (l *lock) lock(ctx context.Context) error {
	for !tried(l.tryLock) {
		select {
		case <-l.freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (l *lock) unlock() {
	l.held.Store(false)
	select {
	case l.freed <- struct{}{}:
	default: // whoever waits is woken by the item that is there
	}
}
