package sharingtest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/imageshare/sharing"
)

// Share gives permission to grantees, and leaves those that have it as they are (R1, R2, R23).
func (m *Model) Share(_ context.Context, actor sharing.AccountID, id sharing.ImageID, grantees ...sharing.Grantee) ([]sharing.Share, error) {
	if !okAccount(actor) || !okImage(id) || len(grantees) == 0 || !m.okGrantees(grantees, true) {
		return nil, sharing.ErrInvalid
	}
	img, err := m.share(actor, id, grantees, time.Time{})
	if err != nil {
		return nil, err
	}
	return m.sharesOf(img, grantees), nil
}

// ShareUntil gives permission to grantees for a time, and sets the time of those that have it (R15).
func (m *Model) ShareUntil(_ context.Context, actor sharing.AccountID, id sharing.ImageID, expires time.Time, grantees ...sharing.Grantee) ([]sharing.Share, error) {
	if !okAccount(actor) || !okImage(id) || len(grantees) == 0 || !m.okGrantees(grantees, true) || !okExpiry(expires, m.now()) {
		return nil, sharing.ErrInvalid
	}
	img, err := m.share(actor, id, grantees, expires)
	if err != nil {
		return nil, err
	}
	for _, g := range grantees {
		if share := img.shares[g]; !share.Expires.Equal(expires) {
			share.Expires, share.UpdatedAt = expires, m.now()
			img.shares[g] = share
		}
	}
	return m.sharesOf(img, grantees), nil
}

// SetShares gives permission to these grantees and to nobody else (R29).
func (m *Model) SetShares(_ context.Context, actor sharing.AccountID, id sharing.ImageID, grantees ...sharing.Grantee) ([]sharing.Share, error) {
	if !okAccount(actor) || !okImage(id) || !m.okGrantees(grantees, true) {
		return nil, sharing.ErrInvalid
	}
	tried := m.clone()
	if img, err := tried.owned(actor, id); err == nil {
		for g := range img.shares {
			if !slices.Contains(grantees, g) {
				tried.end(img, g)
			}
		}
	}
	img, err := tried.share(actor, id, grantees, time.Time{})
	if err != nil {
		return nil, err
	}
	m.images = tried.images
	return sorted(m.present(img)), nil
}

// share adds those grantees that have no present share.
func (m *Model) share(actor sharing.AccountID, id sharing.ImageID, grantees []sharing.Grantee, expires time.Time) (*modelImage, error) {
	img, err := m.owned(actor, id)
	if err != nil {
		return nil, err
	}
	if slices.Contains(grantees, sharing.Account(img.Owner)) {
		return nil, sharing.ErrInvalid
	}
	present := m.present(img)
	added := map[sharing.Grantee]bool{}
	for _, g := range grantees {
		if _, is := present[g]; !is {
			added[g] = true
		}
	}
	if len(added) == 0 {
		return img, nil
	}
	if img.State == sharing.ImageDisabled {
		return nil, sharing.ErrImageDisabled
	}
	if added[sharing.Everyone] && m.setup.Policy.BlockPublic {
		return nil, sharing.ErrPublicBlocked
	}
	if check := m.setup.GranteeCheck; check != nil {
		for g := range added {
			if err := check(background, actor, m.show(actor, img), g); err != nil {
				return nil, errors.Join(sharing.ErrGranteeRefused, err)
			}
		}
	}
	if exceeds(len(present)+len(added), m.setup.Policy.MaxShares, 50) {
		return nil, sharing.ErrShareLimit
	}
	for g := range added {
		status := sharing.ShareAccepted
		if _, isAccount := g.Account(); isAccount && m.setup.Policy.RequireAcceptance {
			status = sharing.SharePending
		}
		m.end(img, g)
		img.shares[g] = sharing.Share{Image: id, Grantee: g, Status: status, CreatedAt: m.now(), UpdatedAt: m.now(), Expires: expires}
	}
	return img, nil
}

// sharesOf returns one share for each grantee, in the order in which they are named.
func (m *Model) sharesOf(img *modelImage, grantees []sharing.Grantee) (shares []sharing.Share) {
	for i, g := range grantees {
		if !slices.Contains(grantees[:i], g) {
			shares = append(shares, img.shares[g])
		}
	}
	return shares
}

// Unshare takes permission back (R7).
func (m *Model) Unshare(_ context.Context, actor sharing.AccountID, id sharing.ImageID, grantees ...sharing.Grantee) error {
	if !okAccount(actor) || !okImage(id) || len(grantees) == 0 || !m.okGrantees(grantees, false) {
		return sharing.ErrInvalid
	}
	img, err := m.owned(actor, id)
	if err != nil {
		return err
	}
	if slices.Contains(grantees, sharing.Account(img.Owner)) {
		return sharing.ErrInvalid
	}
	for _, g := range grantees {
		m.end(img, g)
	}
	return nil
}

// Accept says yes to a share (R14).
func (m *Model) Accept(_ context.Context, actor sharing.AccountID, id sharing.ImageID) error {
	return m.answer(actor, id, sharing.ShareAccepted)
}

// Reject says no to a share (R14).
func (m *Model) Reject(_ context.Context, actor sharing.AccountID, id sharing.ImageID) error {
	return m.answer(actor, id, sharing.ShareRejected)
}

func (m *Model) answer(actor sharing.AccountID, id sharing.ImageID, status sharing.ShareStatus) error {
	img, share, err := m.ownShare(actor, id)
	if err != nil {
		return err
	}
	if share.Status != status {
		share.Status, share.UpdatedAt = status, m.now()
		img.shares[share.Grantee] = share
	}
	return nil
}

// Leave drops the actor's own share (R13).
func (m *Model) Leave(_ context.Context, actor sharing.AccountID, id sharing.ImageID) error {
	img, share, err := m.ownShare(actor, id)
	if err != nil {
		return err
	}
	m.end(img, share.Grantee)
	return nil
}

// end ends a share, if there is one: now, or when it expired.
func (m *Model) end(img *modelImage, g sharing.Grantee) {
	if share, ok := img.shares[g]; ok {
		img.ended = append(img.ended, ended{g, holding(share, m.now())})
		delete(img.shares, g)
	}
}

// holding is a share that ends at a time, or when it expires, if that is before.
func holding(share sharing.Share, at time.Time) sharing.Holding {
	if !share.Expires.IsZero() && share.Expires.Before(at) {
		at = share.Expires
	}
	return sharing.Holding{Image: share.Image, From: share.CreatedAt, To: at}
}

// ownShare returns the share that was made with the actor's account itself.
func (m *Model) ownShare(actor sharing.AccountID, id sharing.ImageID) (*modelImage, sharing.Share, error) {
	if !okAccount(actor) || !okImage(id) {
		return nil, sharing.Share{}, sharing.ErrInvalid
	}
	img, err := m.seen(actor, id)
	if err != nil {
		return nil, sharing.Share{}, err
	}
	share, ok := m.present(img)[sharing.Account(actor)]
	if !ok {
		return nil, sharing.Share{}, sharing.ErrNotShared
	}
	return img, share, nil
}
