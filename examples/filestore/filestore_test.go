//go:build unix

package filestore

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) sharing.Store { return openAt(t, filepath.Join(t.TempDir(), "journal")) })
}

func openAt(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// change makes a change: an event that is told by its name.
func change(s *Store, name string) error {
	return s.Update(context.Background(), func(tx sharing.UpdateTx) error {
		return tx.Append([]sharing.Event{{Operation: name, Kind: sharing.EventTrustSet, Trust: &sharing.Trust{}}})
	})
}

// with returns a closed journal of these changes.
func with(t *testing.T, names ...string) (path string, text []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "journal")
	s := openAt(t, path)
	for _, name := range names {
		if err := change(s, name); err != nil {
			t.Fatal(err)
		}
	}
	err := s.Close()
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path, text
}

// changes returns the names of the changes.
func changes(t *testing.T, s *Store) (names string) {
	t.Helper()
	if err := s.View(t.Context(), func(tx sharing.ViewTx) error {
		log, err := tx.Events(sharing.EventQuery{Limit: 100})
		for _, ev := range log {
			names += ev.Operation + " "
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return names
}

// A crash may leave any part of the last line. It is as if its transaction had not been.
func TestR26_TornAnywhere(t *testing.T) {
	_, text := with(t, "one", "two")
	for cut := range text {
		whole := bytes.LastIndexByte(text[:cut], '\n') + 1
		entries := 0
		end, err := readJournal(bytes.NewReader(text[:cut]), func(entry) error { entries++; return nil })
		if want := max(0, bytes.Count(text[:cut], []byte("\n"))-1); err != nil || entries != want || end != int64(whole) {
			t.Errorf("cut after %d bytes: %d changes that end at %d (%v), want %d at %d", cut, entries, end, err, want, whole)
		}
	}
	for _, cut := range []int{0, 5, len(header), len(text) - 1} {
		path := filepath.Join(t.TempDir(), "torn")
		if err := os.WriteFile(path, text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		s := openAt(t, path)
		want := changes(t, s) + "next "
		if err := errors.Join(change(s, "next"), s.Close()); err != nil {
			t.Fatal(err)
		}
		if got := changes(t, openAt(t, path)); got != want {
			t.Errorf("cut after %d bytes, and opened anew: it has %s, want %s", cut, got, want)
		}
	}
}

// When a line may or may not be on the disk, nothing is answered until the store is opened anew.
func TestR26_FailedWrite(t *testing.T) {
	path, _ := with(t, "one")
	s := openAt(t, path)
	if err := s.journal.Close(); err != nil { // every write fails from here on
		t.Fatal(err)
	}
	if err := change(s, "two"); !errors.Is(err, sharing.ErrOutcomeUnknown) {
		t.Errorf("got %v", err)
	}
	if err := s.View(t.Context(), func(sharing.ViewTx) error { return nil }); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a store that does not know its state answers: %v", err)
	}
	if got := changes(t, openAt(t, path)); got != "one " {
		t.Errorf("opened anew, it has %s", got)
	}
}

// A context that ends in the closure leaves nothing, in memory or in the journal.
func TestR22_ContextEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	s := openAt(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Update(ctx, func(tx sharing.UpdateTx) error {
		err := tx.PutTrust("alice", sharing.Trust{Owners: []sharing.AccountID{"bob"}})
		cancel()
		return err
	})
	if text, failed := os.ReadFile(path); !errors.Is(err, context.Canceled) || failed != nil || string(text) != header {
		t.Errorf("got %v, and the journal\n%s(%v)", err, text, failed)
	}
}

// A follower of the log goes on from its cursor when the store was opened anew (R24).
func TestR24_CursorsStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	engineOn := func(s *Store) *sharing.Engine {
		e, err := sharing.New(s)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	events := func(e *sharing.Engine, after sharing.Cursor) (all []sharing.Event) {
		for ev, err := range e.Events(t.Context(), sharing.EventQuery{After: after}) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, ev)
		}
		return all
	}
	s := openAt(t, path)
	e := engineOn(s)
	img, err := e.Once("token").Register(t.Context(), "alice", sharing.ImageSpec{Name: "<&\u2028>", Region: "r", Labels: map[string]string{"k": "é", "": ""}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Share(t.Context(), "alice", img.ID, "bob"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Launch(t.Context(), "bob", sharing.LaunchSpec{Image: img.ID, Region: "r"}); err != nil {
		t.Fatal(err)
	}
	want := events(e, "")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	e = engineOn(openAt(t, path))
	for i, ev := range want {
		if diff := cmp.Diff(want[i+1:], events(e, ev.Cursor), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("after event %d:\n%s", i, diff)
		}
	}
}

// What Open can't read is an error, and left as it is.
func TestR27_OpenErrors(t *testing.T) {
	path, text := with(t, "one", "two")
	s := openAt(t, path)
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "another store has it open") {
		t.Errorf("opened twice: got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := change(s, "three"); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: got %v", err)
	}
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"other file":    {[]byte("something else"), "it is no journal of a store"},
		"newer version": {bytes.Replace(text, []byte("journal 1"), []byte("journal 2"), 1), "or of another version"},
		"flipped bit":   {bytes.Replace(text, []byte(`"one"`), []byte(`"ond"`), 1), "line 2: the checksum is wrong"},
		"missing line":  {bytes.Replace(text, []byte("\n"), nil, 1), "it is no journal of a store"},
	} {
		path := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(path, c.text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, c.text) {
			t.Errorf("%s: it was changed (%v)", name, err)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "no", "folder")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: got %v", err)
	}
}
