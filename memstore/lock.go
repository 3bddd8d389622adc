package memstore

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
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

// A lock is a mutex whose waiters wait no longer than their contexts last. A caller that comes when it is free may get
// it before those that wait, since all would wait for one that has to be woken first. Only the first in the queue that
// has waited for long is handed it.
type lock struct {
	held    atomic.Bool
	queue   sync.Mutex // guards waiting
	waiting []*waiter
}

// longWait is how long a caller waits before nobody gets the lock before it.
const longWait = 50 * time.Millisecond

// A waiter is a caller that sleeps.
type waiter struct {
	since time.Time
	woken chan struct{} // holds an item if it has to look whether the lock is free or its own
	owns  atomic.Bool   // it was handed the lock
}

func (l *lock) tryLock() bool { return !l.held.Load() && l.held.CompareAndSwap(false, true) }

func (l *lock) lock(ctx context.Context) error {
	if tried(l.tryLock) {
		return nil
	}
	w := &waiter{since: time.Now(), woken: make(chan struct{}, 1)}
	l.queue.Lock()
	l.waiting = append(l.waiting, w)
	l.queue.Unlock()
	for got := l.tryLock(); !got; got = tried(func() bool { return w.owns.Load() || l.tryLock() }) {
		select {
		case <-w.woken:
		case <-ctx.Done():
			return l.giveUp(w, ctx.Err())
		}
	}
	if !w.owns.Load() {
		l.leave(w)
	}
	return nil
}

// leave takes w out of the queue. If the lock is free, w may be the one that was woken to look: the next looks instead.
func (l *lock) leave(w *waiter) {
	l.queue.Lock()
	defer l.queue.Unlock()
	l.waiting = slices.DeleteFunc(l.waiting, func(other *waiter) bool { return other == w })
	if len(l.waiting) > 0 && !l.held.Load() {
		l.waiting[0].wake()
	}
}

// giveUp returns err for a waiter whose context has ended.
func (l *lock) giveUp(w *waiter, err error) error {
	l.leave(w)
	if w.owns.Load() { // it was handed the lock meanwhile
		l.unlock()
	}
	return err
}

func (l *lock) unlock() {
	l.queue.Lock()
	defer l.queue.Unlock()
	if len(l.waiting) == 0 {
		l.held.Store(false)
		return
	}
	first := l.waiting[0]
	if time.Since(first.since) < longWait {
		l.held.Store(false)
	} else {
		l.waiting = slices.Delete(l.waiting, 0, 1)
		first.owns.Store(true)
	}
	first.wake()
}

func (w *waiter) wake() {
	select {
	case w.woken <- struct{}{}:
	default: // it has yet to look
	}
}
