package sharing

import (
	"maps"
	"time"
)

// An Image is a custom image: a bootable system disk, owned by exactly one account, living in exactly one region. A
// value returned by the engine belongs to the caller.
type Image struct {
	ID     ImageID
	Owner  AccountID
	Region Region
	State  ImageState
	// Protected means that the image can be neither deleted nor force-deleted until the
	// owner lifts the protection (R17).
	Protected bool
	// Sealed means that instances that others made from the image can't be captured (R28).
	Sealed bool
	// Name, Description, Family and Architecture are texts set by the owner. None need be unique.
	Name, Description, Family, Architecture string
	// Digest is "sha256:" and the hash of the image's content, as the owner stated it, or
	// empty if it stated none (R11).
	Digest string
	// Size is the size of the image's content in bytes.
	Size   int64
	Labels map[string]string `json:",omitzero"`
	// Deprecation is nil unless State is [ImageDeprecated].
	Deprecation *Deprecation `json:",omitzero"`
	// Source is what the image was copied or captured from (R10). What the reader does not see of it is left empty.
	Source    Source `json:",omitzero"`
	CreatedAt time.Time
}

// An ImageState is the position of an image in its life cycle (R16). Its text, in JSON too,
// is that of [ImageState.String].
type ImageState uint8

// The states of an image. The zero value is ImageAvailable.
const (
	// ImageAvailable images can be used.
	ImageAvailable ImageState = iota
	// ImageDeprecated images can be used, but are hidden from the default listings of
	// grantees. They have a [Deprecation].
	ImageDeprecated
	// ImageDisabled images are kept, but only their owner sees them and nobody can use them.
	ImageDisabled
)

var imageStates = names{"ImageState", "available", "deprecated", "disabled"}

// String returns "available", "deprecated" or "disabled".
func (s ImageState) String() string { return imageStates.name(uint8(s)) }

// MarshalText returns the text of String. An unknown state is an error.
func (s ImageState) MarshalText() ([]byte, error) { return imageStates.marshal(uint8(s)) }

// UnmarshalText reads what MarshalText returns. Anything else is [ErrInvalid].
func (s *ImageState) UnmarshalText(text []byte) error {
	return imageStates.unmarshal(text, (*uint8)(s))
}

// UnmarshalJSON reads the text as a string. It also reads a number, the form in logs and records of earlier versions.
func (s *ImageState) UnmarshalJSON(text []byte) error {
	return imageStates.unmarshalJSON(text, (*uint8)(s))
}

// A Deprecation says why an image should no longer be used, and what to use instead (R16).
type Deprecation struct {
	// Notice is a message to those who use the image: up to 2,048 bytes, new lines and tabs allowed.
	Notice string
	// Replacement is the image to use instead, or empty. It is left out for a reader that does not see it.
	Replacement ImageID
	// At is when the image was deprecated. The engine sets it.
	At time.Time
}

// validate checks what the owner of image gave.
func (d Deprecation) validate(image ImageID) error {
	err := firstError(optionalField("replacement", string(d.Replacement), false), validText("notice", d.Notice, maxDescription, "\n\t"))
	if d.Replacement == image {
		err = firstError(err, invalid("replacement", "is the image itself: name another, or none"))
	}
	return err
}

// A Source is what an image was made from: one step of its lineage (R10).
// An image that was registered has a zero Source.
type Source struct {
	// Image is the image that was copied, or from which the captured instance's system disk was made. It is empty if the
	// reader does not see that image.
	Image ImageID
	// Instance is the instance that was captured. It is empty for a copy, and if the reader does not own the instance or
	// has terminated it.
	Instance InstanceID
}

// An ImageSpec describes the image that [Engine.Register], [Engine.Capture] or [Engine.Copy] makes.
//
// Name, Family and Architecture may have up to 128 bytes of UTF-8 without control characters; Description may
// have up to 2,048, with new lines and tabs allowed. There may be up to 64 labels, with keys of up to 128
// bytes and values of up to 256.
type ImageSpec struct {
	Name, Description, Family string
	// Region is where the image lives. It is required, except that a capture may leave it empty to mean the instance's
	// region, and a copy to mean its target.
	Region Region
	// Architecture is a name such as "x86_64". A capture or copy that leaves it empty takes its source's architecture.
	Architecture string
	// Digest is empty, or "sha256:" and the hash of the content, usually in hexadecimal digits. What follows the colon
	// is not checked but for its form, at least one character and no control characters or spaces, in at most 128 bytes
	// with the prefix; it is compared byte for byte, so upper and lower case differ.
	Digest string
	// Size is the size of the content in bytes. It can't be negative.
	Size int64
	// Labels may have up to 64 entries, with keys of up to 128 bytes and values of up to 256.
	Labels map[string]string
}

func (s ImageSpec) validate() error {
	if s.Region != "" {
		if err := s.Region.Validate(); err != nil {
			return err
		}
	}
	if s.Size < 0 {
		return invalid("size", "is %d: it can't be negative", s.Size)
	}
	return firstError(
		validText("name", s.Name, maxText, ""),
		validDescription(s.Description),
		validText("family", s.Family, maxText, ""),
		validText("architecture", s.Architecture, maxText, ""),
		validDigest(s.Digest),
		validLabels(s.Labels))
}

