package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imageshare/sharing"
)

// patience is how long the suite waits for what a store that keeps the contract does by itself.
// It is a variable for the tests of the suite, which wait for stores that do not.
var patience = 20 * time.Second

// A check is one subtest: the handles under test, and beside them a reference that is told all that they are told.
type check struct {
	*testing.T
	ctx       context.Context
	stores    []sharing.Store
	store     sharing.Store // the first of stores
	reference *reference
	end       sharing.Cursor // of the log, when endOfLog last looked
	failures  int
	hung      bool // something took longer than patience
}

// enoughFailures is how many failures of one part are told at length; then each subtest ends with its first.
const enoughFailures = 12

func newCheck(t *testing.T, open opener) *check {
	t.Helper()
	var stores []sharing.Store
	for _, store := range open(t) {
		stores = append(stores, patient{store})
	}
	return &check{T: t, ctx: t.Context(), stores: stores, store: stores[0], reference: newReference()}
}

// run runs a subtest of the check.
func (c *check) run(name string, test func()) {
	c.Helper()
	outer := c.T
	outer.Run(name, func(t *testing.T) {
		if c.hung {
			t.Skip("not asked of a store that hangs")
		}
		c.T = t
		defer func() { c.T = outer }()
		test()
	})
}

// handle returns the i-th handle, in turns.
func (c *check) handle(i int) sharing.Store { return c.stores[i%len(c.stores)] }

// A patient store makes a transaction anew when the store gives up with a conflict, which
// the contract allows at any time.
type patient struct{ sharing.Store }

// enoughConflicts is how often in a row a store may give up.
const enoughConflicts = 1000

func (p patient) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	return despiteConflicts(fn, func(fn func(sharing.ViewTx) error) error { return p.Store.View(ctx, fn) })
}

func (p patient) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	return despiteConflicts(fn, func(fn func(sharing.UpdateTx) error) error { return p.Store.Update(ctx, fn) })
}

// despiteConflicts runs a transaction with fn until it ends otherwise than with a conflict of the store's own.
func despiteConflicts[Tx any](fn func(Tx) error, transaction func(func(Tx) error) error) (err error) {
	for range enoughConflicts {
		var closures error
		err = transaction(func(tx Tx) error {
			closures = fn(tx)
			return closures
		})
		if !errors.Is(err, sharing.ErrConflict) || err == closures {
			break
		}
		runtime.Gosched()
	}
	return err
}

// write stores the given values in one transaction, in their order, and tells the reference alike.
func (c *check) write(items ...any) {
	c.Helper()
	fn := func(tx sharing.UpdateTx) error { return put(tx, items...) }
	if err := c.store.Update(c.ctx, fn); err != nil {
		c.Fatalf("Update ended with an error though nothing was wrong: %v", err)
	}
	if err := c.reference.Update(c.ctx, fn); err != nil {
		c.Fatal(err)
	}
}

// A trustOf is the trust policy of an account, for put.
type trustOf struct {
	account sharing.AccountID
	trust   sharing.Trust
}

// An ended share, for put.
type ended sharing.ShareKey

