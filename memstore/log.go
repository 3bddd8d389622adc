package memstore

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"sync"

	"github.com/imageshare/sharing"
)

// eventsPerChunk is how many events a chunk of the log holds.
const eventsPerChunk = 128

// A log is the event log. A position in it is the number of events before it; the cursor of an event
// is the position after it, as decimal text.
type log struct {
	chunks     [][]sharing.Event // all full but the last, so that nothing moves as the log grows
	length     int
	byImage    index[sharing.ImageID, int]
	byActor    index[sharing.AccountID, int]
	operations map[string]int // where each begins: its events stand together

	waiting sync.Mutex    // guards grown among transactions that read
	grown   chan struct{} // closed when the log grows; nil if nobody waits for it
}

func newLog() log {
	return log{
		byImage:    make(index[sharing.ImageID, int]),
		byActor:    make(index[sharing.AccountID, int]),
		operations: make(map[string]int),
	}
}

func (l *log) append(ev *sharing.Event) {
	at := l.length
	if at%eventsPerChunk == 0 {
		l.chunks = append(l.chunks, make([]sharing.Event, 0, eventsPerChunk))
	}
	last := &l.chunks[len(l.chunks)-1]
	*last = append(*last, *ev)
	l.length++
	if ev.Image != "" {
		l.byImage.add(ev.Image, at)
	}
	l.byActor.add(ev.Actor, at)
	if _, begun := l.operations[ev.Operation]; !begun {
		l.operations[ev.Operation] = at
	}
}

// at returns the event after a position.
func (l *log) at(position int) *sharing.Event {
	return &l.chunks[position/eventsPerChunk][position%eventsPerChunk]
}

// read returns the event after a position, with its cursor.
func (l *log) read(position int) sharing.Event {
	ev := *l.at(position)
	ev.Cursor = sharing.Cursor(strconv.Itoa(position + 1))
	return ev
}

func (l *log) operation(id string) []sharing.Event {
	at, ok := l.operations[id]
	if !ok {
		return nil
	}
	var events []sharing.Event
	for ; at < l.length && l.at(at).Operation == id; at++ {
		events = append(events, l.read(at))
	}
	return events
}

// position returns the position that a cursor stands for.
func (l *log) position(cursor sharing.Cursor) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(string(cursor))
	if err != nil || n < 1 || n > l.length || strconv.Itoa(n) != string(cursor) {
		return 0, fmt.Errorf("%w cursor: %.64q is no position in this store's event log", sharing.ErrInvalid, cursor)
	}
	return n, nil
}

// positions yields the positions of the events that q selects, from a position on.
func (l *log) positions(q sharing.EventQuery, from int) iter.Seq[int] {
	var wanted intersection[int]
	if q.Image != "" {
		wanted = append(wanted, l.byImage[q.Image].cursor())
	}
	if q.Actor != "" {
		wanted = append(wanted, l.byActor[q.Actor].cursor())
	}
	if len(wanted) > 0 {
		return all(wanted, from, false)
	}
	return func(yield func(int) bool) {
		for at := from; at < l.length && yield(at); at++ {
		}
	}
}

// Events implements [sharing.ViewTx].
func (tx *view) Events(q sharing.EventQuery) ([]sharing.Event, error) {
	if err := tx.ctx.Err(); err != nil {
		return nil, err
	}
	l := &tx.store.log
	from, err := l.position(q.After)
	if err != nil {
		return nil, err
	}
	var events []sharing.Event
	for at := range l.positions(q, from) {
		events = append(events, l.read(at))
		if len(events) == q.Limit {
			break
		}
	}
	return events, nil
}

// Changed implements [sharing.ViewTx].
func (tx *view) Changed() (wait func(context.Context) error) {
	grown := tx.store.log.awaited()
	return func(ctx context.Context) error {
		select {
		case <-grown:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// awaited returns a channel that is closed when the log grows. The caller is in a transaction,
// so that the log can't grow meanwhile.
func (l *log) awaited() <-chan struct{} {
	l.waiting.Lock()
	defer l.waiting.Unlock()
	if l.grown == nil {
		l.grown = make(chan struct{})
	}
	return l.grown
}

// announce wakes those who wait for the log to grow.
func (l *log) announce() {
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
}
