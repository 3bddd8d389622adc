package memory

import (
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/world"
)

// A floor is the least that a program would write that needs nothing but the answer to a check, and
// a record of what was changed: two maps under a lock, a map of instances, and a slice of events.
type floor struct {
	mu        sync.RWMutex
	images    map[sharing.ImageID]floorImage
	shares    map[sharing.ShareKey]floorShare
	instances map[sharing.InstanceID]floorInstance
	events    []floorEvent
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

type floorInstance struct {
	owner  sharing.AccountID
	image  sharing.ImageID
	region sharing.Region
}

type floorEvent struct {
	at       time.Time
	actor    sharing.AccountID
	kind     sharing.EventKind
	image    sharing.ImageID
	instance sharing.InstanceID
	grantee  sharing.Grantee
}

func newFloor(w *world.World) *floor {
	f := &floor{
		images:    make(map[sharing.ImageID]floorImage),
		shares:    make(map[sharing.ShareKey]floorShare),
		instances: make(map[sharing.InstanceID]floorInstance),
	}
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
	return f.canUse(q)
}

func (f *floor) canUse(q world.Question) bool {
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

// errRefused is all that floors and peers say.
var errRefused = errors.New("refused")

func (f *floor) share(owner sharing.AccountID, image sharing.ImageID, grantee sharing.Grantee) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if img, ok := f.images[image]; !ok || img.owner != owner {
		return errRefused
	}
	f.shares[sharing.ShareKey{Image: image, Grantee: grantee}] = floorShare{}
	f.events = append(f.events, floorEvent{at: time.Now(), actor: owner, kind: sharing.EventShared, image: image, grantee: grantee})
	return nil
}

func (f *floor) unshare(owner sharing.AccountID, image sharing.ImageID, grantee sharing.Grantee) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if img, ok := f.images[image]; !ok || img.owner != owner {
		return errRefused
	}
	delete(f.shares, sharing.ShareKey{Image: image, Grantee: grantee})
	f.events = append(f.events, floorEvent{at: time.Now(), actor: owner, kind: sharing.EventUnshared, image: image, grantee: grantee})
	return nil
}

func (f *floor) launch(q world.Question) (sharing.InstanceID, error) {
	id := sharing.InstanceID(newID())
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.canUse(q) {
		return "", errRefused
	}
	f.instances[id] = floorInstance{q.Account, q.Image, q.Region}
	f.events = append(f.events, floorEvent{at: time.Now(), actor: q.Account, kind: sharing.EventLaunched, image: q.Image, instance: id})
	return id, nil
}

func (f *floor) capture(account sharing.AccountID, instance sharing.InstanceID) error {
	id := sharing.ImageID(newID())
	f.mu.Lock()
	defer f.mu.Unlock()
	from, ok := f.instances[instance]
	if !ok || from.owner != account {
		return errRefused
	}
	f.images[id] = floorImage{owner: account, region: from.region}
	f.events = append(f.events, floorEvent{at: time.Now(), actor: account, kind: sharing.EventCaptured, image: id, instance: instance})
	return nil
}

// newID returns an ID as the library makes it.
func newID() string { return strings.ToLower(rand.Text()) }
