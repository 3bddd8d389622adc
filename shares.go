package sharing

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Share shares an image that the actor owns with grantees, all or none. It returns one share for each distinct
// grantee, in the order of the arguments, whether the share is new or was there before. A present share stays as it
// is, whatever its status and expiry (R23). With [Policy.RequireAcceptance], a new share with an account is pending
// until the account accepts it (R14).
//
// No grantee, the owner as a grantee, or an organisation without a [Directory] is [ErrInvalid]. The call is refused
// with [ErrImageNotFound]; with [ErrNotOwner], since there is no resharing (R1); and, if any grantee is new, with
// [ErrImageDisabled] (R16), with [ErrPublicBlocked] and [ErrGranteeRefused] (R19), and with [ErrShareLimit] if the
// image would have more than [Policy.MaxShares] grantees (R2).
func (e *Engine) Share(ctx context.Context, actor AccountID, image ImageID, grantees ...Grantee) ([]Share, error) {
	return e.share(ctx, "Share", actor, image, nil, grantees)
}

// ShareUntil is [Engine.Share] with shares that expire: from the instant expires on they no longer exist, exactly as if
// unshared then (R15). A present share gets the new expiry. The zero time means never.
//
// An expiry that is not in the future is [ErrInvalid]. Setting the expiry of a present share makes no new share, so
// none of the refusals for new grantees applies to it.
func (e *Engine) ShareUntil(ctx context.Context, actor AccountID, image ImageID, expires time.Time, grantees ...Grantee) ([]Share, error) {
	expires = plainTime(expires)
	return e.share(ctx, "ShareUntil", actor, image, &expires, grantees)
}

func (e *Engine) share(ctx context.Context, op string, actor AccountID, image ImageID, until *time.Time, grantees []Grantee) ([]Share, error) {
	c, err := e.begin(ctx, op, actor, image.Validate(), validGrantees(grantees))
	if err != nil {
		return nil, err
	}
	grantees = distinct(grantees)
	request := shareRequest{Image: image, Grantees: grantees}
	if until != nil {
		request.Until = until.Format(time.RFC3339Nano)
	}
	need := c.shareLimit(Need{Image: image, Grantees: grantees})
	return makeChange(c, request, need, func(m *moment) ([]Share, []Event, error) {
		if err := e.organizationsShareable(grantees); err != nil {
			return nil, nil, err
		}
		if until != nil {
			if err := validExpiry(*until, m.now()); err != nil {
				return nil, nil, err
			}
		}
		img, err := m.ownImage(image)
		if err != nil {
			return nil, nil, err
		}
		if err := notOwner(img, grantees); err != nil {
			return nil, nil, err
		}
		var expires time.Time
		if until != nil {
			expires = *until
		}
		shares, added := m.sharesWith(grantees, image, expires)
		var reset []Share
		for i := range shares {
			if share := &shares[i]; until != nil && !share.Expires.Equal(expires) {
				share.Expires, share.UpdatedAt = expires, m.now()
				reset = append(reset, *share)
			}
		}
		if len(added) > 0 {
			if err := m.canShare(img, added, m.PresentShares); err != nil {
				return nil, nil, err
			}
		}
		return shares, m.shareEvents(image, added, reset, nil), nil
	})
}

// SetShares makes the grantees of an image that the actor owns exactly the given ones, in one call: new ones are added
// as by [Engine.Share], all others are unshared, and the shares of those that stay are not touched. Without any
// grantee, all are unshared (R29). It returns all shares that are then present, in ascending order of grantee.
//
// The errors are those of [Engine.Share], except that no grantee is allowed. The share limit is judged only when
// grantees are added.
func (e *Engine) SetShares(ctx context.Context, actor AccountID, image ImageID, grantees ...Grantee) ([]Share, error) {
	var input error
	if len(grantees) > 0 {
		input = validGrantees(grantees)
	}
	c, err := e.begin(ctx, "SetShares", actor, image.Validate(), input)
	if err != nil {
		return nil, err
	}
	grantees = distinct(grantees)
	slices.Sort(grantees)
	need := Need{Image: image, AllShares: true}
	return makeChange(c, shareRequest{Image: image, Grantees: grantees}, need, func(m *moment) ([]Share, []Event, error) {
		if err := e.organizationsShareable(grantees); err != nil {
			return nil, nil, err
		}
		img, err := m.ownImage(image)
		if err != nil {
			return nil, nil, err
		}
		if err := notOwner(img, grantees); err != nil {
			return nil, nil, err
		}
		shares, added := m.sharesWith(grantees, image, time.Time{})
		var ended []Grantee
		for _, share := range m.Shares {
			if _, stays := slices.BinarySearch(grantees, share.Grantee); !stays && m.present(share.grant()) {
				ended = append(ended, share.Grantee)
			}
		}
		if len(added) > 0 {
			if err := m.canShare(img, added, len(shares)-len(added)); err != nil {
				return nil, nil, err
			}
		}
		return shares, m.shareEvents(image, added, nil, ended), nil
	})
}