// put writes each item by the method for its type.
func put(tx sharing.UpdateTx, items ...any) error {
	for _, item := range items {
		var err error
		switch item := item.(type) {
		case sharing.ImageRecord:
			err = tx.PutImage(item)
		case sharing.Share:
			err = tx.PutShares([]sharing.Share{item})
		case []sharing.Share:
			err = tx.PutShares(item)
		case ended:
			err = tx.DeleteShares(item.Image, []sharing.Grantee{item.Grantee})
		case sharing.InstanceRecord:
			err = tx.PutInstance(item)
		case trustOf:
			err = tx.PutTrust(item.account, item.trust)
		case sharing.Event:
			err = tx.Append([]sharing.Event{item})
		case []sharing.Event:
			err = tx.Append(item)
		default:
			err = fmt.Errorf("storetest: can't put a %T", item)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// view runs fn in a View of store, and fails the test if that fails.
func (c *check) view(store sharing.Store, fn func(sharing.ViewTx) error) {
	c.Helper()
	if err := store.View(c.ctx, fn); err != nil {
		c.Fatalf("View ended with an error though nothing was wrong: %v", err)
	}
}

// read returns what one read of store gives.
func read[T any](c *check, store sharing.Store, fn func(sharing.ViewTx) (T, error)) (got T) {
	c.Helper()
	c.view(store, func(tx sharing.ViewTx) (err error) {
		got, err = fn(tx)
		return err
	})
	return got
}

// readInUpdate returns what one read of store gives in a transaction that could write.
func readInUpdate[T any](c *check, store sharing.Store, fn func(sharing.ViewTx) (T, error)) (got T) {
	c.Helper()
	err := store.Update(c.ctx, func(tx sharing.UpdateTx) (err error) {
		if got, err = fn(tx); err == nil {
			err = errAbandoned
		}
		return err
	})
	if err != errAbandoned {
		c.Fatalf("the contract asks: Update returns the closure's error, %v; got %v", errAbandoned, err)
	}
	return got
}

func (c *check) load(need sharing.Need) sharing.State {
	c.Helper()
	return read(c, c.store, func(tx sharing.ViewTx) (sharing.State, error) { return tx.Load(need) })
}

// allEvents returns the whole log of store.
func (c *check) allEvents(store sharing.Store) []sharing.Event {
	c.Helper()
	return read(c, store, func(tx sharing.ViewTx) ([]sharing.Event, error) {
		return tx.Events(sharing.EventQuery{Limit: many})
	})
}

// many is a limit that no test reaches.
const many = 1_000_000

// same checks one read of every handle, in both kinds of transactions, against the reference.
func same[T any](c *check, promise string, fn func(sharing.ViewTx) (T, error)) {
	c.Helper()
	want := read(c, c.reference, fn)
	for _, store := range c.stores {
		if c.equal(promise, read(c, store, fn), want) {
			c.equal("a transaction that writes reads as one that does not: "+promise, readInUpdate(c, store, fn), want)
		}
	}
}

// sameLoad checks one Load against the reference, and Access, which answers as Load does.
func (c *check) sameLoad(promise string, need sharing.Need) {
	c.Helper()
	type answers struct{ Load, Access sharing.State }
	same(c, promise, func(tx sharing.ViewTx) (a answers, err error) {
		if a.Load, err = tx.Load(need); err != nil || need.Image == "" {
			return a, err
		}
		a.Access.Image, a.Access.Trust, err = tx.Access(need.Account, need.Organizations, need.Image)
		return a, err
	})
}

// equal fails the test unless got is want, and says what the contract asks.
func (c *check) equal(promise string, got, want any) bool {
	c.Helper()
	diff := difference(got, want)
	if diff != "" {
		c.Errorf("the contract asks: %s\n(-contract +store):\n%s", promise, diff)
		if c.failures++; c.failures >= enoughFailures {
			c.Fatalf("there may be more like these")
		}
	}
	return diff == ""
}

// difference says how got differs from want in what the contract asks. Instants may be in any time zone,
// empty maps and slices may be nil, JSON may be laid out anew, and cursors are each store's own.
func difference(got, want any) string {
	if reflect.DeepEqual(got, want) { // most often so, and much faster than to find it out below
		return ""
	}
	diff := cmp.Diff(want, got, likeness)
	const most = 6000
	if len(diff) > most {
		return diff[:most] + "…"
	}
	return diff
}

var likeness = cmp.Options{
	cmpopts.EquateEmpty(),
	cmpopts.IgnoreFields(sharing.Event{}, "Cursor"),
	cmp.FilterValues(func(a, b json.RawMessage) bool { return len(a) > 0 || len(b) > 0 }, cmp.Comparer(sameJSON)),
}

func sameJSON(a, b json.RawMessage) bool {
	decode := func(raw json.RawMessage) (v any) {
		d := json.NewDecoder(strings.NewReader(string(raw)))
		d.UseNumber()
		if d.Decode(&v) != nil {
			return string(raw)
		}
		return v
	}
	return reflect.DeepEqual(decode(a), decode(b))
}

// within runs fn and fails the test if it takes longer than patience: then something is locked that should not be.
func (c *check) within(promise string, fn func() error) {
	c.Helper()
	done := make(chan error, 1)
	go func() { done <- fn() }()
	select {
	case err := <-done:
		if err != nil {
			c.Errorf("the contract asks: %s\ngot: %v", promise, err)
		}
	case <-time.After(patience):
		c.hung = true
		c.Fatalf("the contract asks: %s\nafter %v it still hangs", promise, patience)
	}
}
