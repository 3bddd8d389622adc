package sharingtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/imageshare/sharing"
)

// A log follows a system's event log (R24).
type log struct {
	after      sharing.Cursor
	operations map[string]bool
	sequences  map[sharing.ImageID]int64
}

func newLog() log {
	return log{operations: map[string]bool{}, sequences: map[sharing.ImageID]int64{}}
}

// kindsOf says which kinds of events each call appends.
var kindsOf = map[string][]sharing.EventKind{
	"Register": {sharing.EventRegistered}, "Capture": {sharing.EventCaptured}, "Copy": {sharing.EventCopied},
	"Update": {sharing.EventUpdated}, "Delete": {sharing.EventDeleted}, "ForceDelete": {sharing.EventForceDeleted},
	"Deprecate": {sharing.EventDeprecated}, "Disable": {sharing.EventDisabled}, "Enable": {sharing.EventEnabled},
	"Protect": {sharing.EventProtected}, "Unprotect": {sharing.EventUnprotected},
	"Seal": {sharing.EventSealed}, "Unseal": {sharing.EventUnsealed},
	"Share": {sharing.EventShared}, "ShareUntil": {sharing.EventShared, sharing.EventExpirySet},
	"SetShares": {sharing.EventShared, sharing.EventUnshared}, "Unshare": {sharing.EventUnshared},
	"Accept": {sharing.EventAccepted}, "Reject": {sharing.EventRejected}, "Leave": {sharing.EventLeft},
	"Launch": {sharing.EventLaunched}, "ReplaceDisk": {sharing.EventDiskReplaced}, "Reinit": {sharing.EventReinitialized},
	"Terminate": {sharing.EventTerminated}, "SetTrust": {sharing.EventTrustSet},
}

// follow reads the events that a call appended: one operation if the model's state is another than before, else none.
func (w *world) follow(t TB, c call, before *Model) {
	if w.subject.Events == nil {
		return
	}
	events, err := all(w.subject.Events(t.Context(), sharing.EventQuery{After: w.log.after}))
	if err != nil {
		t.Fatalf("%v: Events: %v", c, err)
	}
	changed := w.model.differs(before)
	if changed != (len(events) > 0) {
		t.Fatalf("%v: changed something: %v, but appended the events %+v", c, changed, events)
	}
	if !changed {
		return
	}
	operation := events[0].Operation
	if operation == "" || w.log.operations[operation] {
		t.Fatalf("%v: the operation %q is empty or was another's (R24)", c, operation)
	}
	w.log.operations[operation] = true
	for _, event := range events {
		if err := w.log.check(event, c, operation); err != nil {
			t.Fatalf("%v: %v (R24): %+v", c, err, event)
		}
		if !event.At.Equal(w.clock.now) {
			t.Fatalf("%v: the event is of %v, and it is %v now (R24)", c, event.At, w.clock.now)
		}
		if untrusted := w.untrusted(c, event); event.Untrusted != untrusted {
			t.Fatalf("%v: the event is marked untrusted: %v, want %v (R11)", c, event.Untrusted, untrusted)
		}
		w.log.after = event.Cursor
	}
}

// queries compares what queries of the event log select with what they should.
func (w *world) queries(t TB) {
	events, err := all(w.subject.Events(t.Context(), sharing.EventQuery{}))
	if err != nil {
		t.Fatalf("Events: %v", err)
	}
	queries := []sharing.EventQuery{{Actor: "a"}, {Image: absent}, {Limit: 2}, {Actor: "b", Limit: 1}}
	for _, event := range events[:min(1, len(events))] {
		queries = append(queries, sharing.EventQuery{Image: event.Image}, sharing.EventQuery{After: event.Cursor})
	}
	for _, q := range queries {
		var want []sharing.Event
		after := q.After == ""
		for _, event := range events {
			if after && asks(q.Actor, event.Actor) && asks(q.Image, event.Image) && (q.Limit == 0 || len(want) < q.Limit) {
				want = append(want, event)
			}
			after = after || event.Cursor == q.After
		}
		got, err := all(w.subject.Events(t.Context(), q))
		if err != nil || !same(got, want) {
			t.Fatalf("Events(%+v): %v, the answer differs (- wanted, + system):\n%s", q, err, cmp.Diff(want, got, alike...))
		}
	}
}

// check judges one event of a call, and counts it.
func (l *log) check(event sharing.Event, c call, operation string) error {
	switch {
	case event.Operation != operation:
		return fmt.Errorf("two operations, %s and %s", operation, event.Operation)
	case event.Actor != c.Actor:
		return fmt.Errorf("the actor is not %s", c.Actor)
	case !slices.Contains(kindsOf[c.Op], event.Kind):
		return fmt.Errorf("the kind is none of %v", kindsOf[c.Op])
	case strings.HasPrefix(string(event.Kind), "instance.") != (event.Instance != ""):
		return fmt.Errorf("an instance should be named where the event is about one")
	case event.Image == "":
		if event.Kind != sharing.EventTrustSet || event.Sequence != 0 {
			return fmt.Errorf("no image")
		}
		return nil
	case event.Sequence != l.sequences[event.Image]+1:
		return fmt.Errorf("a gap after %d", l.sequences[event.Image])
	}
	l.sequences[event.Image]++
	return nil
}

// untrusted reports whether the event is to be marked: a use that the actor's trust policy
// would refuse if it enforced (R11).
func (w *world) untrusted(c call, event sharing.Event) bool {
	switch c.Op {
	case "Launch", "ReplaceDisk", "Reinit":
		return !w.model.trusts(c.Actor, w.model.images[event.Image].Owner)
	}
	return false
}
