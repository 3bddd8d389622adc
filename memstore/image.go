package memstore

import (
	"cmp"
	"slices"

	"github.com/imageshare/sharing"
)

// An image is all that the store holds about one image ID. Its fields are read and written under the store's locks.
type image struct {
	shares shares
	// withOwner: one of the shares may be with the image's owner. None should be, and then
	// the owner's need not be looked for.
	withOwner bool
	sequence  int64              // of the last event about it
	events    *set[int, nothing] // the positions of all of them in the log, or nil
	// record has no ID if the ID is known from shares or events only. What it points to never
	// changes, since transactions hand it out.
	record *sharing.ImageRecord
}

// newImage returns an image with a record, in one piece of memory: a decision reads both.
func newImage(record sharing.ImageRecord) *image {
	img := &struct {
		image
		record sharing.ImageRecord
	}{record: record}
	img.image.record = &img.record
	return &img.image
}

var noRecord sharing.ImageRecord // never written

// live reports whether listings find the image.
func (img *image) live() bool {
	return img != nil && img.record.ID != "" && img.record.DeletedAt.IsZero()
}

func (img *image) deleted() bool { return !img.record.DeletedAt.IsZero() }

// A field is what an attribute is about.
type field uint8

const (
	fieldOwner       field = iota
	fieldOwnerRegion       // the owner as name, the region as value
	fieldOwnerShared       // the owner, of images with shares
	fieldOwnerImage        // of instances: the owner as name, the image as value
	fieldImage             // of instances
	fieldFamily
	fieldName
	fieldDigest
	fieldSource
	fieldDerived // the source, of tombstones too
	fieldLabel
)

// An attribute is something by which images or instances are found.
type attribute struct {
	field       field
	name, value string
}

// attributes returns by what the image is found, but for its grantees.
func (img *image) attributes() []attribute {
	rec := img.record
	var found []attribute
	add := func(f field, name, value string) { found = append(found, attribute{f, name, value}) }
	addSet := func(f field, value string) {
		if value != "" {
			add(f, "", value)
		}
	}
	addSet(fieldDerived, string(rec.Source.Image))
	if !img.live() {
		return found
	}
	add(fieldOwner, "", string(rec.Owner))
	add(fieldOwnerRegion, string(rec.Owner), string(rec.Region))
	if !img.shares.empty() {
		add(fieldOwnerShared, "", string(rec.Owner))
	}
	addSet(fieldFamily, rec.Family)
	addSet(fieldName, rec.Name)
	addSet(fieldDigest, rec.Digest)
	addSet(fieldSource, string(rec.Source.Image))
	for key, value := range rec.Labels {
		add(fieldLabel, key, value)
	}
	return found
}

// instanceAttributes returns by what the instance is found.
func instanceAttributes(rec *sharing.InstanceRecord) []attribute {
	if rec == nil || !rec.TerminatedAt.IsZero() {
		return nil
	}
	found := []attribute{
		{fieldOwner, "", string(rec.Owner)},
		{fieldImage, "", string(rec.Image)},
		{fieldOwnerImage, string(rec.Owner), string(rec.Image)},
	}
	for key, value := range rec.Labels {
		found = append(found, attribute{fieldLabel, key, value})
	}
	return found
}

// reindex makes what was found by the attributes before, found by the attributes now.
func reindex[K cmp.Ordered, V any](in index[attribute, K, V], key K, value V, before, now []attribute) {
	for _, a := range before {
		if !slices.Contains(now, a) {
			in.remove(a, key)
		}
	}
	for _, a := range now {
		if !slices.Contains(before, a) {
			in.add(a, key, value)
		}
	}
}
