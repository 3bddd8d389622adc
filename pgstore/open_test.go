package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/pgstore"
)

// TestOpen_Errors opens what can't be opened: the error says what is wrong.
func TestOpen_Errors(t *testing.T) {
	b := newBed(t) // since it makes roles and databases
	b.SQL(t, "postgres", "CREATE ROLE locked LOGIN PASSWORD 'right'")
	b.Admit(t, "local all locked scram-sha-256")
	for _, sql := range []string{
		"CREATE ROLE guest LOGIN", "CREATE DATABASE bare", "CREATE DATABASE other", "CREATE DATABASE otherstore", "CREATE DATABASE newer TEMPLATE empty",
		"CREATE DATABASE damaged TEMPLATE empty", "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
		"CREATE DATABASE frozen TEMPLATE empty", "ALTER DATABASE frozen SET default_transaction_read_only = on",
	} {
		b.SQL(t, "postgres", sql)
	}
	b.SQL(t, "other", "CREATE SCHEMA sharing CREATE TABLE songs (title text)")
	b.SQL(t, "otherstore", "CREATE SCHEMA sharing CREATE TABLE store (goods text)")
	b.SQL(t, "newer", "UPDATE sharing.store SET version = 99")
	b.SQL(t, "damaged", "DELETE FROM sharing.store")
	for _, c := range []struct{ name, dsn, says string }{
		{"BadDSN", "postgres://user:secret@host:port/db", "port"},
		{"NoServer", "host=/nowhere user=x dbname=y", "no server at /nowhere"},
		{"NoServerThere", "host=127.0.0.1 port=1 user=x dbname=y", "no server at 127.0.0.1 port 1"},
		{"WrongPassword", strings.Replace(b.DSN("bare"), "user=sharing", "user=locked password=secret", 1), `refuses user "locked"`},
		{"NoDatabase", b.DSN("nowhere"), `no database "nowhere"`},
		{"NoPrivilege", strings.Replace(b.DSN("bare"), "user=sharing", "user=guest", 1), "grant it CREATE"},
		{"OtherProgram", b.DSN("other"), "another program's"},
		{"OtherProgramsStore", b.DSN("otherstore"), "another program's"},
		{"Newer", b.DSN("newer"), "version 99"},
		{"Damaged", b.DSN("damaged"), "damaged"},
		{"Encoding", b.DSN("latin"), "LATIN1"},
		{"ReadOnly", b.DSN("frozen"), "read-only"},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, err := pgstore.Open(t.Context(), c.dsn)
			if err == nil {
				_ = store.Close()
				t.Fatal("it was opened")
			}
			if !strings.HasPrefix(err.Error(), "pgstore: ") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error does not say %q: %v", c.says, err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pgstore.Open(ctx, b.DSN("empty")); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
}

// TestOpen_AtOnce lets many programs make the schema at once.
func TestOpen_AtOnce(t *testing.T) {
	b := newBed(t)
	b.SQL(t, "postgres", "CREATE DATABASE fresh")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			store, err := pgstore.Open(t.Context(), b.DSN("fresh"))
			if err != nil {
				t.Error(err)
				return
			}
			defer store.Close()
			engine := newEngine(t, store)
			if _, err := engine.Register(t.Context(), sharing.AccountID(fmt.Sprint("owner", i)), sharing.ImageSpec{Region: "here"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := b.SQL(t, "fresh", "SELECT count(*) FROM sharing.images"); n != "8" {
		t.Errorf("%s images instead of 8", n)
	}
}

// TestR27_CorruptRecords damages records: what depends on them is an error that names the key, and never a permission.
func TestR27_CorruptRecords(t *testing.T) {
	b := sharedBed(t)
	database := b.database(t)
	store := b.open(t, database)
	engine := newEngine(t, store)
	ctx := t.Context()
	img, err := engine.Register(ctx, "owner", sharing.ImageSpec{Region: "here"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.ShareUntil(ctx, "owner", img.ID, time.Now().Add(time.Hour), "grantee"); err != nil {
		t.Fatal(err)
	}
	if err := engine.SetTrust(ctx, "grantee", sharing.Trust{Owners: []sharing.AccountID{"owner"}, Enforce: true}); err != nil {
		t.Fatal(err)
	}
	inst, err := engine.Launch(ctx, "grantee", sharing.LaunchSpec{Image: img.ID, Region: "here"})
	if err != nil {
		t.Fatal(err)
	}
	canUse := func() error { return engine.CanUse(ctx, "grantee", img.ID, "here") }
	reinit := func() error { _, err := engine.Reinit(ctx, "grantee", inst.ID); return err }
	other := "'" + `{"ID":"other","Owner":"grantee","Region":"here"}` + "'"
	for _, c := range []struct {
		table, column, value, key string
		calls                     []func() error
	}{
		{"images", "body", "'{}'", string(img.ID), []func() error{canUse, reinit}},
		{"images", "body", "'null'", string(img.ID), []func() error{canUse, reinit}},
		{"images", "body", "'[]'", string(img.ID), []func() error{canUse, reinit}},
		{"images", "body", other, string(img.ID), []func() error{canUse, reinit}},
		{"images", "body", "(jsonb_set(body::jsonb, '{State}', '9'))::json", string(img.ID), []func() error{canUse, reinit}},
		{"shares", "status", "-1", "grantee", []func() error{reinit}},
		{"shares", "status", "7", "grantee", []func() error{canUse, reinit}},
		{"shares", "expires", "'tomorrow'", "grantee", []func() error{canUse, reinit}},
		{"shares", "expires", "'0001-01-01T00:00:00.000000000Z'", "grantee", []func() error{canUse, reinit}},
		{"trust", "body", "'{}'", "grantee", []func() error{canUse, reinit}},
		{"trust", "body", "'7'", "grantee", []func() error{canUse, reinit}},
		{"instances", "body", "'{}'", string(inst.ID), []func() error{reinit, func() error { _, err := engine.Instance(ctx, "grantee", inst.ID); return err }}},
		{"instances", "body", other, string(inst.ID), []func() error{reinit}},
		{"events", "body", "'{}'", "key", []func() error{func() error { return first(engine, sharing.EventQuery{}) }}},
	} {
		t.Run(c.table+" "+c.value, func(t *testing.T) {
			b.SQL(t, database, fmt.Sprintf("CREATE TABLE kept AS SELECT * FROM sharing.%s", c.table))
			b.SQL(t, database, fmt.Sprintf("UPDATE sharing.%s SET %s = %s", c.table, c.column, c.value))
			for i, call := range c.calls {
				err := call()
				var refusal *sharing.Refusal
				if err == nil || errors.As(err, &refusal) || !strings.Contains(err.Error(), "corrupt") || !strings.Contains(err.Error(), c.key) {
					t.Errorf("call %d: %v", i, err)
				}
			}
			b.SQL(t, database, fmt.Sprintf("DELETE FROM sharing.%[1]s; INSERT INTO sharing.%[1]s SELECT * FROM kept; DROP TABLE kept", c.table))
			if err := reinit(); err != nil {
				t.Fatalf("with the record as it was: %v", err)
			}
		})
	}
}

// TestUpdate_StopsWithContext cancels a change that waits for a lock which another program holds.
func TestUpdate_StopsWithContext(t *testing.T) {
	b := sharedBed(t)
	database := b.database(t)
	engine := newEngine(t, b.open(t, database))
	img, err := engine.Register(t.Context(), "owner", sharing.ImageSpec{Region: "here"})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), b.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_lock(hashtextextended('sharing image '||$1, 0))", string(img.ID)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := engine.Disable(ctx, "owner", img.ID); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the change ended with %v", err)
	}
	if waited := time.Since(begin); waited > 9*time.Second { // lock_timeout would end it after 10 s
		t.Errorf("the change ended after %v", waited)
	}
	if err := engine.CanUse(t.Context(), "owner", img.ID, "here"); err != nil {
		t.Errorf("a check waits for nobody, and nothing was changed: %v", err)
	}
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_unlock_all()"); err != nil {
		t.Fatal(err)
	}
	if err := engine.Disable(t.Context(), "owner", img.ID); err != nil {
		t.Errorf("once the lock is free: %v", err)
	}
}

// Close ends a watch that waits for events, instead of waiting for it, and what is called later says why it fails.
func TestClose_EndsWaiting(t *testing.T) {
	b := sharedBed(t)
	store := b.open(t, b.database(t))
	e := newEngine(t, store)
	if _, err := e.Register(t.Context(), "a", sharing.ImageSpec{Region: "r"}); err != nil {
		t.Fatal(err)
	}
	seen, ended := make(chan bool), make(chan error)
	go func() {
		var last error
		for _, err := range e.Watch(t.Context(), "") {
			if last = err; err == nil {
				close(seen)
			}
		}
		ended <- last
	}()
	<-seen
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, pgstore.ErrClosed) {
		t.Errorf("the watch ends with %v", err)
	}
	if _, err := e.Register(t.Context(), "a", sharing.ImageSpec{Region: "r"}); !errors.Is(err, pgstore.ErrClosed) {
		t.Errorf("a change after Close: %v", err)
	}
	if err := e.CanUse(t.Context(), "a", "img", "r"); !errors.Is(err, pgstore.ErrClosed) {
		t.Errorf("a check after Close: %v", err)
	}
}
