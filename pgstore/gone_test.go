package pgstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/pgtest"
	"github.com/imageshare/sharing/pgstore"
)

// TestR26_MachineGone loses a machine while it sends a commit: the server has the writes and their locks, and hears
// nothing more, not even that the connection has ended. It ends the session by itself, long before callers give up.
func TestR26_MachineGone(t *testing.T) {
	pgtest.CanVanish(t)
	b := newBed(t, "fsync=off")
	database := b.database(t)
	b.ListenTCP(t)
	proxy := pgtest.NewProxy(t, b.Server)
	store, err := pgstore.Open(t.Context(), proxy.DSN(database)+" default_query_exec_mode=exec")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	gone, near := newEngine(t, store), newEngine(t, b.open(t, database))
	img, err := near.Register(t.Context(), "owner", sharing.ImageSpec{Region: "here"})
	if err != nil {
		t.Fatal(err)
	}
	lost := make(chan struct{})
	proxy.Cut(&pgtest.Cut{Direction: pgtest.Up, Before: "COMMIT\x00", Gone: true, Then: func() { close(lost) }})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	answer := make(chan error, 1)
	go func() {
		_, err := gone.Share(ctx, "owner", img.ID, "grantee")
		answer <- err
	}()
	<-lost
	began := time.Now()
	if err := near.Protect(ctx, "owner", img.ID); err != nil {
		t.Errorf("R26: a change of the image waits for a machine that is gone: %v", err)
	}
	t.Logf("the session of the machine ended within %v", time.Since(began).Round(time.Second))
	if err := <-answer; errors.Is(err, sharing.ErrOutcomeUnknown) {
		t.Errorf("R26: the outcome can be found out, and it was answered that nobody knows: %v", err)
	}
}
