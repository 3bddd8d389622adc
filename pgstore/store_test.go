package pgstore_test

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/pgstore"
	"github.com/imageshare/sharing/pgstore/internal/pgtest"
	"github.com/imageshare/sharing/sharingtest"
	"github.com/imageshare/sharing/storetest"
)

// A bed is a server with room for many empty stores.
type bed struct {
	*pgtest.Server
	admin     *pgx.Conn
	mu        sync.Mutex
	databases int
	free      []string // databases of tests that have ended
}

// newBed starts a server. Where nothing is killed it need not sync: what it wrote stays.
func newBed(tb testing.TB, settings ...string) *bed {
	if settings == nil {
		settings = []string{"fsync=off", "full_page_writes=off"}
	}
	b := &bed{Server: pgtest.Start(tb, settings...)}
	b.SQL(tb, "postgres", "CREATE DATABASE empty")
	store, err := pgstore.Open(context.Background(), b.DSN("empty"))
	if err != nil {
		tb.Fatal(err)
	}
	if err := store.Close(); err != nil {
		tb.Fatal(err)
	}
	if b.admin, err = pgx.Connect(context.Background(), b.DSN("postgres")); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = b.admin.Close(context.Background()) })
	return b
}

// database returns the name of a database with an empty store in it, which is the test's until its end.
func (b *bed) database(tb sharingtest.TB) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var name string
	if last := len(b.free) - 1; last >= 0 {
		name, b.free = b.free[last], b.free[:last]
		b.empty(tb, name)
	} else {
		b.databases++
		name = fmt.Sprintf("db%d", b.databases)
		if _, err := b.admin.Exec(context.Background(), "CREATE DATABASE "+name+" TEMPLATE empty"); err != nil {
			tb.Fatalf("%v", err)
		}
	}
	tb.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.free = append(b.free, name)
	})
	return name
}

// empty empties the store in a database.
func (b *bed) empty(tb sharingtest.TB, database string) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, b.DSN(database))
	if err != nil {
		tb.Fatalf("%v", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "TRUNCATE sharing.images, sharing.shares, sharing.instances, sharing.trust, sharing.events"); err != nil {
		tb.Fatalf("%v", err)
	}
}

// open opens the store in a database.
func (b *bed) open(tb sharingtest.TB, database string) *pgstore.Store {
	store, err := pgstore.Open(context.Background(), b.DSN(database))
	if err != nil {
		tb.Fatalf("%v", err)
	}
	tb.Cleanup(func() { _ = store.Close() })
	return store
}

func TestStore(t *testing.T) {
	b := newBed(t)
	storetest.Run(t, func(t *testing.T) sharing.Store { return b.open(t, b.database(t)) })
}

func TestShared(t *testing.T) {
	b := newBed(t)
	storetest.RunShared(t, func(t *testing.T) (x, y sharing.Store) {
		database := b.database(t)
		return b.open(t, database), b.open(t, database)
	})
}

// TestEngine takes a few seconds a check: for long runs use -rapid.checks.
func TestEngine(t *testing.T) {
	shorten(t, "rapid.checks", "2")
	shorten(t, "rapid.steps", "12")
	b := newBed(t)
	sharingtest.Run(t, sharingtest.Engine(func(tb sharingtest.TB) sharing.Store { return b.open(t, b.database(t)) }))
}

// shorten sets a flag for this test, unless the command line does.
func shorten(t *testing.T, name, value string) {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if given {
		return
	}
	before := flag.Lookup(name).Value.String()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(name, before) })
}
