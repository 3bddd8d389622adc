package memstore

import (
	"context"
	"sync"
	"sync/atomic"
)

// readLocks is how many locks those that read share: enough that two processors seldom meet at one,
// and few, since each change takes them all.
const readLocks = 8

// A readLock has a cache line of its own, and the next one, which processors fetch with it.
type readLock struct {
	sync.RWMutex
	_ [128 - 24]byte
}

// spins is how often a lock is tried before its caller sleeps: for longer than most changes take, since
// to sleep and be woken, often with a processor that sleeps too, takes many times as long as that.
const spins = 30_000

// patiently gets a lock: by try, for a while, or else by lock.
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

// A lock is a mutex for which one waits no longer than a context lasts. As with [sync.Mutex], who comes when it is free
// may have it before those who wait: to hand it to one who has to be woken first would let all others wait for that.
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
