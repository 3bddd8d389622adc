package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/sqlitestore"
)

// TestHotImage launches from one image by 32 callers in each of two processes at once: all get on, however long it takes.
func TestHotImage(t *testing.T) {
	path := newScene(t)
	const calls = 4
	start := time.Now()
	other := startChild(t, "hammer", path, fmt.Sprint(calls))
	if err := hammer(t.Context(), openStore(t, path), calls); err != nil {
		t.Error(err)
	}
	if err := other.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("%d launches of one image in two processes: %v", 2*32*calls, time.Since(start).Round(time.Millisecond))
}

func hammerRole(ctx context.Context, store *sqlitestore.Store, args []string) error {
	var calls int
	fmt.Sscan(args[0], &calls)
	return hammer(ctx, store, calls)
}

// hammer launches from one image by 32 callers, each so many times.
func hammer(ctx context.Context, store *sqlitestore.Store, calls int) error {
	e, err := sharing.New(store)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	errs := make(chan error, 32)
	for range 32 {
		all.Go(func() {
			for range calls {
				if _, err := e.Launch(ctx, "bob", sharing.LaunchSpec{Image: "old1", Region: "eu"}); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(errs)
	return <-errs
}

// An impatientContext ends once somebody waits for its end.
type impatientContext struct {
	context.Context
	end context.CancelFunc
}

func impatient(t *testing.T) context.Context {
	ctx, end := context.WithCancel(t.Context())
	return impatientContext{ctx, end}
}

func (c impatientContext) Done() <-chan struct{} {
	c.end()
	return c.Context.Done()
}

// TestBusy lets another program keep the lock: a change waits for it as long as its context or the store's patience lasts, and a
// read does not.
func TestBusy(t *testing.T) {
	path := newScene(t)
	e := engineOn(t, openStore(t, path), "new")
	other := raw(t, path)
	execute(t, other, `BEGIN IMMEDIATE`)
	share := func(ctx context.Context) error {
		_, err := e.Share(ctx, "alice", "old1", "dora")
		return err
	}
	if err := share(impatient(t)); !errors.Is(err, context.Canceled) || !errors.Is(err, sharing.ErrConflict) {
		t.Errorf("the error should wrap the context's and ErrConflict: %v", err)
	}
	if err := e.CanUse(t.Context(), "bob", "old1", "eu"); err != nil {
		t.Errorf("a read should not wait: %v", err)
	}
	done := make(chan error)
	go func() { done <- share(t.Context()) }()
	execute(t, other, `COMMIT`)
	if err := <-done; err != nil {
		t.Errorf("the change should be made once the lock is released: %v", err)
	}
}

func TestBusy_PatienceEnds(t *testing.T) {
	path := newScene(t)
	e := engineOn(t, openStore(t, path), "new")
	other := raw(t, path)
	execute(t, other, `BEGIN IMMEDIATE`)
	before := dump(t, path)
	defer sqlitestore.SetPatience(20)()
	if _, err := e.Share(t.Context(), "alice", "old1", "dora"); !errors.Is(err, sharing.ErrConflict) {
		t.Errorf("the error should wrap ErrConflict: %v", err)
	}
	execute(t, other, `ROLLBACK`)
	if dump(t, path) != before {
		t.Error("R22: a change that failed changed something")
	}
}
