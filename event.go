package sharing

import (
	"encoding/json"
	"slices"
	"time"
)

// A Cursor is a position in a store's event log. The zero value is the position before the first event. The store makes
// the cursors; they mean nothing in another store, and can't be compared.
type Cursor string

// An EventKind says what an event is about.
type EventKind string

// The kinds of events. Every change of the stored state is an event of one of these kinds (R24).
const (
	EventRegistered    EventKind = "image.registered"
	EventCaptured      EventKind = "image.captured"
	EventCopied        EventKind = "image.copied"
	EventUpdated       EventKind = "image.updated"
	EventDeprecated    EventKind = "image.deprecated"
	EventDisabled      EventKind = "image.disabled"
	EventEnabled       EventKind = "image.enabled"
	EventProtected     EventKind = "image.protected"
	EventUnprotected   EventKind = "image.unprotected"
	EventSealed        EventKind = "image.sealed"
	EventUnsealed      EventKind = "image.unsealed"
	EventDeleted       EventKind = "image.deleted"
	EventForceDeleted  EventKind = "image.force_deleted"
	EventShared        EventKind = "share.created"
	EventExpirySet     EventKind = "share.expiry_set"
	EventAccepted      EventKind = "share.accepted"
	EventRejected      EventKind = "share.rejected"
	EventLeft          EventKind = "share.left"
	EventUnshared      EventKind = "share.ended"
	EventLaunched      EventKind = "instance.launched"
	EventDiskReplaced  EventKind = "instance.disk_replaced"
	EventReinitialized EventKind = "instance.reinitialized"
	EventTerminated    EventKind = "instance.terminated"
	EventTrustSet      EventKind = "trust.set"
)

// An Event records one change: who, what, when, on which image or instance (R24). It is appended in the
// transaction that makes the change, and holds everything needed to make the change again. The log therefore
// defines what each call did: see [Replay].
//
// Events are for the operator of the engine: they hold what accounts may not know about each other.
type Event struct {
	// Cursor is the event's position in the log of the store that it was read from.
	Cursor Cursor
	// Operation is the ID of the call that the event belongs to. The events of one call are adjacent in the log.
	Operation string
	// At is when the call was made, by its engine's clock, in UTC. Times may go back from one event to the next if
	// clocks differ: the order of the log is the truth.
	At time.Time
	// Actor is the account that made the call.
	Actor AccountID
	// Kind says what changed.
	Kind EventKind
	// Image is the image that the event is about; if it is about an instance, the image that the instance's system disk
	// is made from after the event. Only an event of a trust policy has none.
	Image ImageID `json:",omitzero"`
	// Instance is the instance that the event is about, if any.
	Instance InstanceID `json:",omitzero"`
	// Sequence numbers the events of Image, from 1 and without a gap. It is 0 for an event without an image.
	Sequence int64 `json:",omitzero"`
	// Untrusted means that the actor's trust policy does not name the image's owner. The policy does not enforce, so
	// the use was not refused (R11).
	Untrusted bool `json:",omitzero"`

	// What the event changed. Each field is nil if the event did not change it.

	// ImageRecord is the image as it is after the event.
	ImageRecord *ImageRecord `json:",omitzero"`
	// InstanceRecord is the instance as it is after the event.
	InstanceRecord *InstanceRecord `json:",omitzero"`
	// Shares are the shares of Image that were made or changed, as they are after the event.
	Shares []Share `json:",omitzero"`
	// Ended are the grantees whose share of Image ended. The shares of a deleted image end without being listed.
	Ended []Grantee `json:",omitzero"`
	// Trust is the actor's trust policy after the event.
	Trust *Trust `json:",omitzero"`

	// Request and Result are set on the first event of a call made under a token ([Engine.Once], R23): a digest of the
	// request, and the result as JSON.
	Request string          `json:",omitzero"`
	Result  json.RawMessage `json:",omitzero"`
}

// event starts the event of a change, with the next number of the image's sequence (R24).
func (m *moment) event(kind EventKind, image ImageID) Event {
	ev := Event{Kind: kind, Image: image}
	if image == m.newImage {
		ev.Sequence = 1
		return ev
	}
	m.Sequence++
	ev.Sequence = m.Sequence
	return ev
}

// apply makes the event's change. It is the only code that writes state, for a call and for a replay alike; therefore
// replaying the log reproduces the state.
func (ev *Event) apply(tx UpdateTx) error {
	if ev.ImageRecord != nil {
		if err := tx.PutImage(*ev.ImageRecord); err != nil {
			return err
		}
	}
	if len(ev.Ended) > 0 {
		if err := tx.DeleteShares(ev.Image, ev.Ended); err != nil {
			return err
		}
	}
	if len(ev.Shares) > 0 {
		if err := tx.PutShares(ev.Shares); err != nil {
			return err
		}
	}
	if ev.InstanceRecord != nil {
		if err := tx.PutInstance(*ev.InstanceRecord); err != nil {
			return err
		}
	}
	if ev.Trust != nil {
		return tx.PutTrust(ev.Actor, *ev.Trust)
	}
	return nil
}

// clone returns a copy of ev that shares no memory with it.
func (ev Event) clone() Event {
	if ev.ImageRecord != nil {
		rec := *ev.ImageRecord
		rec.Image = rec.Image.clone()
		ev.ImageRecord = &rec
	}
	if ev.InstanceRecord != nil {
		rec := *ev.InstanceRecord
		rec.Instance = rec.Instance.clone()
		ev.InstanceRecord = &rec
	}
	if ev.Trust != nil {
		trust := *ev.Trust
		trust.Owners = slices.Clone(trust.Owners)
		ev.Trust = &trust
	}
	ev.Shares = slices.Clone(ev.Shares)
	ev.Ended = slices.Clone(ev.Ended)
	ev.Result = slices.Clone(ev.Result)
	return ev
}

// normalTimes gives ev's times the form that the store keeps: in UTC.
func (ev *Event) normalTimes() {
	normal := func(times ...*time.Time) {
		for _, t := range times {
			*t = plainTime(*t)
		}
	}
	normal(&ev.At)
	if rec := ev.ImageRecord; rec != nil {
		normal(&rec.CreatedAt, &rec.DeletedAt)
		if rec.Deprecation != nil {
			normal(&rec.Deprecation.At)
		}
	}
	if rec := ev.InstanceRecord; rec != nil {
		normal(&rec.LaunchedAt, &rec.TerminatedAt)
	}
	for i := range ev.Shares {
		share := &ev.Shares[i]
		normal(&share.CreatedAt, &share.UpdatedAt, &share.Expires)
	}
}

// An EventQuery selects events. Each non-zero field narrows the selection.
type EventQuery struct {
	// After selects the events after this position in the log.
	After Cursor
	// Image selects the events about this image.
	Image ImageID
	// Actor selects the events that this account caused.
	Actor AccountID
	// Limit is the maximum number of events. Zero means all; a negative limit is [ErrInvalid].
	Limit int
}

func (q EventQuery) validate() error {
	if q.Limit < 0 {
		return invalid("limit", "is %d: it can't be negative", q.Limit)
	}
	return firstError(optional(q.Image), optional(q.Actor))
}
