package sharing

import (
	"context"
	"iter"
)

// Events yields the events that q selects, in the order of the log, and ends after the last one that there is (R24). It
// reads up to 1,000 at a time, so it may also yield events that the body of the loop causes meanwhile. It is for the
// operator of the engine, and so takes no actor.
//
// An invalid query, or a cursor that is not a position in this store's log, is [ErrInvalid]. An error ends the loop.
func (e *Engine) Events(ctx context.Context, q EventQuery) iter.Seq2[Event, error] {
	return eventsOf(ctx, e.store, q)
}

func eventsOf(ctx context.Context, store Store, q EventQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if err := q.validate(); err != nil {
			yield(Event{}, named("Events", err))
			return
		}
		page, given := q, 0 // of this loop: the next one over the same events begins anew
		for {
			if page.Limit = maxPage; q.Limit > 0 {
				page.Limit = min(maxPage, q.Limit-given)
			}
			var events []Event
			err := view(ctx, store, func(tx ViewTx) (err error) {
				events, err = tx.Events(page)
				return err
			})
			if err != nil {
				yield(Event{}, named("Events", err))
				return
			}
			for _, ev := range events {
				if err := ctx.Err(); err != nil {
					yield(Event{}, named("Events", err))
					return
				}
				if !yield(ev.clone(), nil) {
					return
				}
				page.After = ev.Cursor
			}
			given += len(events)
			if len(events) < page.Limit || given == q.Limit {
				return
			}
		}
	}
}

// Watch yields all events after a position in the log, where the zero Cursor is before the first event. It then blocks
// for more until ctx ends, which ends the loop without an error. It misses no event and repeats none (R24). However
// slow the body of the loop is, it holds up nobody, and nothing queues up for it. It is for the operator of the
// engine, and so takes no actor.
//
// A cursor that is not a position in this store's log is [ErrInvalid]. An error ends the loop; to go on, watch
// after the last event's cursor.
func (e *Engine) Watch(ctx context.Context, after Cursor) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		after := after // of this loop: the next one begins anew
		for ctx.Err() == nil {
			var events []Event
			var wait func(context.Context) error
			err := view(ctx, e.store, func(tx ViewTx) (err error) {
				if events, err = tx.Events(EventQuery{After: after, Limit: watchBatch}); len(events) == 0 {
					wait = tx.Changed()
				}
				return err
			})
			for _, ev := range events {
				if ctx.Err() != nil || !yield(ev.clone(), nil) {
					return
				}
				after = ev.Cursor
			}
			if err == nil && len(events) == 0 {
				err = wait(ctx)
			}
			if err != nil && ctx.Err() == nil {
				yield(Event{}, named("Watch", err))
				return
			}
		}
	}
}

// watchBatch is how many events a watcher reads ahead.
const watchBatch = 100

// operationIn returns the events of an operation, which are none if it made no change or never happened.
func operationIn(ctx context.Context, store Store, id string) (events []Event, err error) {
	err = view(ctx, store, func(tx ViewTx) error {
		state, err := tx.Load(Need{Operation: id})
		events = state.Operation
		return err
	})
	return events, err
}
