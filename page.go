package sharing

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"iter"
	"slices"
	"strings"
)

// A Page asks for one page of a listing.
type Page struct {
	// Cursor is empty for the first page, and otherwise the next cursor that the page before returned. It is
	// bound to the account and the query that it was made for: used with others, or altered, it is [ErrInvalid].
	// It may be shown to the account.
	Cursor string
	// Limit is the maximum number of items on the page. Zero means 100, and more than 1,000 means 1,000; a negative
	// limit is [ErrInvalid]. A page may have fewer items even if more follow: only an empty next marks the last page.
	Limit int
}

const (
	maxPage     = 1000
	defaultPage = 100
)

// size returns the limit that p stands for.
func (p Page) size() (int, error) {
	switch {
	case p.Limit < 0:
		return 0, invalid("page limit", "is %d: it can't be negative", p.Limit)
	case p.Limit == 0:
		return defaultPage, nil
	}
	return min(p.Limit, maxPage), nil
}

// A listing is a call that answers with one page.
type listing struct {
	call
	query any // what selects the items
	limit int
	after []string // the key of the item before the page, or empty strings
}

// beginPage starts a call that lists what query selects, ordered by keys of n strings.
func (e *Engine) beginPage(ctx context.Context, op string, actor AccountID, query any, p Page, n int, input error) (listing, error) {
	limit, err := p.size()
	c, err := e.begin(ctx, op, actor, input, err)
	if err != nil {
		return listing{}, err
	}
	l := listing{call: c, query: query, limit: limit}
	l.after, err = l.key(p.Cursor, n)
	return l, l.named(err)
}

// cursor returns the cursor of the page that continues after the item with this key. It is bound to the listing, the
// account and the query. It holds no secret: an account that makes up a cursor gets only items that it sees anyway.
func (l *listing) cursor(key ...string) string {
	place, _ := json.Marshal(key) // strings, and a valid query, can always be encoded
	query, _ := json.Marshal(l.query)
	return base64.RawURLEncoding.EncodeToString(place) + "." + digestOf(append(key, l.op, string(l.actor), string(query))...)
}

// key returns the key of n strings that cursor was made of; for the first page they are empty.
func (l *listing) key(cursor string, n int) ([]string, error) {
	key := make([]string, n)
	if cursor == "" {
		return key, nil
	}
	encoded, _, _ := strings.Cut(cursor, ".")
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err == nil {
		key = nil
		err = json.Unmarshal(text, &key)
	}
	if err != nil || len(key) != n || l.cursor(key...) != cursor {
		return nil, invalid("page cursor", "is not one that this account got for this query: start again without one")
	}
	return key, nil
}

// gather collects up to limit items, and reports whether there are more. Each call of scan hands out the next values, at
// most the limit that it is given; keep returns the item in a value, or nil if the actor must not see it.
func gather[T, I any](limit int, scan func(limit int, each func(*T)) error, keep func(*T) *I) (items []I, more bool, err error) {
	g := gathering[T, I]{limit: limit, keep: keep, items: []I{}}
	each := g.add
	for {
		batch := max(limit+1-len(g.items), smallestScan)
		g.found = 0
		if err := scan(batch, each); err != nil {
			return nil, false, err
		}
		if g.more || g.found < batch {
			return g.items, g.more, nil
		}
	}
}

// A gathering is the state of gather.
type gathering[T, I any] struct {
	limit int
	keep  func(*T) *I
	items []I
	more  bool
	found int // of the values that the last scan handed out
}

func (g *gathering[T, I]) add(value *T) {
	g.found++
	item := g.keep(value)
	switch {
	case item == nil:
	case len(g.items) == g.limit:
		g.more = true
	default:
		if len(g.items) == cap(g.items) {
			room := min(g.limit, max(fewItems, 10*len(g.items)))
			g.items = slices.Grow(g.items, room-len(g.items))
		}
		g.items = append(g.items, *item)
	}
}

const (
	// smallestScan is the least that a scan reads at a time. A page of few items would otherwise take many small reads
	// where the actor may see only some of what is found.
	smallestScan = 16
	// fewItems is how many items a page makes room for at first: then for a page by default, and then for the largest,
	// since a page that has more than a few is mostly full.
	fewItems = 10
)

// scanAll calls each for all values that scan hands out, up to limit at a time.
func scanAll[T any](limit int, scan func(each func(*T)) error, each func(*T)) error {
	for {
		found := 0
		err := scan(func(value *T) {
			found++
			each(value)
		})
		if err != nil || found < limit {
			return err
		}
	}
}

// all returns the items of the listing op, page by page. Each page is read at one instant, and the body of the loop may
// call the engine. The loop ends when its context does, even within a page.
func all[T any](ctx context.Context, op string, page func(Page) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		next := Page{Limit: maxPage}
		for {
			items, cursor, err := page(next)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range items {
				if err := ctx.Err(); err != nil {
					yield(none, named(op, err))
					return
				}
				if !yield(item, nil) {
					return
				}
			}
			if cursor == "" {
				return
			}
			next.Cursor = cursor
		}
	}
}
