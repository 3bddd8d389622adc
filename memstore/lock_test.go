package memstore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A caller that has waited for long gets the lock next, however many others come for it.
func TestLock_HandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lock
		lockNow(t, &l)
		got := make(chan struct{})
		go func() {
			lockNow(t, &l)
			close(got)
		}()
		synctest.Wait() // until it sleeps
		time.Sleep(longWait)
		l.unlock()
		if l.tryLock() {
			t.Fatal("another got the lock before one that had waited for long")
		}
		<-got
		l.unlock()
		lockNow(t, &l)
	})
}

// A waiter whose context ends leaves the lock to the next, also if it was woken or handed the lock just then.
func TestLock_GivenUp(t *testing.T) {
	for _, wait := range []time.Duration{0, longWait} {
		for range 200 {
			synctest.Test(t, func(t *testing.T) {
				var l lock
				lockNow(t, &l)
				ctx, cancel := context.WithCancel(t.Context())
				first := make(chan error)
				go func() { first <- l.lock(ctx) }()
				synctest.Wait() // until it sleeps, at the head of the queue
				second := make(chan struct{})
				go func() {
					lockNow(t, &l)
					close(second)
				}()
				synctest.Wait()
				time.Sleep(wait)
				cancel()
				l.unlock()
				switch err := <-first; {
				case err == nil:
					l.unlock()
				case !errors.Is(err, context.Canceled):
					t.Error(err)
				}
				<-second
			})
		}
	}
}

func lockNow(t *testing.T, l *lock) {
	if err := l.lock(context.Background()); err != nil {
		t.Error(err)
	}
}
