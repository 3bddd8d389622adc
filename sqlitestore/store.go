// Package sqlitestore keeps the state of a [sharing.Engine] in one SQLite file.
//
//	store, err := sqlitestore.Open(ctx, "images.db")
//	if err != nil { … }
//	defer store.Close()
//	engine, err := sharing.New(store)
//
// It is the store for a program that must keep its data and runs on one machine: it needs no server and no C compiler.
// Several programs may have the file open at once, and work on the same state.
//
// What Update has committed is on the disk when Update returns. It survives the end of the program at any moment, and
// that of the machine if the disk keeps what it reported as written. The file is in SQLite's WAL mode with
// synchronous = FULL: a log and an index, whose names end in -wal and -shm, lie beside the file and belong to it.
//
// One connection writes, one transaction after the other; several read meanwhile, each what was committed when
// its transaction began. See docs/stores/sqlite.md for how to back up and upgrade the file, and what a call costs.
package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"

	"github.com/imageshare/sharing"
)

// A Store keeps an engine's state in an SQLite file. Make one with [Open]. It is safe for concurrent use.
type Store struct {
	path, vfs string
	id        string // tells the event cursors of this database from another's

	writer, readers *pool

	// unsettled: a commit failed so that what it wrote may still come back; see settle. It
	// changes with the writer taken.
	unsettled atomic.Bool

	grown announcement

	closing sync.Once
	closed  atomic.Bool
}

var _ sharing.FreshStore = (*Store)(nil)

func newStore(path, vfs string) *Store {
	s := &Store{
		path: path, vfs: vfs,
		writer:  newPool(1),
		readers: newPool(max(4, 2*runtime.GOMAXPROCS(0))),
	}
	return s
}

// Close waits for the transactions under way, and closes the file. Transactions that begin later, and all waiting for
// events, fail with [ErrClosed].
func (s *Store) Close() (err error) {
	s.closing.Do(func() {
		s.closed.Store(true)
		err = errors.Join(s.readers.close(), s.writer.close())
	})
	return err
}

// take waits for a connection of a pool, for the use of a transaction of which the context is ctx.
func (s *Store) take(ctx context.Context, from *pool) (*conn, error) {
	c, err := from.take(ctx)
	if err != nil {
		return nil, err
	}
	if s.closed.Load() {
		from.put(c)
		return nil, ErrClosed
	}
	if c == nil {
		// Without OPEN_CREATE: a file that vanished is an error, not a new and empty store.
		if c, err = connect(ctx, s.path, s.vfs, 0); err != nil {
			from.put(nil)
			return nil, explain(ctx, err)
		}
	}
	c.SetInterrupt(ctx)
	return c, nil
}

// release ends what c was taken for, and gives it back. A connection that can't even roll back is closed.
func release(to *pool, c *conn) {
	if c != nil && c.rollback() != nil {
		_ = c.close() // there is nothing left to lose
		c = nil
	}
	to.put(c)
}

// Fresh implements [sharing.FreshStore].
func (*Store) Fresh() {}

// View implements [sharing.Store].
func (s *Store) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	for {
		again, err := s.view(ctx, fn)
		if !again {
			return err
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
	}
}

// view runs fn once. It asks to do so again if fn asked for an operation that may still come back.
func (s *Store) view(ctx context.Context, fn func(sharing.ViewTx) error) (again bool, err error) {
	c, err := s.take(ctx, s.readers)
	if err != nil {
		return false, err
	}
	defer release(s.readers, c)
	if err := c.begin(); err != nil {
		return false, explain(ctx, err)
	}
	tx := view{store: s, conn: c, ctx: ctx}
	err = fn(&tx)
	_ = c.run(`COMMIT`) // of nothing, which is quicker than the rollback that follows if it fails
	return tx.unsettled, err
}

// Update implements [sharing.Store]. It waits for this store's other writers until ctx ends, but for another program's
// lock some ten seconds at most: then it fails with [sharing.ErrConflict].
func (s *Store) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	c, err := s.takeWriter(ctx)
	if err != nil {
		return err
	}
	defer func() { release(s.writer, c) }()
	if err := c.beginWriting(); err != nil {
		return explain(ctx, err)
	}
	tx := update{view: view{store: s, conn: c, ctx: ctx}}
	if err := fn(&tx); err != nil {
		return err
	}
	if err := tx.flush(); err != nil {
		return explain(ctx, err)
	}
	if err := ctx.Err(); err != nil || len(tx.writes) == 0 {
		return err
	}
	c.SetInterrupt(context.Background()) // from here on the commit is under way
	if err := c.run(`COMMIT`); err != nil {
		return s.lost(&c, err)
	}
	s.unsettled.Store(false) // this commit has overwritten what was left of a lost one
	if tx.appended {
		c.version = -1 // what the connection itself commits does not change it
		s.grown.announce()
	}
	return nil
}

// lost says what became of a transaction whose COMMIT failed.
//
// SQLite writes the transaction to the write-ahead log, syncs it, and then tells the other connections. If it fails
// in between, the log may hold the transaction though nobody is told: it has not happened, until the next recovery
// after a crash finds it there. What is true now may not stay true, and the store says so until it has settled it.
func (s *Store) lost(c **conn, err error) error {
	if errors.Is(err, sqlite3.BUSY) {
		return explain(context.Background(), err) // before anything was written
	}
	_ = (*c).close() // whatever it thinks of its transaction is of no use
	*c = nil
	s.unsettled.Store(true)
	return fmt.Errorf("%w: the commit failed: %w", sharing.ErrOutcomeUnknown, explain(context.Background(), err))
}

// settle makes sure that no transaction whose commit failed comes back.
func (s *Store) settle(ctx context.Context) error {
	c, err := s.takeWriter(ctx)
	if err == nil {
		release(s.writer, c)
	}
	return err
}

// takeWriter waits for the connection that writes, and then makes sure that no transaction whose commit failed comes
// back: not before, since a commit may fail while others wait.
func (s *Store) takeWriter(ctx context.Context) (*conn, error) {
	c, err := s.take(ctx, s.writer)
	if err != nil || !s.unsettled.Load() {
		return c, err
	}
	if err = c.overwrite(ctx); errors.Is(err, sqlite3.FULL) {
		err = errors.Join(c.rollback(), c.emptyWAL(s.path))
	}
	if err != nil {
		_ = c.close()
		release(s.writer, nil)
		return nil, fmt.Errorf("a commit that failed before is not settled: %w", explain(ctx, err))
	}
	s.unsettled.Store(false)
	c.SetInterrupt(ctx)
	return c, nil
}

// overwrite commits something. In the write-ahead log it takes the place of what the last failed commit wrote.
func (c *conn) overwrite(ctx context.Context) error {
	c.SetInterrupt(ctx)
	if err := c.beginWriting(); err != nil {
		return err
	}
	if err := c.run(`UPDATE database SET settled = settled + 1`); err != nil {
		return err
	}
	c.SetInterrupt(context.Background())
	return c.run(`COMMIT`)
}

// emptyWAL brings what was committed from the write-ahead log to where it belongs, and
// leaves the log empty, on the disk as well: it needs little space, and gives some back.
func (c *conn) emptyWAL(path string) error {
	busy, err := c.integer(`PRAGMA wal_checkpoint(TRUNCATE)`)
	if err == nil && busy != 0 {
		err = sqlite3.BUSY
	}
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path+"-wal", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