// Unshare ends the shares that the grantees have of an image that the actor owns; grantees without one are skipped
// (R23). From the moment it returns, a grantee does not see the image and can't launch from it, replace disks with it
// or reinitialise instances made from it, unless another share reaches the grantee. The instances otherwise stay as
// they are (R7). See [Engine.UnshareImpact] for a preview of the effects.
//
// No grantee, or the owner as a grantee, is [ErrInvalid]. The call is refused with
// [ErrImageNotFound] and [ErrNotOwner].
func (e *Engine) Unshare(ctx context.Context, actor AccountID, image ImageID, grantees ...Grantee) error {
	c, err := e.begin(ctx, "Unshare", actor, image.Validate(), validGrantees(grantees))
	if err != nil {
		return err
	}
	grantees = distinct(grantees)
	need := Need{Image: image, Grantees: grantees}
	_, err = makeChange(c, shareRequest{Image: image, Grantees: grantees}, need, func(m *moment) (none struct{}, events []Event, err error) {
		img, err := m.ownImage(image)
		if err != nil {
			return none, nil, err
		}
		if err := notOwner(img, grantees); err != nil {
			return none, nil, err
		}
		absent := func(g Grantee) bool { _, ok := m.presentShare(g); return !ok }
		ended := slices.DeleteFunc(slices.Clone(grantees), absent)
		return none, m.shareEvents(image, nil, nil, ended), nil
	})
	return err
}

// Accept accepts the share of the image with the actor's own account: the actor may use the image from then on (R14).
//
// The call is refused with [ErrImageNotFound] if the actor does not see the image, and with [ErrNotShared] if it
// does but has no share of its own.
func (e *Engine) Accept(ctx context.Context, actor AccountID, image ImageID) error {
	return e.decideShare(ctx, "Accept", actor, image, EventAccepted, ShareAccepted)
}

// Reject rejects the share of the image with the actor's own account, with the effects of an unshare on what the actor
// may use (R7). Unless the image is disabled (R16), the actor still sees it by ID, and may accept the share later
// (R14).
//
// The call is refused with [ErrImageNotFound] if the actor does not see the image, and with [ErrNotShared] if it
// does but has no share of its own.
func (e *Engine) Reject(ctx context.Context, actor AccountID, image ImageID) error {
	return e.decideShare(ctx, "Reject", actor, image, EventRejected, ShareRejected)
}

// Leave ends the share of the image with the actor's own account, with the effects of an unshare (R13, R7).
//
// The call is refused with [ErrImageNotFound] if the actor does not see the image, and with [ErrNotShared] if it
// does but has no share of its own.
func (e *Engine) Leave(ctx context.Context, actor AccountID, image ImageID) error {
	return e.setOwnShare(ctx, "Leave", actor, image, func(m *moment, _ Share) []Event {
		ev := m.event(EventLeft, image)
		ev.Ended = []Grantee{Account(actor)}
		return []Event{ev}
	})
}

// decideShare gives the actor's own share a status.
func (e *Engine) decideShare(ctx context.Context, op string, actor AccountID, image ImageID, kind EventKind, to ShareStatus) error {
	return e.setOwnShare(ctx, op, actor, image, func(m *moment, share Share) []Event {
		if share.Status == to {
			return nil
		}
		share.Status, share.UpdatedAt = to, m.now()
		ev := m.event(kind, image)
		ev.Shares = []Share{share}
		return []Event{ev}
	})
}

