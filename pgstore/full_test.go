package pgstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/pgstore"
)

// TestR22_DiskFull fills the disk of the server's tables under load. Changes fail with an error that says what to do, reads go on,
// nothing is lost or half done, and once there is room the same store goes on.
func TestR22_DiskFull(t *testing.T) {
	b := newBed(t, "autovacuum=off")
	database := b.database(t)
	b.SQL(t, "postgres", "CREATE DATABASE bare")
	disk := b.Confine(t, "base", 96<<20)
	b.SQL(t, "bare", "SELECT") // the first who connects writes a file
	store := b.open(t, database)
	w := newWork(t, newEngine(t, store))
	w.during(t, func() {
		disk.Fill(t, 256<<10)
		err := w.untilFailure(t)
		says(t, err)
		var refusal *sharing.Refusal
		if errors.As(err, &refusal) || errors.Is(err, sharing.ErrOutcomeUnknown) {
			t.Errorf("no rule refuses it, and it is known that nothing was changed: %v", err)
		}
		if err := w.engine.CanUse(t.Context(), "owner", w.images[0], "here"); err != nil {
			t.Errorf("what is there can be read: %v", err)
		}
		_, err = pgstore.Open(t.Context(), b.DSN("bare"))
		says(t, err)
		disk.Free(t)
	})
	w.verify(t, store)
	t.Log(w.counts)
}

// TestR26_LogDiskFull fills the disk of the server's write-ahead log under load, at which the server crashes. Whatever became of
// the changes under way, nothing acknowledged is lost, and once there is room and a server the same store goes on.
func TestR26_LogDiskFull(t *testing.T) {
	b := newBed(t, "restart_after_crash=off") // or else it may crash again, and give up
	database := b.database(t)
	disk := b.Confine(t, "pg_wal", 64<<20)
	store := b.open(t, database)
	conn, err := pgx.Connect(t.Context(), b.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	w := newWork(t, newEngine(t, store))
	w.during(t, func() {
		disk.Fill(t, 0)
		var err error
		for err == nil { // the load alone would take long to use up what the log has
			_, err = conn.Exec(t.Context(), "SELECT pg_logical_emit_message(false, '', repeat('x', 1000000))")
		}
		disk.Free(t)
		b.Stop()
		b.Launch(t)
	})
	if !strings.Contains(b.Log(t), "No space left on device") {
		t.Error("the disk was never full")
	}
	w.verify(t, store)
	t.Log(w.counts)
}

// untilFailure makes changes until one fails, and returns its error.
func (w *work) untilFailure(t *testing.T) (err error) {
	for n := 0; err == nil; n++ {
		_, err = w.engine.Share(t.Context(), "owner", w.images[0], sharing.Grantee(fmt.Sprint("one-more-", n)))
	}
	return err
}

// says checks that an error tells of the full disk, and what to do.
func says(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "the server's disk is full: make room on it") {
		t.Errorf("the error does not say that the disk is full: %v", err)
	}
}
