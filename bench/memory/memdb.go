package memory

import (
	"errors"
	"iter"
	"maps"
	"time"

	"github.com/hashicorp/go-memdb"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/world"
)

// A memdbWorld keeps a world in go-memdb: a table of images by ID; one of shares by image
// and grantee, and by grantee and image; one of instances, and one of events by number.
type memdbWorld struct{ db *memdb.MemDB }

// The tables' rows. Their texts are plain strings, since go-memdb takes no others as arguments.
type (
	memdbImage struct {
		ID, Owner, Region string
		State             sharing.ImageState
		Image             *sharing.Image // whole, where a work reads it
	}
	memdbShare struct {
		Image, Grantee string
		Status         sharing.ShareStatus
		CreatedAt      time.Time
		Expires        time.Time
	}
	memdbInstance struct {
		ID, Owner, Image, Region string
	}
	memdbEvent struct {
		Number           uint64
		At               time.Time
		Actor            string
		Kind             sharing.EventKind
		Subject, Grantee string
	}
)

var memdbSchema = &memdb.DBSchema{Tables: map[string]*memdb.TableSchema{
	"image": {Name: "image", Indexes: map[string]*memdb.IndexSchema{"id": unique(text("ID"))}},
	"share": {Name: "share", Indexes: map[string]*memdb.IndexSchema{
		"id":      unique(&memdb.CompoundIndex{Indexes: []memdb.Indexer{text("Image"), text("Grantee")}}),
		"grantee": renamed("grantee", unique(&memdb.CompoundIndex{Indexes: []memdb.Indexer{text("Grantee"), text("Image")}})),
	}},
	"instance": {Name: "instance", Indexes: map[string]*memdb.IndexSchema{
		"id":    unique(text("ID")),
		"owner": {Name: "owner", Indexer: text("Owner")},
	}},
	"event": {Name: "event", Indexes: map[string]*memdb.IndexSchema{"id": unique(&memdb.UintFieldIndex{Field: "Number"})}},
}}

func text(field string) memdb.Indexer { return &memdb.StringFieldIndex{Field: field} }

func unique(by memdb.Indexer) *memdb.IndexSchema {
	return &memdb.IndexSchema{Name: "id", Unique: true, Indexer: by}
}

func renamed(name string, index *memdb.IndexSchema) *memdb.IndexSchema {
	index.Name = name
	return index
}

