package memory

import (
	"time"

	"github.com/hashicorp/go-memdb"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/world"
)

// A memdbWorld answers checks by go-memdb: a table of images by ID, and one of shares by image and grantee, and by grantee.
type memdbWorld struct{ db *memdb.MemDB }

// The tables' rows. Texts of the library's own types would do as well, but go-memdb reads arguments only as plain strings.
type (
	memdbImage struct {
		ID, Owner, Region string
		State             sharing.ImageState
		Shares            int
	}
	memdbShare struct {
		Image, Grantee string
		Status         sharing.ShareStatus
		CreatedAt      time.Time
		Expires        time.Time
	}
	memdbEvent struct {
		Sequence uint64
		Event    sharing.Event
	}
)

var memdbSchema = &memdb.DBSchema{Tables: map[string]*memdb.TableSchema{
	"image": {Name: "image", Indexes: map[string]*memdb.IndexSchema{
		"id": {Name: "id", Unique: true, Indexer: &memdb.StringFieldIndex{Field: "ID"}},
	}},
	"share": {Name: "share", Indexes: map[string]*memdb.IndexSchema{
		"id": {Name: "id", Unique: true, Indexer: &memdb.CompoundIndex{Indexes: []memdb.Indexer{
			&memdb.StringFieldIndex{Field: "Image"}, &memdb.StringFieldIndex{Field: "Grantee"}}}},
		"grantee": {Name: "grantee", Indexer: &memdb.StringFieldIndex{Field: "Grantee"}},
	}},
	"event": {Name: "event", Indexes: map[string]*memdb.IndexSchema{
		"id": {Name: "id", Unique: true, Indexer: &memdb.UintFieldIndex{Field: "Sequence"}},
	}},
}}

func newMemdb(w *world.World) (*memdbWorld, error) {
	db, err := memdb.NewMemDB(memdbSchema)
	if err != nil {
		return nil, err
	}
	tx := db.Txn(true)
	defer tx.Abort()
	for i := range w.Images {
		img := &w.Images[i]
		if err := tx.Insert("image", &memdbImage{ID: string(img.ID), Owner: string(img.Owner), Region: string(img.Region)}); err != nil {
			return nil, err
		}
		for _, s := range img.Records() {
			if err := tx.Insert("share", &memdbShare{Image: string(img.ID), Grantee: string(s.Grantee), CreatedAt: s.CreatedAt}); err != nil {
				return nil, err
			}
		}
	}
	tx.Commit()
	return &memdbWorld{db}, nil
}

func (m *memdbWorld) allowed(q world.Question) bool {
	tx := m.db.Txn(false)
	found, err := tx.First("image", "id", string(q.Image))
	if err != nil || found == nil {
		return false
	}
	img := found.(*memdbImage)
	if img.Region != string(q.Region) || img.State == sharing.ImageDisabled {
		return false
	}
	if img.Owner == string(q.Account) {
		return true
	}
	found, err = tx.First("share", "id", string(q.Image), string(q.Account))
	if err != nil || found == nil {
		return false
	}
	share := found.(*memdbShare)
	return share.Status == sharing.ShareAccepted && (share.Expires.IsZero() || share.Expires.After(time.Now()))
}
