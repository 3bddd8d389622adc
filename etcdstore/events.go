package etcdstore

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/imageshare/sharing"
)

// Events implements [sharing.ViewTx].
func (tx *view) Events(q sharing.EventQuery) ([]sharing.Event, error) {
	prefix := tx.key(tableLog)
	switch {
	case q.Image != "":
		prefix = tx.key(tableEvent, string(q.Image))
	case q.Actor != "":
		prefix = tx.key(tableActor, string(q.Actor))
	}
	page := eventPage{view: tx, query: q, prefix: prefix}
	if err := page.begin(); err != nil {
		return nil, err
	}
	for more := true; more && len(page.events) < q.Limit; {
		var err error
		if more, err = page.readOn(); err != nil {
			return nil, err
		}
	}
	return page.events, nil
}

// An eventPage collects what a query of events selects.
type eventPage struct {
	*view
	query  sharing.EventQuery
	prefix string // of the log or the index to be read

	from   string // the key to read on from
	after  int64  // the revision up to which all was read
	ahead  int    // how many entries to read beyond those that the page may need
	events []sharing.Event
}

// begin goes to the place after the query's cursor.
func (p *eventPage) begin() error {
	p.ahead = 3 * epochLength
	p.from = p.prefix
	if p.query.After == "" {
		return p.ensure(p.span())
	}
	at, last, err := placeOfCursor(p.query.After)
	if err != nil {
		return err
	}
	began, err := placeOf(at)
	if err != nil {
		return err
	}
	p.from = epoch{number: began.epoch}.before(p.prefix)
	if err := p.ensure(p.span(), span{key: p.key(tableLog) + at}); err != nil {
		return err
	}
	events, revision, err := p.entry(at)
	if err != nil {
		return err
	}
	if last >= len(events) {
		return fmt.Errorf("%w: cursor %.64q is no position in this store's event log", sharing.ErrInvalid, string(p.query.After))
	}
	p.after = revision
	p.add(events[last+1:])
	return nil
}

// span is what is read next: the keys of entries, no values.
func (p *eventPage) span() span {
	limit := min(p.query.Limit, maxEntries) + p.ahead
	return span{key: p.from, end: past(p.prefix), limit: limit, read: keysOnly}
}

// maxEntries bounds how many keys of entries are read at a time.
const maxEntries = 10_000

// readOn reads entries, adds their events, and says whether there are more entries.
func (p *eventPage) readOn() (more bool, err error) {
	if err := p.ensure(p.span()); err != nil {
		return false, err
	}
	found := p.ranges[p.span()]
	entries, complete, err := p.sort(found)
	if err != nil {
		return false, err
	}
	if found.more && complete <= p.after {
		p.ahead *= 2 // all that was seen is from epochs of which not all was seen
		return true, nil
	}
	for len(entries) > 0 && len(p.events) < p.query.Limit {
		n := min(len(entries), p.query.Limit-len(p.events), maxOps)
		if err := p.addEntries(entries[:n]); err != nil {
			return false, err
		}
		entries = entries[n:]
	}
	p.after = complete
	return found.more, nil
}

// An entryKey is the place of an entry, and when it was written.
type entryKey struct {
	at       string
	revision int64
}

// sort returns the entries found that come after what was read, in the order of the log,
// up to the revision up to which they are complete. It sets from whence to read on.
func (p *eventPage) sort(found finding) (entries []entryKey, complete int64, err error) {
	var last place
	for _, kv := range found.items {
		if last, err = placeOf(string(kv.Key)); err != nil {
			return nil, 0, err
		}
		entries = append(entries, entryKey{last.text(), kv.ModRevision})
	}
	complete = p.revision
	if found.more {
		complete = int64(last.start)
	}
	entries = slices.DeleteFunc(entries, func(e entryKey) bool { return e.revision <= p.after || e.revision > complete })
	slices.SortFunc(entries, func(a, b entryKey) int { return cmp.Compare(a.revision, b.revision) })
	if found.more && complete > p.after {
		p.from = epoch{number: last.epoch}.before(p.prefix)
	}
	return entries, complete, nil
}

// addEntries adds the events of entries.
func (p *eventPage) addEntries(entries []entryKey) error {
	spans := make([]span, len(entries))
	for i, e := range entries {
		spans[i] = span{key: p.key(tableLog) + e.at}
	}
	if err := p.ensure(spans...); err != nil {
		return err
	}
	for _, e := range entries {
		events, revision, err := p.entry(e.at)
		if err != nil {
			return err
		}
		if revision == 0 {
			return fmt.Errorf("etcdstore: the log has no entry for the key %q", p.prefix+e.at)
		}
		p.add(events)
	}
	return nil
}

// add adds those of the events that the query selects, until the page is full.
func (p *eventPage) add(events []sharing.Event) {
	for _, ev := range events {
		if len(p.events) < p.query.Limit && (p.query.Image == "" || p.query.Image == ev.Image) && (p.query.Actor == "" || p.query.Actor == ev.Actor) {
			p.events = append(p.events, ev)
		}
	}
}
