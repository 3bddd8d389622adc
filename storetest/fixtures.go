package storetest

import (
	"encoding/json"
	"time"

	"github.com/imageshare/sharing"
)

// noon is an instant that a store with coarser clocks than a nanosecond can't keep.
var noon = time.Date(2024, 2, 29, 12, 0, 0, 123_456_789, time.UTC)

const (
	here  sharing.Region = "eu-1"
	there sharing.Region = "us-2"
)

// image returns a record with the fields that every image has.
func image(id sharing.ImageID, owner sharing.AccountID) sharing.ImageRecord {
	return sharing.ImageRecord{Image: sharing.Image{ID: id, Owner: owner, Region: here, CreatedAt: noon}}
}

// fullImage returns a record with every field set.
func fullImage(id sharing.ImageID, owner sharing.AccountID) sharing.ImageRecord {
	return sharing.ImageRecord{Image: sharing.Image{
		ID: id, Owner: owner, Region: here,
		Name: "a name ", Description: "two\nlines\tand a tab", Family: "Family", Architecture: "x86_64",
		Digest:      "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		Size:        1<<62 + 1,
		Labels:      map[string]string{"": "empty key", "empty value": "", "Key": "value"},
		State:       sharing.ImageDeprecated,
		Deprecation: &sharing.Deprecation{Notice: "use\nanother", Replacement: "replacement", At: noon.Add(time.Nanosecond)},
		Protected:   true, Sealed: true,
		Source:    sharing.Source{Image: "source-image", Instance: "source-instance"},
		CreatedAt: noon.Add(-time.Nanosecond),
	}}
}

func deleted(rec sharing.ImageRecord) sharing.ImageRecord {
	rec.DeletedAt = noon.Add(time.Hour)
	return rec
}

func share(image sharing.ImageID, g sharing.Grantee) sharing.Share {
	return sharing.Share{Image: image, Grantee: g, CreatedAt: noon, UpdatedAt: noon}
}

func shareUntil(image sharing.ImageID, g sharing.Grantee, expires time.Time) sharing.Share {
	s := share(image, g)
	s.Expires = expires
	return s
}

func shareStatus(image sharing.ImageID, g sharing.Grantee, status sharing.ShareStatus) sharing.Share {
	s := share(image, g)
	s.Status = status
	return s
}

func instance(id sharing.InstanceID, owner sharing.AccountID, image sharing.ImageID) sharing.InstanceRecord {
	return sharing.InstanceRecord{Instance: sharing.Instance{
		ID: id, Owner: owner, Region: here, Image: image, DiskGeneration: 1, LaunchedAt: noon,
	}}
}

func terminated(rec sharing.InstanceRecord) sharing.InstanceRecord {
	rec.TerminatedAt = noon.Add(time.Hour)
	return rec
}

// event returns an event as the engine appends it, about an image.
func event(operation string, actor sharing.AccountID, image sharing.ImageID, sequence int64) sharing.Event {
	return sharing.Event{Operation: operation, At: noon, Actor: actor, Kind: sharing.EventUpdated, Image: image, Sequence: sequence}
}

// fullEvent returns an event with every field set that the engine sets.
func fullEvent(operation string, actor sharing.AccountID, image sharing.ImageID, sequence int64) sharing.Event {
	img, inst := fullImage(image, actor), instance("an-instance", actor, image)
	ev := event(operation, actor, image, sequence)
	ev.Kind, ev.Instance, ev.Untrusted = sharing.EventLaunched, inst.ID, true
	ev.ImageRecord, ev.InstanceRecord = &img, &inst
	ev.Shares = []sharing.Share{shareUntil(image, "grantee", noon.Add(time.Nanosecond)), share(image, sharing.Everyone)}
	ev.Ended = []sharing.Grantee{"z", "a", sharing.Organization("o")}
	ev.Trust = &sharing.Trust{Owners: []sharing.AccountID{"a", "b"}, Enforce: true}
	ev.Request, ev.Result = "digest of what was asked", json.RawMessage(`{"ID":"x","Size":9223372036854775807,"Text":"<\"é\\>"}`)
	return ev
}
