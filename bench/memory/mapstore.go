package memory

import (
	"context"
	"sync"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/world"
)

// A mapStore is the floor's two maps behind the library's contract. What a check takes on
// it, beyond the floor's time, is what it takes to have stores that can be replaced, and
// rules in one place. Shares with everyone it does not even look for.
type mapStore struct {
	sharing.Store // nil: it is only viewed
	mu            sync.RWMutex
	images        map[sharing.ImageID]*sharing.ImageRecord
	shares        map[sharing.ShareKey]floorShare
	views         sync.Pool
}

// A mapView is a transaction, which answers Access only.
type mapView struct {
	sharing.ViewTx // nil
	store          *mapStore
	ctx            context.Context
}

// newMapLibrary returns this library on a mapStore.
func newMapLibrary(ctx context.Context, w *world.World) (*library, error) {
	s := &mapStore{images: make(map[sharing.ImageID]*sharing.ImageRecord), shares: newFloor(w).shares}
	s.views.New = func() any { return &mapView{store: s} }
	for i := range w.Images {
		rec := w.Images[i].Record()
		s.images[rec.ID] = &rec
	}
	engine, err := sharing.New(s)
	return &library{ctx, engine}, err
}

func (s *mapStore) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tx := s.views.Get().(*mapView)
	tx.ctx = ctx
	s.mu.RLock()
	defer func() {
		s.mu.RUnlock()
		s.views.Put(tx)
	}()
	return fn(tx)
}

func (tx *mapView) Access(account sharing.AccountID, _ []sharing.OrganizationID, image sharing.ImageID) (
	access sharing.Access, trust sharing.Trust, err error) {
	access.Image = tx.store.images[image]
	if access.Image != nil && access.Image.Owner != account {
		if share, ok := tx.store.shares[sharing.ShareKey{Image: image, Grantee: sharing.Account(account)}]; ok {
			access.Own = sharing.Grant{Exists: true, Status: share.status, Expires: share.expires}
		}
	}
	return access, trust, tx.ctx.Err()
}
