package pgstore_test

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/pgtest"
	"github.com/imageshare/sharing/pgstore"
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

// newBed starts a server with these settings, and ends it with the test.
func newBed(tb testing.TB, settings ...string) *bed {
	tb.Helper()
	b := &bed{Server: pgtest.Start(tb, settings...)}
	if err := b.prepare(); err != nil {
		tb.Fatal(err)
	}
	return b
}

// prepare makes a database with an empty store as the template of others.
func (b *bed) prepare() (err error) {
	ctx := context.Background()
	if b.admin, err = pgx.Connect(ctx, b.DSN("postgres")); err != nil {
		return err
	}
	if _, err := b.admin.Exec(ctx, "CREATE DATABASE empty"); err != nil {
		return err
	}
	store, err := pgstore.Open(ctx, b.DSN("empty"))
	if err != nil {
		return err
	}
	return store.Close()
}

// sharedBed returns the server of all tests that do nothing to it. It need not sync: nobody kills it.
func sharedBed(tb testing.TB) *bed {
	tb.Helper()
	shared.once.Do(func() {
		var server *pgtest.Server
		if server, shared.err = pgtest.New("fsync=off", "full_page_writes=off"); shared.err == nil {
			shared.bed = &bed{Server: server}
			shared.err = shared.bed.prepare()
		}
	})
	pgtest.Check(tb, shared.err)
	return shared.bed
}

var shared struct {
	once sync.Once
	bed  *bed
	err  error
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
	b := sharedBed(t)
	storetest.Run(t, func(t *testing.T) sharing.Store { return b.open(t, b.database(t)) })
}

func TestShared(t *testing.T) {
	b := sharedBed(t)
	storetest.RunShared(t, func(t *testing.T) (x, y sharing.Store) {
		database := b.database(t)
		return b.open(t, database), b.open(t, database)
	})
}

// TestEngine takes a few seconds a check: for long runs use -rapid.checks.
func TestEngine(t *testing.T) {
	shorten(t, "rapid.checks", "2")
	shorten(t, "rapid.steps", "12")
	b := sharedBed(t)
	sharingtest.Run(t, sharingtest.Engine(func(tb sharingtest.TB) sharing.Store { return b.open(tb, b.database(tb)) }))
}

var depth = flag.Int("exhaustive.depth", 2, "how many changes deep TestExhaustive goes; each takes some ten times as long as the one before")

// TestExhaustive tries every call in every state that few changes lead to.
func TestExhaustive(t *testing.T) {
	b := sharedBed(t)
	database := b.database(t)
	store := b.open(t, database)
	open := sharingtest.Engine(func(tb sharingtest.TB) sharing.Store { // one world at a time: each begins where the last one ends
		b.empty(tb, database)
		return store
	})
	for _, alphabet := range sharingtest.Alphabets {
		t.Run(alphabet.Name, func(t *testing.T) {
			t.Log(sharingtest.Explore(t, open, alphabet, sharingtest.Search{Symmetric: true, Depth: *depth}))
		})
	}
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
