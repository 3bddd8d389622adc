package memory

import (
	"sync"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/world"
)

// A floor is the least that a program would write that needs nothing but the answer to a check: two maps under a lock.
type floor struct {
	mu     sync.RWMutex
	images map[sharing.ImageID]floorImage
	shares map[sharing.ShareKey]floorShare
}

type floorImage struct {
	owner  sharing.AccountID
	region sharing.Region
	state  sharing.ImageState
}

type floorShare struct {
	status  sharing.ShareStatus
	expires time.Time
}

func newFloor(w *world.World) *floor {
	f := &floor{images: make(map[sharing.ImageID]floorImage), shares: make(map[sharing.ShareKey]floorShare)}
	for i := range w.Images {
		img := &w.Images[i]
		f.images[img.ID] = floorImage{owner: img.Owner, region: img.Region}
		for _, s := range img.Records() {
			f.shares[sharing.ShareKey{Image: s.Image, Grantee: s.Grantee}] = floorShare{s.Status, s.Expires}
		}
	}
	return f
}

func (f *floor) allowed(q world.Question) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	img, ok := f.images[q.Image]
	if !ok || img.region != q.Region || img.state == sharing.ImageDisabled {
		return false
	}
	if img.owner == q.Account {
		return true
	}
	share, ok := f.shares[sharing.ShareKey{Image: q.Image, Grantee: sharing.Account(q.Account)}]
	return ok && share.status == sharing.ShareAccepted && (share.expires.IsZero() || share.expires.After(time.Now()))
}
