package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/imageshare/sharing"
)

// compareLogs compares the logs, except for the cursors, which are each store's own, and returns
// the accounts that the logs name.
func compareLogs(ctx context.Context, a, b *sharing.Engine) ([]sharing.AccountID, error) {
	accounts := make(map[sharing.AccountID]bool)
	log := func(e *sharing.Engine) iter.Seq2[any, error] {
		return func(yield func(any, error) bool) {
			for ev, err := range e.Events(ctx, sharing.EventQuery{}) {
				ev.Cursor = ""
				accounts[ev.Actor] = true
				for _, share := range ev.Shares {
					if account, ok := share.Grantee.Account(); ok {
						accounts[account] = true
					}
				}
				if !yield(ev, err) {
					return
				}
			}
		}
	}
	err := equal("events", log(a), log(b))
	return slices.Sorted(maps.Keys(accounts)), err
}

// compareViews compares what an account sees. Images that reach it only through an organisation are
// compared in the eyes of their owners.
func compareViews(ctx context.Context, a, b *sharing.Engine, account sharing.AccountID) error {
	every := sharing.ImageQuery{Origin: sharing.OriginOwn | sharing.OriginShared | sharing.OriginPublic, Deprecated: true}
	for name, view := range map[string]func(*sharing.Engine) iter.Seq2[any, error]{
		"images": func(e *sharing.Engine) iter.Seq2[any, error] { return each(e.Images(ctx, account, every)) },
		"shares received": func(e *sharing.Engine) iter.Seq2[any, error] {
			return each(e.SharesReceived(ctx, account, sharing.ShareQuery{}))
		},
		"shares given": func(e *sharing.Engine) iter.Seq2[any, error] {
			return each(e.SharesGiven(ctx, account, sharing.ShareQuery{}))
		},
		"instances": func(e *sharing.Engine) iter.Seq2[any, error] {
			return each(e.Instances(ctx, account, sharing.InstanceQuery{}))
		},
		"trust policy": func(e *sharing.Engine) iter.Seq2[any, error] {
			return func(yield func(any, error) bool) {
				trust, err := e.Trust(ctx, account)
				yield(trust, err)
			}
		},
	} {
		if err := equal(name, view(a), view(b)); err != nil {
			return err
		}
	}
	return nil
}

// each hides the type of the items.
func each[T any](items iter.Seq2[T, error]) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for item, err := range items {
			if !yield(item, err) {
				return
			}
		}
	}
}

// equal compares two listings item by item, as JSON. Its error shows the first item that differs.
func equal(what string, a, b iter.Seq2[any, error]) error {
	next, stop := iter.Pull2(b)
	defer stop()
	n := 0
	for item, err := range a {
		if err != nil {
			return err
		}
		other, err, more := next()
		if err != nil {
			return err
		}
		if !more {
			return fmt.Errorf("the %s differ: after the first %d, those that were moved are missing", what, n)
		}
		n++
		if err := same(item, other); err != nil {
			return fmt.Errorf("the %s differ, number %d: %w", what, n, err)
		}
	}
	_, err, more := next()
	if err == nil && more {
		return fmt.Errorf("the %s differ: there are more than the %d that were moved", what, n)
	}
	return err
}

func same(a, b any) error {
	x, err := json.Marshal(a)
	if err != nil {
		return err
	}
	y, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if !bytes.Equal(x, y) {
		return fmt.Errorf("%s became %s", x, y)
	}
	return nil
}
