package sharingtest

import (
	"context"
	"iter"
	"slices"

	"github.com/imageshare/sharing"
)

// Image returns an image that the actor sees.
func (m *Model) Image(_ context.Context, actor sharing.AccountID, id sharing.ImageID) (sharing.Image, error) {
	if !okAccount(actor) || !okImage(id) {
		return sharing.Image{}, sharing.ErrInvalid
	}
	img, err := m.seen(actor, id)
	if err != nil {
		return sharing.Image{}, err
	}
	return m.show(actor, img), nil
}

// Instance returns an instance that the actor owns.
func (m *Model) Instance(_ context.Context, actor sharing.AccountID, id sharing.InstanceID) (sharing.Instance, error) {
	if !okAccount(actor) || !okInstance(id) {
		return sharing.Instance{}, sharing.ErrInvalid
	}
	inst, err := m.ownInstance(actor, id)
	if err != nil {
		return sharing.Instance{}, err
	}
	return inst.show(), nil
}

// Trust returns the actor's trust policy (R11).
func (m *Model) Trust(_ context.Context, actor sharing.AccountID) (sharing.Trust, error) {
	if !okAccount(actor) {
		return sharing.Trust{}, sharing.ErrInvalid
	}
	t := m.trust[actor]
	return sharing.Trust{Owners: slices.Clone(t.Owners), Enforce: t.Enforce}, nil
}

// Latest returns the newest image of a family that the actor may use (R18).
func (m *Model) Latest(_ context.Context, actor sharing.AccountID, q sharing.LatestQuery) (sharing.Image, error) {
	if !okAccount(actor) || !okAccount(q.Owner) || !okName(q.Family) || q.Family == "" || !okRegion(q.Region) || !okName(q.Architecture) {
		return sharing.Image{}, sharing.ErrInvalid
	}
	var latest *modelImage
	for _, img := range sorted(m.images) {
		if img.Owner == q.Owner && img.Family == q.Family && img.Region == q.Region &&
			(q.Architecture == "" || img.Architecture == q.Architecture) &&
			img.State == sharing.ImageAvailable && m.mayUse(actor, img) &&
			(latest == nil || !img.CreatedAt.Before(latest.CreatedAt)) {
			latest = img
		}
	}
	switch {
	case latest == nil:
		return sharing.Image{}, sharing.ErrImageNotFound
	case m.trust[actor].Enforce && !m.trusts(actor, q.Owner):
		return sharing.Image{}, sharing.ErrUntrustedOwner
	}
	return m.show(actor, latest), nil
}

// Images lists the images that the actor finds (R14, R16, R19).
func (m *Model) Images(_ context.Context, actor sharing.AccountID, q sharing.ImageQuery) iter.Seq2[sharing.Image, error] {
	if !okAccount(actor) || q.Region != "" && !okRegion(q.Region) || q.Owner != "" && !okAccount(q.Owner) ||
		!okName(q.Family) || !okName(q.Name) || !okName(q.Digest) || !okLabels(q.Labels) ||
		q.Source != "" && !okImage(q.Source) || q.Origin > sharing.OriginOwn|sharing.OriginShared|sharing.OriginPublic {
		return list[sharing.Image](nil, sharing.ErrInvalid)
	}
	if q.Origin == 0 {
		q.Origin = sharing.OriginOwn | sharing.OriginShared
	}
	var found []sharing.Image
	for _, img := range sorted(m.images) {
		if img.deleted || m.origin(actor, img)&q.Origin == 0 {
			continue
		}
		if img.State == sharing.ImageDeprecated && img.Owner != actor && !q.Deprecated {
			continue
		}
		shown := m.show(actor, img)
		if q.Source != "" && (shown.Source.Image != q.Source || img.Owner != actor) {
			continue
		}
		if asks(q.Region, img.Region) && asks(q.Owner, img.Owner) && asks(q.Family, img.Family) && asks(q.Name, img.Name) &&
			asks(q.Digest, img.Digest) && includes(img.Labels, q.Labels) {
			found = append(found, shown)
		}
	}
	return list(found, nil)
}

// Shares lists the shares of an image that the actor may know of (R9).
func (m *Model) Shares(_ context.Context, actor sharing.AccountID, id sharing.ImageID) iter.Seq2[sharing.Share, error] {
	if !okAccount(actor) || !okImage(id) {
		return list[sharing.Share](nil, sharing.ErrInvalid)
	}
	img, err := m.seen(actor, id)
	if err != nil {
		return list[sharing.Share](nil, err)
	}
	if img.Owner == actor {
		return list(sorted(m.present(img)), nil)
	}
	return list(sorted(m.reaching(actor, img)), nil)
}

// SharesReceived lists the shares made with the actor's own account, of images that it sees (R9).
func (m *Model) SharesReceived(_ context.Context, actor sharing.AccountID, q sharing.ShareQuery) iter.Seq2[sharing.Share, error] {
	return m.findShares(actor, q, func(img *modelImage, share sharing.Share) bool {
		return share.Grantee == sharing.Account(actor) && m.sees(actor, img.ID)
	})
}

// SharesGiven lists the shares of the actor's own images (R9).
func (m *Model) SharesGiven(_ context.Context, actor sharing.AccountID, q sharing.ShareQuery) iter.Seq2[sharing.Share, error] {
	return m.findShares(actor, q, func(img *modelImage, _ sharing.Share) bool { return img.Owner == actor })
}

func (m *Model) findShares(actor sharing.AccountID, q sharing.ShareQuery, whether func(*modelImage, sharing.Share) bool) iter.Seq2[sharing.Share, error] {
	if !okAccount(actor) || q.Grantee != "" && !m.okGrantees([]sharing.Grantee{q.Grantee}, false) || q.Owner != "" && !okAccount(q.Owner) ||
		q.Region != "" && !okRegion(q.Region) || slices.ContainsFunc(q.Statuses, func(s sharing.ShareStatus) bool { return s > sharing.ShareRejected }) {
		return list[sharing.Share](nil, sharing.ErrInvalid)
	}
	var found []sharing.Share
	for _, img := range sorted(m.images) {
		for _, share := range sorted(m.present(img)) {
			if whether(img, share) && asks(q.Grantee, share.Grantee) && asks(q.Owner, img.Owner) && asks(q.Region, img.Region) &&
				(len(q.Statuses) == 0 || slices.Contains(q.Statuses, share.Status)) {
				found = append(found, share)
			}
		}
	}
	return list(found, nil)
}

// Instances lists the actor's own instances.
func (m *Model) Instances(_ context.Context, actor sharing.AccountID, q sharing.InstanceQuery) iter.Seq2[sharing.Instance, error] {
	if !okAccount(actor) || q.Region != "" && !okRegion(q.Region) || q.Image != "" && !okImage(q.Image) || !okLabels(q.Labels) {
		return list[sharing.Instance](nil, sharing.ErrInvalid)
	}
	var found []sharing.Instance
	for _, inst := range sorted(m.instances) {
		if inst.Owner == actor && !inst.terminated && asks(q.Region, inst.Region) && asks(q.Image, inst.Image) && includes(inst.Labels, q.Labels) {
			found = append(found, inst.show())
		}
	}
	return list(found, nil)
}

// asks reports whether a field of a query is empty or as asked for.
func asks[T comparable](asked, is T) bool {
	var empty T
	return asked == empty || asked == is
}

// includes reports whether the labels are there, with these values.
func includes(labels, asked map[string]string) bool {
	for key, value := range asked {
		if is, ok := labels[key]; !ok || is != value {
			return false
		}
	}
	return true
}

// list is a listing of items that ends with err, if there is one.
func list[T any](items []T, err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}
