package pgstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/logtest"
)

// TestR24_CursorOfADivergedCopy copies a database and lets both go on.
func TestR24_CursorOfADivergedCopy(t *testing.T) {
	b := newBed(t)
	database := b.database(t)
	original := b.open(t, database)
	register := func(e *sharing.Engine) {
		t.Helper()
		if _, err := e.Register(t.Context(), "owner", sharing.ImageSpec{Region: "here"}); err != nil {
			t.Fatal(err)
		}
	}
	register(newEngine(t, original))
	if err := original.Close(); err != nil {
		t.Fatal(err)
	}
	b.SQL(t, "postgres", "CREATE DATABASE copy TEMPLATE "+database)
	t.Cleanup(func() { b.SQL(t, "postgres", "DROP DATABASE copy") })
	one, other := newEngine(t, b.open(t, database)), newEngine(t, b.open(t, "copy"))
	register(one)
	register(other)
	logtest.Diverged(t, one, other, 2)
}

// TestR24_WaitOutlastsConnections ends all connections of a store, as a server does that is started again: before the
// store waits for an event, and while it does. The wait goes on until there is an event.
func TestR24_WaitOutlastsConnections(t *testing.T) {
	b := sharedBed(t)
	database := b.database(t)
	store := b.open(t, database)
	var wait func(context.Context) error
	err := store.View(t.Context(), func(tx sharing.ViewTx) error {
		wait = tx.Changed()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.SQL(t, "postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+database+"'")
	ended := make(chan error, 1)
	go func() { ended <- wait(t.Context()) }()
	const endListeners = `SELECT count(pg_terminate_backend(pid)) FROM pg_locks JOIN pg_database d ON d.oid = database
		WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted AND datname = `
	for b.SQL(t, "postgres", endListeners+"'"+database+"'") == "0" {
		select {
		case err := <-ended:
			t.Fatalf("R24: the wait ended without an event: %v", err)
		case <-time.After(10 * time.Millisecond): // psql has nothing to wait by
		}
	}
	other := newEngine(t, b.open(t, database))
	if _, err := other.Register(t.Context(), "a", sharing.ImageSpec{Region: "r"}); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("R24: the wait ended with its connection: %v", err)
	}
}
