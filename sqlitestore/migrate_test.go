package sqlitestore_test

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imageshare/sharing"
)

// oldFile makes a file of schema version 1, as the program of that version left it: with every kind of record, and JSON in them.
func oldFile(t *testing.T) (path string) {
	t.Helper()
	packed, err := os.Open("testdata/schema1.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	r, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(memoryFolder(t), "old.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMigrate opens an old file: then it holds what a replay of its log gives, in the form of today. The log itself stays as it was
// written, with states and statuses as numbers, and says the same.
func TestMigrate(t *testing.T) {
	path := oldFile(t)
	e := engineOn(t, openStore(t, path), "new")
	copied := filepath.Join(memoryFolder(t), "replayed.db")
	to := openStore(t, copied)
	if err := sharing.Replay(t.Context(), to, e.Events(t.Context(), sharing.EventQuery{})); err != nil {
		t.Fatal(err)
	}
	state, log, _ := strings.Cut(dump(t, path), "SELECT * FROM events")
	replayed, newLog, _ := strings.Cut(dump(t, copied), "SELECT * FROM events")
	if state != replayed {
		t.Error("the migrated records are not what the log gives")
	}
	if !strings.Contains(log, `\"State\":0`) || !strings.Contains(newLog, `\"State\":\"available\"`) {
		t.Error("the old log should have numbers, and the new one words")
	}
	if diff := cmp.Diff(events(t, e), events(t, engineOn(t, to, "new"))); diff != "" {
		t.Errorf("the logs differ (-old +new):\n%s", diff)
	}
	if !strings.Contains(state, "more4") {
		t.Error("the old file lacks what it should hold")
	}
	if err := e.CanUse(t.Context(), "bob", "more1", "eu"); err != nil {
		t.Error(err)
	}
	if _, err := e.Register(t.Context(), "alice", sharing.ImageSpec{Region: "eu"}); err != nil {
		t.Error(err)
	}
}

// events reads an engine's log, without what differs from store to store.
func events(t *testing.T, e *sharing.Engine) (log []sharing.Event) {
	t.Helper()
	for ev, err := range e.Events(t.Context(), sharing.EventQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		ev.Cursor = ""
		log = append(log, ev)
	}
	return log
}

// TestMigrate_Corrupt opens an old file with damaged records: they are told of when they are read, and hinder nothing else.
func TestMigrate_Corrupt(t *testing.T) {
	for _, record := range []string{`''`, `'{'`, `'{}'`, `'null'`, `substr(record, 1, length(record) - 1)`} {
		path := oldFile(t)
		execute(t, raw(t, path), `UPDATE images SET record = `+record+` WHERE id = 'old1'`)
		e := engineOn(t, openStore(t, path), "new")
		if err := e.CanUse(t.Context(), "bob", "old1", "eu"); err == nil || !strings.Contains(err.Error(), `"old1" in table images is corrupt`) {
			t.Errorf("with the record %s, the error should name it: %v", record, err)
		}
		if err := e.CanUse(t.Context(), "bob", "more1", "eu"); err != nil {
			t.Error(err)
		}
	}
}
