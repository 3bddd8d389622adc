package sqlitestore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/imageshare/sharing"
)

// TestR24_CursorOfADivergedCopy copies a file and lets both go on. A cursor from before the copy is of both; one of an
// event that only the other has is refused, since the events after it are others.
func TestR24_CursorOfADivergedCopy(t *testing.T) {
	original, copied := newScene(t), newFile(t)
	copyFile(t, original, copied)
	one, other := engineOn(t, openStore(t, original), "one"), engineOn(t, openStore(t, copied), "other")
	for _, e := range []*sharing.Engine{one, other} {
		if _, err := e.Register(t.Context(), "alice", sharing.ImageSpec{Region: "eu"}); err != nil {
			t.Fatal(err)
		}
	}
	log, otherLog := cursors(t, one), cursors(t, other)
	last := len(log) - 1
	for _, c := range []struct {
		cursor sharing.Cursor
		err    error
	}{
		{log[0], nil}, {otherLog[0], nil}, {log[last], nil}, {otherLog[last], sharing.ErrInvalid},
		{withoutChecksum(log[last]), nil}, // as earlier versions made them
		{withoutChecksum(log[last]) + ".", sharing.ErrInvalid},
	} {
		var got error
		for _, err := range one.Events(t.Context(), sharing.EventQuery{After: c.cursor}) {
			got = err
		}
		if !errors.Is(got, c.err) {
			t.Errorf("R24: after the cursor %s the log gives the error %v, want %v", c.cursor, got, c.err)
		}
	}
}

func cursors(t *testing.T, e *sharing.Engine) (all []sharing.Cursor) {
	t.Helper()
	for ev, err := range e.Events(t.Context(), sharing.EventQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ev.Cursor)
	}
	return all
}

func withoutChecksum(c sharing.Cursor) sharing.Cursor {
	return c[:strings.LastIndexByte(string(c), '.')]
}
