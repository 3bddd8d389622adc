package memstore

import (
	"fmt"
	"testing"

	"github.com/imageshare/sharing"
)

// Operations are found whatever their hashes: here all have one of two, which are neighbours.
func TestLog_OperationsOfOneHash(t *testing.T) {
	l := newLog()
	l.hash = func(operation string) uint64 { return uint64(len(operation)) }
	const operations = 3 * blockLength
	id := func(n int) string { return fmt.Sprintf("%0*d", 5+n%2, n) }
	for n := range operations {
		for i := range 1 + n%3 {
			var b block
			ev := sharing.Event{Operation: id(n), Actor: "me", Sequence: int64(i)}
			b.append(&ev)
			l.append(&ev, b.at(0))
		}
	}
	for n := range operations {
		events, err := l.operation(id(n))
		if err != nil || len(events) != 1+n%3 {
			t.Fatalf("operation %d has %d events, error %v; want %d", n, len(events), err, 1+n%3)
		}
		for i, ev := range events {
			if ev.Operation != id(n) || ev.Sequence != int64(i) {
				t.Fatalf("event %d of operation %d is %+v", i, n, ev)
			}
		}
	}
	for _, id := range []string{"none", "99999", "999999"} {
		if events, err := l.operation(id); err != nil || len(events) > 0 {
			t.Errorf("operation %s, which there is not, has %d events, error %v", id, len(events), err)
		}
	}
}