// setOwnShare changes the actor's own share: the one thing about another account's image that an
// account can change (R13, R14).
func (e *Engine) setOwnShare(ctx context.Context, op string, actor AccountID, image ImageID, set func(*moment, Share) []Event) error {
	c, err := e.begin(ctx, op, actor, image.Validate())
	if err != nil {
		return err
	}
	need := Need{Image: image, Grantees: []Grantee{Account(actor)}}
	_, err = makeChange(c, image, need, func(m *moment) (none struct{}, events []Event, err error) {
		if err := m.ownShare(image); err != nil {
			return none, nil, err
		}
		share, found := m.presentShare(Account(actor))
		if !found { // though the store said that there is one (R27)
			return none, nil, fmt.Errorf("the store has lost the share of image %s with %s", image, actor)
		}
		return none, set(m, share), nil
	})
	return err
}

// organizationsShareable rejects organisations as grantees if there is no directory to tell who is in them
// (R19). It is not part of the input checks, since a used token comes first (R23): the engine on which it was
// used may have had a directory.
func (e *Engine) organizationsShareable(grantees []Grantee) error {
	if e.directory != nil {
		return nil
	}
	for _, g := range grantees {
		if _, ok := g.Organization(); ok {
			return invalid("grantees", "name %s, but there is no directory of organisations: share with accounts", quoted(string(g)))
		}
	}
	return nil
}

// shareLimit adds to need the count that the share limit is judged by, if there is a limit (R2).
func (c *call) shareLimit(need Need) Need {
	if _, limited := limitOf(c.policy.MaxShares, defaultMaxShares); limited {
		need.PresentAt = countNow
	}
	return need
}

// A shareRequest holds the arguments in which two calls under one token must agree (R23).
type shareRequest struct {
	Image    ImageID
	Grantees granteeSet
	Until    string // of ShareUntil, as text: JSON has no times after the year 9999
}

// A granteeSet has the same encoding whatever the order of its grantees.
type granteeSet []Grantee

func (set granteeSet) MarshalJSON() ([]byte, error) {
	return json.Marshal(slices.Sorted(slices.Values(set)))
}

// presentShare returns the present share with g, if the Need asked for it and there is one.
func (m *moment) presentShare(g Grantee) (Share, bool) {
	i, found := slices.BinarySearchFunc(m.Shares, g, func(share Share, g Grantee) int { return cmp.Compare(share.Grantee, g) })
	if !found || !m.present(m.Shares[i].grant()) {
		return Share{}, false
	}
	return m.Shares[i], true
}

// sharesWith returns the shares of image with grantees, in their order. added are those among them that are new,
// since no share was present (R23).
func (m *moment) sharesWith(grantees []Grantee, image ImageID, expires time.Time) (shares, added []Share) {
	n := len(grantees)
	both := make([]Share, 2*n) // side by side, since most often all are new
	shares, added = both[:0:n], both[n:n]
	for _, g := range grantees {
		share, present := m.presentShare(g)
		if !present {
			share = m.newShare(image, g, expires)
			added = append(added, share)
		}
		shares = append(shares, share)
	}
	return shares, added
}

// newShare returns the share that an owner makes with g (R14).
func (m *moment) newShare(image ImageID, g Grantee, expires time.Time) Share {
	share := Share{Image: image, Grantee: g, CreatedAt: m.now(), UpdatedAt: m.now(), Expires: expires}
	if _, ok := g.Account(); ok && m.policy.RequireAcceptance {
		share.Status = SharePending
	}
	return share
}

// shareEvents returns the events of a change of the image's shares: none if nothing changes (R23).
func (m *moment) shareEvents(image ImageID, added, reset []Share, ended []Grantee) []Event {
	var events []Event
	if len(ended) > 0 {
		ev := m.event(EventUnshared, image)
		ev.Ended = ended
		events = append(events, ev)
	}
	if len(added) > 0 {
		ev := m.event(EventShared, image)
		ev.Shares = added
		events = append(events, ev)
	}
	if len(reset) > 0 {
		ev := m.event(EventExpirySet, image)
		ev.Shares = reset
		events = append(events, ev)
	}
	return events
}
