package sharing

import (
	"slices"
	"time"
)

// A Share is the permission, given by an image's owner, for one grantee to see and use the image.
type Share struct {
	Image   ImageID
	Grantee Grantee
	Status  ShareStatus
	// CreatedAt is when the owner made the share.
	CreatedAt time.Time
	// UpdatedAt is when the status or the expiry last changed. At first it is CreatedAt.
	UpdatedAt time.Time
	// Expires is the instant from which the share no longer exists (R15). The zero time means never.
	Expires time.Time `json:",omitzero"`
}

// A ShareStatus is a grantee's answer to a share (R14). Its text, in JSON too, is that of [ShareStatus.String].
type ShareStatus uint8

// The statuses of a share. The zero value is ShareAccepted.
const (
	// ShareAccepted means that the grantee may use the image.
	ShareAccepted ShareStatus = iota
	// SharePending means that the grantee has not decided yet.
	SharePending
	// ShareRejected means that the grantee has declined the image, for now.
	ShareRejected
)

var shareStatuses = names{"ShareStatus", "accepted", "pending", "rejected"}

// String returns "accepted", "pending" or "rejected".
func (s ShareStatus) String() string { return shareStatuses.name(uint8(s)) }

// MarshalText returns the text of String. An unknown status is an error.
func (s ShareStatus) MarshalText() ([]byte, error) { return shareStatuses.marshal(uint8(s)) }

// UnmarshalText reads what MarshalText returns. Anything else is [ErrInvalid].
func (s *ShareStatus) UnmarshalText(text []byte) error {
	return shareStatuses.unmarshal(text, (*uint8)(s))
}

// UnmarshalJSON reads the text as a string. It also reads a number, the form in logs and records of earlier versions.
func (s *ShareStatus) UnmarshalJSON(text []byte) error {
	return shareStatuses.unmarshalJSON(text, (*uint8)(s))
}

// A ShareQuery selects shares. Each non-zero field narrows the selection.
type ShareQuery struct {
	// Statuses selects the shares with any of these statuses; if empty, those with any status at all.
	Statuses []ShareStatus
	// Grantee selects the shares made with this grantee. All shares that
	// [Engine.SharesReceived] lists are with the actor.
	Grantee Grantee
	// Owner selects the shares of images that this account owns. All shares that [Engine.SharesGiven]
	// lists are of images of the actor.
	Owner AccountID
	// Region selects the shares of images in this region.
	Region Region
}

// normal returns q in memory of its own, and in a form in which queries that select the same shares are equal.
func (q ShareQuery) normal() ShareQuery {
	q.Statuses = slices.Compact(slices.Sorted(slices.Values(q.Statuses)))
	return q
}

func (q ShareQuery) validate() error {
	for _, status := range q.Statuses {
		if status > ShareRejected {
			return invalid("status", "%v is unknown: use ShareAccepted, SharePending or ShareRejected", status)
		}
	}
	return firstError(optional(q.Grantee), optionalField("owner", string(q.Owner), true), optional(q.Region))
}

// matches reports whether q selects share, of an image with this record.
func (q ShareQuery) matches(share Share, img *ImageRecord) bool {
	return (len(q.Statuses) == 0 || slices.Contains(q.Statuses, share.Status)) &&
		(q.Grantee == "" || q.Grantee == share.Grantee) &&
		(q.Owner == "" || q.Owner == img.Owner) &&
		(q.Region == "" || q.Region == img.Region)
}

// grant returns what the share gives to its grantee.
func (s Share) grant() Grant {
	return Grant{Exists: true, Status: s.Status, Expires: s.Expires}
}

// distinct returns the items without repetition, in their order.
func distinct[T comparable](items []T) []T {
	seen := make(map[T]bool, len(items))
	var once []T
	for _, item := range items {
		if !seen[item] {
			seen[item] = true
			once = append(once, item)
		}
	}
	return once
}

// validGrantees checks the grantees of a call: each valid, and at least one.
func validGrantees(grantees []Grantee) error {
	if len(grantees) == 0 {
		return invalid("grantees", "are missing: name at least one")
	}
	for _, g := range grantees {
		if err := g.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// latestYear is the last year that every store and encoding can hold.
const latestYear = 9999

// validExpiry checks the expiry given in a call, in UTC, at the moment of the call: it must
// be zero or in the future (R15).
func validExpiry(expires, now time.Time) error {
	switch {
	case expires.IsZero():
		return nil
	case !expires.After(now):
		return invalid("expires", "%s is not in the future: it is %s now", expires.Format(time.RFC3339Nano), now.Format(time.RFC3339Nano))
	case expires.Year() > latestYear:
		return invalid("expires", "is after the year %d: give zero for a share that never expires", latestYear)
	}
	return nil
}

// plainTime returns t in UTC and without a monotonic reading, so that equal instants are equal values in every store.
func plainTime(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0)
}