func newMemdb(w *world.World) (*memdbWorld, error) {
	db, err := memdb.NewMemDB(memdbSchema)
	if err != nil {
		return nil, err
	}
	m := &memdbWorld{db}
	return m, m.update(func(tx *memdb.Txn) error {
		for i := range w.Images {
			img := &w.Images[i]
			if err := tx.Insert("image", &memdbImage{ID: string(img.ID), Owner: string(img.Owner), Region: string(img.Region)}); err != nil {
				return err
			}
			for _, s := range img.Records() {
				if err := tx.Insert("share", &memdbShare{Image: string(img.ID), Grantee: string(s.Grantee), CreatedAt: s.CreatedAt}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (m *memdbWorld) update(fn func(tx *memdb.Txn) error) error {
	tx := m.db.Txn(true)
	defer tx.Abort()
	if err := fn(tx); err != nil {
		return err
	}
	tx.Commit()
	return nil
}

func (m *memdbWorld) allowed(q world.Question) bool { return memdbCanUse(m.db.Txn(false), q) == nil }

func memdbCanUse(tx *memdb.Txn, q world.Question) error {
	found, err := tx.First("image", "id", string(q.Image))
	if err != nil || found == nil {
		return errRefused
	}
	img := found.(*memdbImage)
	if img.Region != string(q.Region) || img.State == sharing.ImageDisabled {
		return errRefused
	}
	if img.Owner == string(q.Account) {
		return nil
	}
	found, err = tx.First("share", "id", string(q.Image), string(q.Account))
	if err != nil || found == nil {
		return errRefused
	}
	share := found.(*memdbShare)
	if share.Status != sharing.ShareAccepted || !share.Expires.IsZero() && !share.Expires.After(time.Now()) {
		return errRefused
	}
	return nil
}

// memdbOwn refuses unless owner owns the image.
func memdbOwn(tx *memdb.Txn, owner sharing.AccountID, image sharing.ImageID) error {
	found, err := tx.First("image", "id", string(image))
	if err != nil || found == nil || found.(*memdbImage).Owner != string(owner) {
		return errRefused
	}
	return nil
}

// memdbEventOf appends an event, with the next number.
func memdbEventOf(tx *memdb.Txn, ev memdbEvent) error {
	last, err := tx.Last("event", "id")
	if err != nil {
		return err
	}
	if ev.Number = 1; last != nil {
		ev.Number += last.(*memdbEvent).Number
	}
	ev.At = time.Now()
	return tx.Insert("event", &ev)
}

func (m *memdbWorld) share(owner sharing.AccountID, image sharing.ImageID, grantee sharing.Grantee) error {
	return m.update(func(tx *memdb.Txn) error {
		if err := memdbOwn(tx, owner, image); err != nil {
			return err
		}
		if err := tx.Insert("share", &memdbShare{Image: string(image), Grantee: string(grantee), CreatedAt: time.Now()}); err != nil {
			return err
		}
		return memdbEventOf(tx, memdbEvent{Actor: string(owner), Kind: sharing.EventShared, Subject: string(image), Grantee: string(grantee)})
	})
}

func (m *memdbWorld) unshare(owner sharing.AccountID, image sharing.ImageID, grantee sharing.Grantee) error {
	return m.update(func(tx *memdb.Txn) error {
		if err := memdbOwn(tx, owner, image); err != nil {
			return err
		}
		switch err := tx.Delete("share", &memdbShare{Image: string(image), Grantee: string(grantee)}); {
		case errors.Is(err, memdb.ErrNotFound):
			return nil
		case err != nil:
			return err
		}
		return memdbEventOf(tx, memdbEvent{Actor: string(owner), Kind: sharing.EventUnshared, Subject: string(image), Grantee: string(grantee)})
	})
}

func (m *memdbWorld) launch(q world.Question) (sharing.InstanceID, error) {
	id := newID()
	return sharing.InstanceID(id), m.update(func(tx *memdb.Txn) error {
		if err := memdbCanUse(tx, q); err != nil {
			return err
		}
		if err := tx.Insert("instance", &memdbInstance{id, string(q.Account), string(q.Image), string(q.Region)}); err != nil {
			return err
		}
		return memdbEventOf(tx, memdbEvent{Actor: string(q.Account), Kind: sharing.EventLaunched, Subject: id})
	})
}

func (m *memdbWorld) capture(account sharing.AccountID, instance sharing.InstanceID) error {
	id := newID()
	return m.update(func(tx *memdb.Txn) error {
		found, err := tx.First("instance", "id", string(instance))
		if err != nil || found == nil || found.(*memdbInstance).Owner != string(account) {
			return errRefused
		}
		if err := tx.Insert("image", &memdbImage{ID: id, Owner: string(account), Region: found.(*memdbInstance).Region}); err != nil {
			return err
		}
		return memdbEventOf(tx, memdbEvent{Actor: string(account), Kind: sharing.EventCaptured, Subject: id})
	})
}

// complete gives the images their whole records.
func (m *memdbWorld) complete(seen iter.Seq[[]*sharing.Image]) error {
	return m.update(func(tx *memdb.Txn) error {
		for images := range seen {
			for _, img := range images {
				if err := tx.Insert("image", &memdbImage{string(img.ID), string(img.Owner), string(img.Region), img.State, img}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// page returns copies of the images that are shared with the account, after the one with the ID after.
func (m *memdbWorld) page(account sharing.AccountID, after string) ([]sharing.Image, error) {
	tx := m.db.Txn(false)
	shares, err := tx.LowerBound("share", "grantee", string(account), after)
	if err != nil {
		return nil, err
	}
	page := make([]sharing.Image, 0, pageSize)
	for len(page) < pageSize {
		share, ok := shares.Next().(*memdbShare)
		if !ok || share.Grantee != string(account) {
			break
		}
		if share.Image == after {
			continue
		}
		found, err := tx.First("image", "id", share.Image)
		if err != nil {
			return nil, err
		}
		img := *found.(*memdbImage).Image
		img.Labels = maps.Clone(img.Labels)
		page = append(page, img)
	}
	return page, nil
}
