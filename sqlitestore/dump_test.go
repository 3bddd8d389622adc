package sqlitestore_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/imageshare/sharing"
)

// dump prints all that a database file holds, but for what is left of deleted images and the database's own identity.
func dump(t testing.TB, path string) string {
	t.Helper()
	db, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READWRITE)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.BusyTimeout(time.Minute); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, sql := range []string{
		`PRAGMA integrity_check`,
		`SELECT * FROM images ORDER BY id`,
		`SELECT s.* FROM shares s JOIN images i ON i.id = s.image WHERE i.deleted = 0 ORDER BY s.image, s.grantee`,
		`SELECT * FROM instances ORDER BY id`,
		`SELECT * FROM trust ORDER BY account`,
		`SELECT * FROM events ORDER BY n`,
	} {
		fmt.Fprintln(&b, sql)
		stmt, _, err := db.Prepare(sql)
		if err != nil {
			t.Fatal(err)
		}
		for stmt.Step() {
			for i := range stmt.ColumnCount() {
				fmt.Fprintf(&b, "\t%q", stmt.ColumnRawText(i))
			}
			b.WriteByte('\n')
		}
		if err := stmt.Err(); err != nil {
			t.Fatal(err)
		}
		stmt.Close()
	}
	return b.String()
}

// dumpAfterCrash is dump of what is found if the machine stops now: the file and its write-ahead log as they are, and no index.
func dumpAfterCrash(t testing.TB, path string) string {
	t.Helper()
	to := filepath.Join(memoryFolder(t), "crashed.db")
	copyFile(t, path, to)
	copyFile(t, path+"-wal", to+"-wal")
	return dump(t, to)
}

// dumpReplayed is dump of a new store that the log of another was replayed into (R24).
func dumpReplayed(t testing.TB, path string) string {
	t.Helper()
	from, err := sharing.New(openStore(t, path))
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(memoryFolder(t), "replayed.db")
	if err := sharing.Replay(t.Context(), openStore(t, copied), from.Events(t.Context(), sharing.EventQuery{})); err != nil {
		t.Fatal(err)
	}
	return dump(t, copied)
}

// copyFile copies a file, if there is one.
func copyFile(t testing.TB, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
