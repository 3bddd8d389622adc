package memstore

import (
	"context"
	"fmt"
	"hash/crc32"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/packed"
)

// A log is the event log. A position in it is the number of events before it. The cursor of an event is the position
// after it, with a checksum of the event: so the cursor of another log is refused, and that of the same log,
// replayed into another store, is not.
//
// Events are many and seldom read, so they are kept packed, and an operation is found by the hash of its ID: in neither
// is there anything for the garbage collector to look at.
type log struct {
	full       []block // of blockLength events each
	last       block   // of less
	length     int
	byActor    index[sharing.AccountID, int, nothing]
	operations map[uint64]int      // where each begins, by its hash or, if another has that, the next free number
	hash       func(string) uint64 // of an operation

	waiting sync.Mutex    // guards grown among transactions that read
	grown   chan struct{} // closed when the log grows; nil if nobody waits for it
}

// blockLength is how many events a block of the log holds.
const blockLength = 128

// A block is a number of events, one after the other, and where each ends.
type block struct {
	data []byte
	ends []int
}

func (b *block) append(ev *sharing.Event) {
	w := packed.Writer(b.data)
	packed.Event(w, ev)
	b.data = w.Bytes()
	b.ends = append(b.ends, len(b.data))
}

// at returns the i-th event.
func (b *block) at(i int) []byte {
	begin := 0
	if i > 0 {
		begin = b.ends[i-1]
	}
	return b.data[begin:b.ends[i]]
}

// reset empties the block, for others to come.
func (b *block) reset() { b.data, b.ends = b.data[:0], b.ends[:0] }

func newLog() log {
	seed := maphash.MakeSeed()
	return log{
		byActor:    make(index[sharing.AccountID, int, nothing]),
		operations: make(map[uint64]int),
		hash:       func(operation string) uint64 { return maphash.String(seed, operation) },
	}
}

// append appends an event, which is also given packed, and returns the position before it.
func (l *log) append(ev *sharing.Event, packed []byte) (at int) {
	at = l.length
	l.length++
	l.last.data = append(l.last.data, packed...)
	l.last.ends = append(l.last.ends, len(l.last.data))
	if len(l.last.ends) == blockLength {
		l.full = append(l.full, block{slices.Clone(l.last.data), slices.Clone(l.last.ends)})
		l.last.reset()
	}
	l.byActor.add(ev.Actor, at, nothing{})
	if _, place, begun := l.find(ev.Operation); !begun {
		l.operations[place] = at
	}
	return at
}

// find returns where an operation begins, if it has begun, or else its place among the operations.
func (l *log) find(operation string) (at int, place uint64, begun bool) {
	for place = l.hash(operation); ; place++ {
		if at, begun = l.operations[place]; !begun || l.operationAt(at) == operation {
			return at, place, begun
		}
	}
}

// packedAt returns the event after a position, packed.
func (l *log) packedAt(position int) []byte {
	b := &l.last
	if n := position / blockLength; n < len(l.full) {
		b = &l.full[n]
	}
	return b.at(position % blockLength)
}

func (l *log) reader(position int) *packed.Codec { return packed.Reader(string(l.packedAt(position))) }

// operationAt returns the operation of the event after a position.
func (l *log) operationAt(position int) (operation string) {
	packed.Text(l.reader(position), &operation) // which comes first
	return operation
}

// read returns the event after a position, with its cursor.
func (l *log) read(position int) (ev sharing.Event, err error) {
	r := l.reader(position)
	packed.Event(r, &ev)
	ev.Cursor = l.cursor(position + 1)
	return ev, r.End()
}

// operation returns the events of an operation, which stand together.
func (l *log) operation(id string) (events []sharing.Event, err error) {
	at, _, begun := l.find(id)
	for ; begun && at < l.length; at++ {
		ev, err := l.read(at)
		if err != nil {
			return nil, err
		}
		if ev.Operation != id {
			break
		}
		events = append(events, ev)
	}
	return events, nil
}

// cursor returns the cursor that stands for a position, which is not the first.
func (l *log) cursor(position int) sharing.Cursor {
	sum := crc32.ChecksumIEEE(l.packedAt(position - 1))
	text := strconv.AppendInt(make([]byte, 0, len("9223372036854775807.ffffffff")), int64(position), 10)
	text = strconv.AppendUint(append(text, '.'), uint64(sum), 16)
	return sharing.Cursor(text)
}

// position returns the position that a cursor stands for.
func (l *log) position(cursor sharing.Cursor) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	number, _, _ := strings.Cut(string(cursor), ".")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > l.length || l.cursor(n) != cursor {
		return 0, fmt.Errorf("%w: cursor %.64q is no position in this store's event log", sharing.ErrInvalid, cursor)
	}
	return n, nil
}

// positions finds the positions of the events that q selects, from a position on.
func (s *Store) positions(q sharing.EventQuery, from int) seeker[int, nothing] {
	var wanted intersection[int, nothing]
	if q.Image != "" {
		wanted = append(wanted, s.lookup(q.Image).events.cursor())
	}
	if q.Actor != "" {
		wanted = append(wanted, s.log.byActor[q.Actor].cursor())
	}
	if len(wanted) > 0 {
		return wanted
	}
	return numbers{from, s.log.length}
}

// numbers finds all numbers from one to before another.
type numbers struct{ from, to int }

func (n numbers) seek(at int, after bool) (item[int, nothing], bool) {
	if after {
		at++
	}
	return item[int, nothing]{key: at}, at < n.to
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
	for at := range all(tx.store.positions(q, from), from, false) {
		ev, err := l.read(at)
		if err != nil {
			return nil, err
		}
		events = append(events, ev)
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
