package sqlitestore

import (
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ncruces/go-sqlite3"

	"github.com/imageshare/sharing/internal/packed"
)

// applicationID marks a database file as one of this package's: "shar", as SQLite's documentation asks for.
const applicationID = 's'<<24 | 'h'<<16 | 'a'<<8 | 'r'

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations returns the scripts that make the schema, in order: the first makes version 1 from an empty database.
func migrations() ([]string, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	scripts := make([]string, len(names))
	for i, name := range names {
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		scripts[i] = string(text)
	}
	return scripts, nil
}

// prepareFile makes sure that the file is this package's, can be written, has a write-ahead log, and the newest schema.
// Before it knows the first it changes nothing.
func (c *conn) prepareFile() error {
	scripts, err := migrations()
	if err != nil {
		return err
	}
	version, err := c.schemaVersion(len(scripts))
	if err != nil {
		return err
	}
	if readOnly, _ := c.ReadOnly("main"); readOnly {
		return sqlite3.READONLY
	}
	if err := c.useWAL(); err != nil || version == len(scripts) {
		return err
	}
	if err := c.beginWriting(); err != nil {
		return err
	}
	err = c.migrate(scripts)
	if err == nil {
		err = c.run(`COMMIT`)
	}
	return errors.Join(err, c.rollback())
}

// useWAL turns the write-ahead log on. SQLite does not wait for locks here, so that two that do it at once may meet.
func (c *conn) useWAL() error {
	for count := 0; ; count++ {
		mode, err := c.text(`PRAGMA journal_mode = WAL`)
		if err == nil && mode != "wal" {
			err = fmt.Errorf("sqlitestore: the file system does not allow a write-ahead log, only %q: is it a network's?", mode)
		}
		if !errors.Is(err, sqlite3.BUSY) || !waitForLock(c.GetInterrupt(), count) {
			return err
		}
	}
}

// schemaVersion returns the version of the database's schema, 0 for an empty one; newest is what this program knows.
func (c *conn) schemaVersion(newest int) (int, error) {
	var found [3]int64
	for i, sql := range []string{`PRAGMA application_id`, `PRAGMA user_version`, `SELECT count(*) FROM sqlite_schema`} {
		var err error
		if found[i], err = c.integer(sql); err != nil {
			return 0, err
		}
	}
	application, version, tables := found[0], found[1], found[2]
	switch {
	case application == 0 && version == 0 && tables == 0:
		return 0, nil
	case application != applicationID:
		return 0, errors.New("sqlitestore: the database holds something else: name another file")
	case version > int64(newest):
		return 0, fmt.Errorf("sqlitestore: the database has schema version %d, and this program knows only %d: use a newer program", version, newest)
	}
	return int(version), nil
}

// migrate runs the scripts that the schema lacks. It runs in a transaction that writes,
// so that of two programs that start at once one finds the other's work done.
func (c *conn) migrate(scripts []string) error {
	version, err := c.schemaVersion(len(scripts))
	if err != nil {
		return err
	}
	if version == 0 {
		if err := c.Exec(fmt.Sprintf(`PRAGMA application_id = %d`, applicationID)); err != nil {
			return err
		}
	}
	if err := c.definePacking(); err != nil {
		return err
	}
	for ; version < len(scripts); version++ {
		if err := c.Exec(scripts[version]); err != nil {
			return fmt.Errorf("migration %d: %w", version+1, err)
		}
	}
	if err := c.Exec(fmt.Sprintf(`PRAGMA user_version = %d`, version)); err != nil {
		return err
	}
	return c.run(`INSERT INTO database SELECT ?, 0 WHERE NOT EXISTS (SELECT 1 FROM database)`, rand.Text())
}

// definePacking defines the functions that migration 2 calls: they turn a record from JSON into packed bytes.
func (c *conn) definePacking() error {
	return errors.Join(
		definePacking(c, "pack_image", packed.Image),
		definePacking(c, "pack_instance", packed.Instance),
		definePacking(c, "pack_trust", packed.Trust))
}

func definePacking[T any](c *conn, name string, pass func(*packed.Codec, *T)) error {
	return c.CreateFunction(name, 1, sqlite3.DETERMINISTIC|sqlite3.DIRECTONLY, func(ctx sqlite3.Context, args ...sqlite3.Value) {
		text, record := args[0].RawText(), new(T)
		if json.Unmarshal(text, record) != nil {
			ctx.ResultBlob(text) // one damaged record does not stop a store from being opened: whoever reads it gets the error
			return
		}
		ctx.ResultBlob(encode(pass, record))
	})
}
