package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/sqlitestore"
)

// raw opens a database file without the store.
func raw(t testing.TB, path string) *sqlite3.Conn {
	t.Helper()
	db, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t testing.TB, db *sqlite3.Conn, sql string) {
	t.Helper()
	if err := db.Exec(sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// opensNot checks that Open fails, and says why.
func opensNot(t *testing.T, path, says string) {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), path)
	if err == nil {
		store.Close()
		t.Fatalf("Open of %s should fail", path)
	}
	if !strings.Contains(err.Error(), says) {
		t.Errorf("the error should say %q: %v", says, err)
	}
}

func TestOpen_Refuses(t *testing.T) {
	t.Run("EmptyPath", func(t *testing.T) { opensNot(t, "", "the path is empty") })
	t.Run("Folder", func(t *testing.T) { opensNot(t, t.TempDir(), "is it no folder itself") })
	t.Run("NoFolder", func(t *testing.T) { opensNot(t, filepath.Join(t.TempDir(), "none", "x.db"), "does its folder exist") })
	t.Run("NoDatabase", func(t *testing.T) {
		path, text := newFile(t), strings.Repeat("this is a letter to my aunt\n", 100)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		opensNot(t, path, "no SQLite database")
		if after, err := os.ReadFile(path); err != nil || string(after) != text {
			t.Errorf("the file should be left as it is: %v", err)
		}
	})
	for name, sql := range map[string]string{
		"AnotherTable":   `CREATE TABLE letters (text)`,
		"AnotherProgram": `PRAGMA application_id = 7`,
		"AnotherVersion": `PRAGMA user_version = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			path := newFile(t)
			db := raw(t, path)
			execute(t, db, sql)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			opensNot(t, path, "holds something else")
			if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
				t.Errorf("the file should be left as it is: %v", err)
			}
		})
	}
	t.Run("NewerSchema", func(t *testing.T) {
		path := newFile(t)
		openStore(t, path)
		execute(t, raw(t, path), `PRAGMA user_version = 99`)
		opensNot(t, path, "schema version 99, and this program knows only")
	})
	t.Run("Locked", func(t *testing.T) {
		path := newFile(t)
		db := raw(t, path)
		execute(t, db, `PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE`)
		_, err := sqlitestore.Open(impatient(t), path)
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "lock") {
			t.Errorf("the error should say that the file is locked, and wrap the context's: %v", err)
		}
	})
	t.Run("Cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		path := newFile(t)
		if _, err := sqlitestore.Open(ctx, path); !errors.Is(err, context.Canceled) {
			t.Errorf("the error should wrap the context's: %v", err)
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("there should be no file: %v", err)
		}
	})
}

// forbiddingVFS is the system's file system for a program that may not write: the tests may run as one that may write everything.
type forbiddingVFS struct {
	vfs.VFSFilename
	err error
}

func (v forbiddingVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if flags&vfs.OPEN_READWRITE != 0 {
		return nil, flags, &fs.PathError{Op: "open", Path: name.String(), Err: v.err}
	}
	return v.VFSFilename.OpenFilename(name, flags)
}

func TestOpen_ReadOnlyFile(t *testing.T) {
	path := newFile(t)
	openStore(t, path)
	for _, forbidden := range []error{syscall.EACCES, syscall.EROFS} {
		vfs.Register(t.Name(), forbiddingVFS{vfs.Find("os").(vfs.VFSFilename), forbidden})
		if _, err := sqlitestore.OpenVFS(t.Context(), path, t.Name()); !errors.Is(err, forbidden) || !strings.Contains(err.Error(), "may not write") {
			t.Errorf("the error should say that the file can't be written: %v", err)
		}
	}
	vfs.Unregister(t.Name())
}

// TestFullDisk fills the disk under a store: changes are refused with a clear error, reads go on, and all is well once there is space.
func TestFullDisk(t *testing.T) {
	faults := newFaultVFS()
	faults.full = true
	vfs.Register(t.Name(), faults)
	defer vfs.Unregister(t.Name())
	path := newScene(t)
	store, err := sqlitestore.OpenVFS(t.Context(), path, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	e, ctx := engineOn(t, store, "new"), t.Context()
	before := dump(t, path)
	faults.arm(1, forever, failBefore, sqlite3.FULL)
	_, err = e.Once("full").Share(ctx, "alice", "old1", "dora")
	if err == nil || !strings.Contains(err.Error(), "the disk is full") || errors.Is(err, sharing.ErrOutcomeUnknown) {
		t.Errorf("the error should say that the disk is full, and nothing was changed: %v", err)
	}
	if err := e.CanUse(ctx, "bob", "old1", "eu"); err != nil {
		t.Errorf("what is there can be read: %v", err)
	}
	if _, err := sqlitestore.OpenVFS(ctx, filepath.Join(memoryFolder(t), "new.db"), t.Name()); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("Open of a new file should say that the disk is full: %v", err)
	}
	faults.heal()
	if dump(t, path) != before || dumpAfterCrash(t, path) != before {
		t.Errorf("R22: a change that was refused changed something")
	}
	if _, err := e.Once("full").Share(ctx, "alice", "old1", "dora"); err != nil {
		t.Errorf("once there is space again: %v", err)
	}
}

// TestOpen_AtOnce opens a new file by many at once: one makes the schema, the others find it made.
func TestOpen_AtOnce(t *testing.T) {
	for range 5 {
		path := newFile(t)
		const openers = 8
		var all sync.WaitGroup
		errs := make([]error, openers)
		for i := range openers {
			all.Go(func() {
				store, err := sqlitestore.Open(t.Context(), path)
				if err == nil {
					var e *sharing.Engine
					if e, err = sharing.New(store); err == nil {
						_, err = e.Register(t.Context(), "alice", sharing.ImageSpec{Region: sharing.Region(fmt.Sprint("r", i))})
					}
					err = errors.Join(err, store.Close())
				}
				errs[i] = err
			})
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		e := engineOn(t, openStore(t, path), "x")
		n := 0
		for _, err := range e.Images(t.Context(), "alice", sharing.ImageQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != openers {
			t.Errorf("%d openers registered an image each, and there are %d", openers, n)
		}
	}
}

func TestOpen_OddPaths(t *testing.T) {
	for _, name := range []string{":memory:", "a b?c#d%41&mode=memory", "file:x", "é😀", "'\"", "a\\b"} {
		t.Chdir(t.TempDir())
		openStore(t, name)
		if _, err := os.Stat(name); err != nil {
			t.Errorf("the file should be the one that was named: %v", err)
		}
	}
}

func TestClose(t *testing.T) {
	store, err := sqlitestore.Open(t.Context(), newFile(t))
	if err != nil {
		t.Fatal(err)
	}
	var wait func(context.Context) error
	if err := store.View(t.Context(), func(tx sharing.ViewTx) error { wait = tx.Changed(); return nil }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	for what, err := range map[string]error{
		"View":   store.View(t.Context(), func(sharing.ViewTx) error { return nil }),
		"Update": store.Update(t.Context(), func(sharing.UpdateTx) error { return nil }),
		"wait":   wait(t.Context()),
	} {
		if !errors.Is(err, sqlitestore.ErrClosed) {
			t.Errorf("%s after Close should say that the store is closed: %v", what, err)
		}
	}
}

// TestVanished removes the file of a store that has yet to open a connection: it must not make a new and empty one.
func TestVanished(t *testing.T) {
	path := newFile(t)
	store, err := sqlitestore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := store.View(t.Context(), func(sharing.ViewTx) error { return nil }); err == nil {
		t.Error("the file has vanished, and a View succeeds")
	}
}

// TestBackup copies a store that is in use in the way that the docs state, and opens the copy.
func TestBackup(t *testing.T) {
	path := newScene(t)
	e := engineOn(t, openStore(t, path), "new")
	if _, err := e.Once("backup").Share(t.Context(), "alice", "old1", "dora"); err != nil {
		t.Fatal(err)
	}
	copied := newFile(t)
	execute(t, raw(t, path), `VACUUM INTO '`+copied+`'`)
	if dump(t, copied) != dump(t, path) {
		t.Error("the copy holds something else")
	}
	if err := engineOn(t, openStore(t, copied), "copy").CanUse(t.Context(), "dora", "old1", "eu"); err != nil {
		t.Error(err)
	}
}
