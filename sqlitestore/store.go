// Package sqlitestore keeps the state of a [sharing.Engine] in one SQLite file.
//
// It is the store for a program that must keep its data and runs on one machine: it needs no server and no C compiler.
// Several programs may have the file open at once, and work on the same state.
//
// What Update has committed is on the disk when it returns, and survives the program's end at any moment, and that of the
// machine as far as its disk keeps what it said it has. The file is in SQLite's WAL mode, with synchronous = FULL:
// beside it lie a log and an index, with -wal and -shm at the end of their names, which belong to it.
//
// One connection writes, one transaction after the other; several read meanwhile, each what was committed when it began.
package sqlitestore

import (
	"context"
	"errors"
	"fmt"
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

	// Each element is a connection that nobody uses, or nil where one is yet to be made.
	// Taking it out is the right to use it.
	writer  chan *conn
	readers chan *conn

	// unsettled: a commit failed so that what it wrote may still come back; see settle. It changes with the writer taken.
	unsettled atomic.Bool

	images    memo[sharing.ImageRecord]
	instances memo[sharing.InstanceRecord]
	trusts    memo[sharing.Trust]
	grown     announcement

	closing sync.Once
	closed  chan struct{}
}

var _ sharing.Store = (*Store)(nil)

func newStore(path, vfs string) *Store {
	s := &Store{
		path: path, vfs: vfs,
		writer:  make(chan *conn, 1),
		readers: make(chan *conn, max(4, 2*runtime.GOMAXPROCS(0))),
		closed:  make(chan struct{}),
	}
	for range cap(s.readers) {
		s.readers <- nil
	}
	return s
}

// Close waits for the transactions under way, and closes the file. Transactions that begin later fail.
func (s *Store) Close() (err error) {
	s.closing.Do(func() {
		close(s.closed)
		for range cap(s.readers) {
			err = errors.Join(err, closeIdle(s.readers))
		}
		err = errors.Join(err, closeIdle(s.writer))
	})
	return err
}

func closeIdle(from chan *conn) error {
	if c := <-from; c != nil {
		return c.close()
	}
	return nil
}

// take waits for the right to use a connection. Whoever has it gives back a connection, or nil for one that is of no use any more.
func (s *Store) take(ctx context.Context, from chan *conn) (*conn, error) {
	select {
	case <-s.closed:
		return nil, errClosed
	default:
	}
	var c *conn
	select {
	case c = <-from:
	case <-s.closed:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	err := ctx.Err()
	if err == nil && c == nil {
		// Without OPEN_CREATE: a file that vanished is an error, not a new and empty store.
		c, err = connect(s.path, s.vfs, 0)
	}
	if err != nil {
		from <- c
		return nil, explain(ctx, err)
	}
	c.SetInterrupt(ctx)
	return c, nil
}

// release ends what c was taken for, and gives it back. A connection that can't even roll back is closed.
func release(to chan *conn, c *conn) {
	if c != nil && c.rollback() != nil {
		_ = c.close() // there is nothing left to lose
		c = nil
	}
	to <- c
}

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
	return tx.unsettled, err
}

// Update implements [sharing.Store].
func (s *Store) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	if s.unsettled.Load() {
		if err := s.settle(ctx); err != nil {
			return err
		}
	}
	c, err := s.take(ctx, s.writer)
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
		s.grown.announce()
	}
	return nil
}

// lost says what became of a transaction whose COMMIT failed.
//
// SQLite writes the transaction to the write-ahead log, syncs it, and then tells the other connections. If it fails
// for the want of a lock or of space, the log does not hold the whole transaction. If it fails otherwise, the log may
// hold it though nobody is told: it has not happened, until the next recovery after a crash finds it in the log.
// So what is true now may not stay true, and the store says so until it has settled it.
func (s *Store) lost(c **conn, err error) error {
	if errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.FULL) {
		return explain(context.Background(), err)
	}
	_ = (*c).close() // whatever it thinks of its transaction is of no use
	*c = nil
	s.unsettled.Store(true)
	return fmt.Errorf("%w: the commit failed: %w", sharing.ErrOutcomeUnknown, explain(context.Background(), err))
}

// settle makes sure that no transaction whose commit failed comes back: a commit takes its place in the write-ahead log.
func (s *Store) settle(ctx context.Context) error {
	c, err := s.take(ctx, s.writer)
	if err != nil {
		return err
	}
	defer func() { release(s.writer, c) }()
	if !s.unsettled.Load() {
		return nil
	}
	if err := c.beginWriting(); err != nil {
		return explain(ctx, err)
	}
	if err := c.run(`UPDATE database SET settled = settled + 1`); err != nil {
		return explain(ctx, err)
	}
	c.SetInterrupt(context.Background())
	if err := c.run(`COMMIT`); err != nil {
		_ = c.close()
		c = nil
		return fmt.Errorf("a commit that failed before is not settled: %w", explain(ctx, err))
	}
	s.unsettled.Store(false)
	return nil
}
