package sqlitestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/imageshare/sharing"
)

// The cursor of an event is its number, the database's identity, and a checksum of the event: a copy of the file has
// the same identity, and may have written another event under the same number. The number of the last event is the
// log's length.

func (s *Store) cursor(n int64, record []byte) sharing.Cursor {
	return sharing.Cursor(fmt.Sprintf("%s.%08x", s.place(n), crc32.Checksum(record, castagnoli)))
}

// place is what a cursor begins with. The cursors of earlier versions were no more than that.
func (s *Store) place(n int64) string { return strconv.FormatInt(n, 10) + "." + s.id }

const selectEvent = `SELECT record FROM events WHERE n = ?`

// position returns the number of the event that cursor is of; 0 for the position before the first.
func (tx *view) position(cursor sharing.Cursor) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	number, _, _ := strings.Cut(string(cursor), ".")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, badCursor(cursor)
	}
	q := tx.conn.query(selectEvent, n)
	made := q.next() && (cursor == tx.store.cursor(n, q.ColumnRawText(0)) || string(cursor) == tx.store.place(n))
	if err := tx.end(q, nil); err != nil {
		return 0, err
	}
	if !made {
		return 0, badCursor(cursor)
	}
	return n, nil
}

func badCursor(cursor sharing.Cursor) error {
	return fmt.Errorf("%w: cursor %.64q is no position in this store's event log", sharing.ErrInvalid, cursor)
}

// Events implements [sharing.ViewTx].
func (tx *view) Events(q sharing.EventQuery) ([]sharing.Event, error) {
	after, err := tx.position(q.After)
	if err != nil {
		return nil, err
	}
	s := eventSelection(q, after)
	return tx.events(s.sql.String(), s.args...)
}

func eventSelection(q sharing.EventQuery, after int64) *selection {
	s := selecting(`SELECT n, operation, record FROM events WHERE n > ?`, after)
	s.equal("image", string(q.Image))
	s.equal("actor", string(q.Actor))
	s.orderedBy("n LIMIT ?")
	s.args = append(s.args, int64(q.Limit))
	return s
}

// events returns the events that a query for their number, operation and record gives.
func (tx *view) events(sql string, args ...any) (events []sharing.Event, err error) {
	q := tx.conn.query(sql, args...)
	for err == nil && q.next() {
		n, operation, record := q.ColumnInt64(0), q.ColumnText(1), q.ColumnRawText(2)
		var ev sharing.Event
		if err = json.Unmarshal(record, &ev); err == nil && ev.Operation != operation {
			err = errors.New("it is of another operation")
		}
		if err != nil {
			err = corrupt("events", strconv.FormatInt(n, 10), err)
		}
		ev.Cursor = tx.store.cursor(n, record)
		events = append(events, ev)
	}
	if err := tx.end(q, err); err != nil {
		return nil, err
	}
	return events, nil
}

const selectLastEvent = `SELECT max(n) FROM events`

// lastEvent returns the number of the last event. It is read again only if the file was changed since.
func (c *conn) lastEvent() (int64, error) {
	version, err := c.integer(`PRAGMA data_version`)
	if err != nil {
		return 0, err
	}
	if version != c.version {
		last, err := c.integer(selectLastEvent)
		if err != nil {
			return 0, err
		}
		c.version, c.last = version, last
	}
	return c.last, nil
}

// pollInterval is how long a change that another process made may go unnoticed by one who waits for it.
const pollInterval = 20 * time.Millisecond

// Changed implements [sharing.ViewTx]. This store announces what it commits; to notice what others commit, a waiter
// asks the file again and again.
func (tx *view) Changed() (wait func(context.Context) error) {
	s := tx.store
	seen, err := tx.count(selectLastEvent)
	return func(ctx context.Context) error {
		if err != nil {
			return err
		}
		tick := time.NewTicker(pollInterval)
		defer tick.Stop()
		for {
			grown := s.grown.awaited()
			if last, err := s.poll(ctx); err != nil || last > seen {
				return err
			}
			select {
			case <-grown:
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// poll returns the number of the last event by now.
func (s *Store) poll(ctx context.Context) (int64, error) {
	c, err := s.take(ctx, s.readers)
	if err != nil {
		return 0, err
	}
	defer release(s.readers, c)
	last, err := c.lastEvent()
	return last, explain(ctx, err)
}

// An announcement wakes those who wait for it.
type announcement struct {
	mu   sync.Mutex
	made chan struct{} // closed when it is made; nil if nobody waits
}

func (a *announcement) awaited() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.made == nil {
		a.made = make(chan struct{})
	}
	return a.made
}

func (a *announcement) announce() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.made != nil {
		close(a.made)
		a.made = nil
	}
}