// spec returns the description that img was made from, as far as it still has it.
func (img *Image) spec() ImageSpec {
	return ImageSpec{
		Name: img.Name, Description: img.Description, Family: img.Family, Region: img.Region,
		Architecture: img.Architecture, Digest: img.Digest, Size: img.Size, Labels: img.Labels,
	}
}

// An ImageUpdate says what [Engine.Update] changes. A nil field leaves the image's value as it is. A non-nil map
// replaces all labels, and an empty one removes them. The limits are those of [ImageSpec].
type ImageUpdate struct {
	Name, Description, Family *string
	Labels                    map[string]string
}

func (u ImageUpdate) validate() error {
	var err error
	if u.Name != nil {
		err = firstError(err, validText("name", *u.Name, maxText, ""))
	}
	if u.Description != nil {
		err = firstError(err, validDescription(*u.Description))
	}
	if u.Family != nil {
		err = firstError(err, validText("family", *u.Family, maxText, ""))
	}
	return firstError(err, validLabels(u.Labels))
}

// apply returns img as u changes it, and whether anything differs.
func (u ImageUpdate) apply(img Image) (Image, bool) {
	changed := false
	set := func(field *string, to *string) {
		if to != nil && *field != *to {
			*field, changed = *to, true
		}
	}
	set(&img.Name, u.Name)
	set(&img.Description, u.Description)
	set(&img.Family, u.Family)
	if u.Labels != nil && !maps.Equal(img.Labels, u.Labels) {
		img.Labels, changed = cloneLabels(u.Labels), true
	}
	return img, changed
}

// An Origin is a way in which an image reaches an actor. Origins are bits, since an image may have several.
type Origin uint8

// The origins of an image, as an actor sees it.
const (
	// OriginOwn images are owned by the actor.
	OriginOwn Origin = 1 << iota
	// OriginShared images reach the actor through an accepted share with it or with one of its organisations.
	OriginShared
	// OriginPublic images reach the actor through a share with everyone.
	OriginPublic
)

// An ImageQuery selects images. The zero value selects the images that the actor owns and those that an accepted share
// with it or with one of its organisations reaches. It leaves out deprecated images of others (R16) and images that
// only a share with everyone reaches (R19). Each non-zero field narrows the selection, except for Origin and
// Deprecated, which say what there is to select from.
type ImageQuery struct {
	Region Region
	Owner  AccountID
	// Family, Name and Digest must be equal, byte for byte.
	Family, Name, Digest string
	// The image must have all of these labels, with these values.
	Labels map[string]string
	// Source selects the actor's own images that were captured or copied from this image,
	// provided that the actor sees it.
	Source ImageID
	// Origin selects among the images that have any of the given origins; zero means OriginOwn and OriginShared.
	Origin Origin
	// Deprecated selects among deprecated images of others as well.
	Deprecated bool
}

// normal returns q in memory of its own, and in a form in which queries that select the same images are equal.
func (q ImageQuery) normal() ImageQuery {
	q.Labels = cloneLabels(q.Labels)
	if q.Origin == 0 {
		q.Origin = OriginOwn | OriginShared
	}
	return q
}

func (q ImageQuery) validate() error {
	if q.Origin > OriginOwn|OriginShared|OriginPublic {
		return invalid("origin", "%#x has unknown bits: combine OriginOwn, OriginShared and OriginPublic", uint8(q.Origin))
	}
	return firstError(
		optional(q.Region), optionalField("owner", string(q.Owner), true), optional(q.Source),
		validText("family", q.Family, maxText, ""),
		validText("name", q.Name, maxText, ""),
		validText("digest", q.Digest, maxText, ""),
		validLabels(q.Labels))
}

// A LatestQuery asks for the newest usable image of a family (R18).
type LatestQuery struct {
	// Owner and Family are required, so that a look-alike family of another owner is never picked.
	Owner  AccountID
	Family string
	// Region is required.
	Region Region
	// Architecture, if not empty, must be equal.
	Architecture string
}

func (q LatestQuery) validate() error {
	if q.Family == "" {
		return invalid("family", "is empty: name the family")
	}
	return firstError(validName("owner", string(q.Owner), true), q.Region.Validate(),
		validText("family", q.Family, maxText, ""),
		validText("architecture", q.Architecture, maxText, ""))
}

// cloneLabels returns the caller's own copy of labels; it makes no difference between nil and empty labels.
func cloneLabels(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return nil
	}
	return maps.Clone(labels)
}

// clone returns a copy of img that shares no memory with it.
func (img Image) clone() Image {
	img.own()
	return img
}

// own makes img share no memory with the image that it was copied from.
func (img *Image) own() {
	img.Labels = cloneLabels(img.Labels)
	if img.Deprecation != nil {
		d := *img.Deprecation
		img.Deprecation = &d
	}
}
