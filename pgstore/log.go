package pgstore

import (
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/imageshare/sharing"
)

// A position is a place in the log. A transaction draws one when it is about to commit, and numbers its events.
//
// The log is in the order of the commits though transactions commit side by side: writers draw
// their position behind the gate, a lock that they share until they have committed, and a
// reader of the log closes the gate for the moment in which its snapshot is taken. So a reader
// waits for the commits under way, and whatever it does not see then gets a greater position.
type position struct {
	drawn, number int64
}

func (p position) text(store string) string { return fmt.Sprintf("%s.%d.%d", store, p.drawn, p.number) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// cursor returns the cursor of the event with this body, in the store with this ID. The event's checksum tells it from
// what a copy of the database, which has the same ID, wrote at the same position.
func (p position) cursor(store string, body []byte) sharing.Cursor {
	return sharing.Cursor(fmt.Sprintf("%s.%08x", p.text(store), crc32.Checksum(body, castagnoli)))
}

// is reports whether c is the cursor of the event with this body, or the one that earlier versions gave it, without a
// checksum.
func (p position) is(c sharing.Cursor, store string, body []byte) bool {
	return c == p.cursor(store, body) || string(c) == p.text(store)
}

// parseCursor returns the position at which there has to be the event that a cursor of the store with this ID is of.
func parseCursor(c sharing.Cursor, store string) (position, error) {
	var p position
	if c == "" {
		return p, nil
	}
	if _, err := fmt.Sscanf(string(c), store+".%d.%d", &p.drawn, &p.number); err != nil {
		return p, badCursor(c)
	}
	return p, nil
}

func badCursor(c sharing.Cursor) error {
	return fmt.Errorf("%w: cursor %.64q is no position in this store's event log", sharing.ErrInvalid, c)
}

// addEvents adds the events for which the condition holds.
func (q *query) addEvents(condition string) {
	q.add("event", columns{id: "operation", body: "body", n: "position", number: "number"}, "FROM sharing.events WHERE "+condition)
}

// addMark adds the last position of the log.
func (q *query) addMark() {
	q.add("mark", columns{n: "position"}, "FROM sharing.events ORDER BY position DESC LIMIT 1")
}

// Events implements [sharing.ViewTx].
func (r *reader) Events(eq sharing.EventQuery) ([]sharing.Event, error) {
	after, err := parseCursor(eq.After, r.store.id)
	if err != nil {
		return nil, err
	}
	q := &query{log: true, anything: true}
	drawn, number := q.arg(after.drawn), q.arg(after.number)
	wanted := conditions{fmt.Sprintf("(position, number) > (%s::bigint, %s::bigint)", drawn, number)}
	if eq.Image != "" {
		wanted.add("image <> '' AND image = %s", q.arg(string(eq.Image)))
	}
	if eq.Actor != "" {
		wanted.add("actor = %s", q.arg(string(eq.Actor)))
	}
	q.addMark()
	q.add("after", columns{body: "body"},
		fmt.Sprintf("FROM sharing.events WHERE position = %s AND number = %s", drawn, number))
	q.addEvents(wanted.String() + " ORDER BY position, number LIMIT " + q.arg(eq.Limit))
	facts, err := r.ask(q)
	if err != nil {
		return nil, err
	}
	found, err := r.gather(facts, nil)
	if err != nil {
		return nil, err
	}
	made := func(f fact) bool { return f.part == "after" && after.is(eq.After, r.store.id, f.body) }
	if eq.After != "" && !slices.ContainsFunc(found.facts, made) {
		return nil, badCursor(eq.After)
	}
	r.mark(found.count("mark"))
	return found.events, nil
}

// mark notes the log's last position, for [reader.Changed].
func (r *reader) mark(last int64) {
	r.marked.last, r.marked.known = last, true
}

// A mark is how far the log had grown at a transaction's instant.
type mark struct {
	asked, known bool
	last         int64
}

// settleMark finds out the mark, if it was asked for and no reading of the log told it.
func (r *reader) settleMark() error {
	if !r.marked.asked || r.marked.known {
		return nil
	}
	q := &query{log: true, anything: true}
	q.addMark()
	facts, err := r.ask(q)
	if err != nil {
		return err
	}
	r.mark(0)
	for _, f := range facts {
		r.mark(f.n)
	}
	return nil
}
