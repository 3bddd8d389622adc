package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
)

// Open opens the store in the file at path, which it creates if there is none, and brings its schema up to date. The
// path is always a file's name, even one to which SQLite gives another meaning, such as ":memory:". Its folder must
// exist. The file may be opened several times at once, by this program and by others, on one machine: all work on the
// same state.
//
// The error says what is wrong: the file can't be opened or written, the disk is full, another program holds a lock on
// the file for longer than ctx lasts or some ten seconds, the file is no SQLite database or holds something else (it is
// then left as it is), or its schema is newer than this program.
func Open(ctx context.Context, path string) (*Store, error) { return open(ctx, path, "") }

func open(ctx context.Context, path, vfs string) (*Store, error) {
	if path == "" {
		return nil, errors.New("sqlitestore: the path is empty: name a file (memstore keeps a store in memory)")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	c, err := connect(ctx, path, vfs, sqlite3.OPEN_CREATE)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", explain(ctx, err), path)
	}
	s := newStore(path, vfs)
	if err := c.prepareFile(); err != nil {
		return nil, closing(c, fmt.Errorf("%w (%s)", explain(ctx, err), path))
	}
	if s.id, err = c.text(`SELECT id FROM database`); err == nil && s.id == "" {
		err = corrupt("database", "id", "it is missing")
	}
	if err != nil {
		return nil, closing(c, fmt.Errorf("%w (%s)", explain(ctx, err), path))
	}
	s.writer.idle = append(s.writer.idle, c)
	return s, nil
}
