// Package logtest has tests of event logs that more than one store passes, and that only a store's own tests can
// prepare.
package logtest

import (
	"errors"
	"strings"
	"testing"

	"github.com/imageshare/sharing"
)

// Diverged tests the cursors of two logs of n events, of which one began as a copy of the other, and which then got an
// event of their own each. A cursor from before the copy is of both; one of an event that only the other has is refused, since the
// events after it are others. A cursor without the event's checksum, as earlier versions made them, is accepted.
func Diverged(t *testing.T, one, other *sharing.Engine, n int) {
	t.Helper()
	log, otherLog := cursors(t, one), cursors(t, other)
	if len(log) != n || len(otherLog) != n {
		t.Fatalf("the logs have %d and %d events, want %d", len(log), len(otherLog), n)
	}
	last := n - 1
	for _, c := range []struct {
		cursor sharing.Cursor
		err    error
	}{
		{log[0], nil}, {otherLog[0], nil}, {log[last], nil}, {otherLog[last], sharing.ErrInvalid},
		{withoutChecksum(log[last]), nil}, {withoutChecksum(log[last]) + ".", sharing.ErrInvalid},
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
