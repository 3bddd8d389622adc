package sharing

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"reflect"
)

// replayBatch is the size of a batch of events, in bytes of JSON, from which on a replay writes it in a
// transaction; the events of one call are kept together. A store writes several times as much, and may have a
// limit: etcd accepts 1.5 MB at once.
const replayBatch = 128 << 10

// Replay writes an event log, as [Engine.Events] yields it, into an empty store: to restore a backup, or to
// move to another kind of store (R24). The store then holds exactly the state that the log records, and the
// same log except for the cursors.
//
// A store that is not empty is [ErrInvalid], and so is a log that is not whole: for example one with a gap, or with an
// event that no call can have produced after the events before it. Not everything can be judged: events that are
// missing at the end can't be noticed, nor can a launch that the rules would have refused. docs/RULES.md says, under
// R24, what a replay judges and what it trusts, so keep a log where nobody else can write it.
//
// Events are written in batches, so after an error the store may hold the beginning of the log: [ResumeReplay] goes on
// from there.
func Replay(ctx context.Context, to Store, events iter.Seq2[Event, error]) error {
	return startReplay(ctx, "Replay", to, events, func(has Event, _ Event) error {
		return invalid("store", "is not empty, it begins with operation %s: replay into a new one", quoted(has.Operation))
	})
}

// ResumeReplay goes on with a [Replay] that was interrupted: the store holds the beginning of the log, or nothing, or
// all of it. The events are again those of the whole log, from the first: those that the store holds are compared, in
// all but the answers kept for tokens, and those that it lacks are written.
//
// A store that holds something else, and a log that is not whole, are [ErrInvalid].
func ResumeReplay(ctx context.Context, to Store, events iter.Seq2[Event, error]) error {
	return startReplay(ctx, "ResumeReplay", to, events, func(has, ev Event) error {
		if reflect.DeepEqual(has.change(), ev.change()) {
			return nil
		}
		where := "the log ends"
		if ev.Operation != "" {
			where = "the log has " + quoted(ev.Operation)
		}
		return invalid("store", "holds operation %s where %s: it is not the beginning of this log", quoted(has.Operation), where)
	})
}

// startReplay writes the events that come after those that the store has. same judges an event that the store has
// against the event of the log in its place.
func startReplay(ctx context.Context, op string, to Store, events iter.Seq2[Event, error], same func(has, ev Event) error) error {
	if to == nil {
		return named(op, invalid("store", "is nil: open one"))
	}
	if events == nil {
		return named(op, invalid("events", "are nil: give those of a log, of an empty one none"))
	}
	next, stop := iter.Pull2(eventsOf(ctx, to, EventQuery{}))
	defer stop()
	has, err, more := next()
	before := newHistory()
	r := replay{ctx: ctx, to: to}
	for ev, failed := range events {
		ev = ev.clone()
		ev.normalTimes()
		if err = firstError(failed, err); err == nil {
			err = before.add(&ev)
		}
		switch {
		case err != nil:
		case !more:
			err = r.add(ev)
		default:
			if err = same(has, ev); err == nil {
				has, err, more = next()
			}
		}
		if err != nil {
			return named(op, err)
		}
	}
	if err == nil && more {
		err = same(has, Event{})
	}
	return named(op, firstError(err, r.flush()))
}

// change returns what ev records, in a form in which events that record the same are deeply equal, whichever stores
// they were read from. The result is left out: a store may keep another layout of the same JSON.
func (ev Event) change() Event {
	ev = ev.clone()
	ev.Cursor, ev.Result = "", nil
	ev.normalTimes()
	if ev.Trust != nil && len(ev.Trust.Owners) == 0 {
		ev.Trust.Owners = nil
	}
	if len(ev.Shares) == 0 {
		ev.Shares = nil
	}
	if len(ev.Ended) == 0 {
		ev.Ended = nil
	}
	return ev
}

// A replay is a [Replay] under way.
type replay struct {
	ctx   context.Context
	to    Store
	batch []Event
	size  int // of the batch, as JSON
}

// add takes the next event of the log to be written.
func (r *replay) add(ev Event) error {
	if r.size >= replayBatch && r.batch[len(r.batch)-1].Operation != ev.Operation {
		if err := r.flush(); err != nil {
			return err
		}
	}
	ev.Cursor = ""
	text, err := json.Marshal(ev)
	r.batch, r.size = append(r.batch, ev), r.size+len(text)
	return err
}

// flush writes the batch. If the store lost the outcome, flush looks for the batch's last operation in the store (R26).
func (r *replay) flush() error {
	if len(r.batch) == 0 {
		return nil
	}
	ran := false
	err := r.to.Update(r.ctx, func(tx UpdateTx) error {
		ran = true
		return write(tx, r.batch)
	})
	err = decided(ran, err)
	if errors.Is(err, ErrOutcomeUnknown) {
		if events, lost := operationIn(r.ctx, r.to, r.batch[len(r.batch)-1].Operation); lost == nil && len(events) > 0 {
			err = nil
		}
	}
	r.batch, r.size = nil, 0
	return err
}
