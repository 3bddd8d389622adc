package sqlitestore

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// A conn is a connection to the database file. One goroutine uses it at a time.
type conn struct {
	*sqlite3.Conn
	statements map[string]*statement // by their SQL

	// What lastEvent found, and the data version that it found it in.
	version, last int64
}

// connect opens a connection, to a new file only if flags say so. vfs is empty but in tests.
func connect(ctx context.Context, path, vfs string, flags sqlite3.OpenFlag) (*conn, error) {
	uri := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path)}
	if vfs != "" {
		uri.RawQuery = "vfs=" + vfs
	}
	db, err := sqlite3.OpenFlags(uri.String(), flags|sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		return nil, err
	}
	db.SetInterrupt(ctx)
	c := &conn{Conn: db, statements: make(map[string]*statement), version: -1}
	if err = db.BusyHandler(waitForLock); err == nil {
		err = c.Exec(`PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192`)
	}
	if err != nil {
		return nil, closing(c, err)
	}
	return c, nil
}

// patience is how often a connection tries to get a lock that others hold, which takes about ten seconds.
var patience = 2000

// waitForLock waits a moment for another process, or another [Store] on the file, to release a lock: it has no queue.
// The waits are short at first, and random so that those who wait do not wait in step.
func waitForLock(ctx context.Context, count int) (retry bool) {
	if count >= patience {
		return false
	}
	longest := min(50*time.Microsecond<<min(count, 8), 10*time.Millisecond)
	timer := time.NewTimer(1 + rand.N(longest))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// close closes the connection with its statements.
func (c *conn) close() error {
	for _, stmt := range slices.Collect(c.Stmts()) {
		_ = stmt.Close() // its error, if any, is that of its last run
	}
	return c.Conn.Close()
}

// A statement is what was prepared of one SQL text, as often as it was at work more than once at a time.
type statement struct {
	idle []*query
}

// A query is a prepared statement at work: call next until it is false, or not so often, and then close.
type query struct {
	*sqlite3.Stmt
	of  *statement
	err error
}

// query starts a statement. An error comes out at close.
func (c *conn) query(sql string, args ...any) *query {
	q := c.prepared(sql)
	for i, arg := range args {
		if q.err != nil {
			return q
		}
		switch arg := arg.(type) {
		case string:
			q.err = q.BindText(i+1, arg)
		case []byte:
			q.err = q.BindBlob(i+1, arg)
		case int64:
			q.err = q.BindInt64(i+1, arg)
		case nil:
			q.err = q.BindNull(i + 1)
		default: // which type is not said: it would make all arguments escape
			q.err = errors.New("sqlitestore: an argument is of a type that can't be bound")
		}
	}
	return q
}

func (c *conn) prepared(sql string) *query {
	s := c.statements[sql]
	if s == nil {
		s = new(statement)
		c.statements[sql] = s
	}
	if last := len(s.idle) - 1; last >= 0 {
		q := s.idle[last]
		s.idle = s.idle[:last]
		return q
	}
	q := &query{of: s}
	q.Stmt, _, q.err = c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	return q
}

// next goes to the next row, and reports whether there is one.
func (q *query) next() bool { return q.err == nil && q.Step() }

// close ends the statement, and returns the error that ended it early, if one did.
func (q *query) close() error {
	if q.Stmt == nil {
		return q.err
	}
	err := q.err
	if err == nil {
		err = q.Err()
	}
	if reset := q.Reset(); err == nil {
		err = reset
	}
	q.err = nil
	q.of.idle = append(q.of.idle, q)
	return err
}

// run runs a statement that gives no rows.
func (c *conn) run(sql string, args ...any) error {
	q := c.query(sql, args...)
	q.next()
	return q.close()
}

// integer returns the one integer that a statement gives; 0 for no row and for NULL.
func (c *conn) integer(sql string, args ...any) (n int64, err error) {
	q := c.query(sql, args...)
	if q.next() {
		n = q.ColumnInt64(0)
	}
	return n, q.close()
}

// begin starts a transaction that reads.
func (c *conn) begin() error { return c.run(`BEGIN`) }

// beginWriting starts a transaction that writes: from here on no other does.
func (c *conn) beginWriting() error { return c.run(`BEGIN IMMEDIATE`) }

// rollback ends the transaction, if there is still one, whatever has become of its context.
func (c *conn) rollback() error {
	c.SetInterrupt(context.Background())
	if c.GetAutocommit() {
		return nil
	}
	return c.run(`ROLLBACK`)
}

// text returns the one text that a statement gives; "" for no row.
func (c *conn) text(sql string, args ...any) (s string, err error) {
	q := c.query(sql, args...)
	if q.next() {
		s = q.ColumnText(0)
	}
	return s, q.close()
}
