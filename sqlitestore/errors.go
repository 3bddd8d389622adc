package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"github.com/imageshare/sharing"
)

// ErrClosed is wrapped by the errors of calls that begin after [Store.Close], and of a wait for events that Close ends.
var ErrClosed = errors.New("sqlitestore: the store is closed")

// explain returns an error of SQLite's with what it means here. A context that ended is the reason if it interrupted.
func explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var code sqlite3.ErrorCode // on the heap, so not before
	if !errors.As(err, &code) {
		return err
	}
	ended := ctx.Err()
	switch {
	case code == sqlite3.INTERRUPT && ended != nil:
		return ended
	case code == sqlite3.BUSY && ended != nil:
		return fmt.Errorf("%w: waiting for another program's lock on the file: %w", sharing.ErrConflict, ended)
	case code == sqlite3.BUSY || code == sqlite3.LOCKED || code == sqlite3.PROTOCOL:
		return fmt.Errorf("%w: another program's lock on the file stays: %w", sharing.ErrConflict, err)
	case code == sqlite3.FULL:
		return fmt.Errorf("sqlitestore: the disk is full: %w", err)
	case code == sqlite3.READONLY:
		return fmt.Errorf("sqlitestore: the file is read-only here: %w", err)
	case code == sqlite3.NOTADB:
		return fmt.Errorf("sqlitestore: the file is no SQLite database: %w", err)
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		return fmt.Errorf("sqlitestore: this program may not write the file, or in its folder: %w", err)
	case code == sqlite3.CANTOPEN:
		return fmt.Errorf("sqlitestore: the file, or one beside it, can't be opened: does its folder exist, and is it no folder itself? %w", err)
	case code == sqlite3.CORRUPT:
		return fmt.Errorf("sqlitestore: the file is damaged: %w", err)
	}
	return fmt.Errorf("sqlitestore: %w", err)
}

// corrupt is the error of a stored value that can't be what was stored: it permits nothing (R27).
func corrupt(table, key string, reason any) error {
	return fmt.Errorf("sqlitestore: the record %q in table %s is corrupt: %v", key, table, reason)
}

// closing closes c after err made it useless, and returns err.
func closing(c *conn, err error) error { return errors.Join(err, c.close()) }
