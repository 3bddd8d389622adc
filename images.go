package sharing

import "context"

// create returns a new image of the actor, as spec describes it, and its event, if the quota allows it (R3).
func (m *moment) create(kind EventKind, region Region, spec ImageSpec, source Source, sealed bool) (Image, []Event, error) {
	if err := m.canOwnMore(region); err != nil {
		return Image{}, nil, err
	}
	rec := &ImageRecord{Image: Image{
		ID: m.newImage, Owner: m.actor, Region: region,
		Name: spec.Name, Description: spec.Description, Family: spec.Family, Architecture: spec.Architecture,
		Digest: spec.Digest, Size: spec.Size, Labels: spec.Labels,
		Source: source, Sealed: sealed, CreatedAt: m.now(),
	}}
	ev := m.event(kind, rec.ID)
	ev.ImageRecord = rec
	img, err := m.show(rec)
	return img, []Event{ev}, err
}

// quota adds to need the count that the quota is judged by, if there is a quota (R3).
func (c *call) quota(need Need, region Region) Need {
	if _, limited := limitOf(c.policy.MaxImages, defaultMaxImages); limited {
		need.ImagesIn = region
		need.ImagesBeside = region == ""
	}
	return need
}

// Register makes a new image, owned by the actor, from a description of what was uploaded.
//
// A spec that exceeds a limit or has no region is [ErrInvalid]. The call is refused with [ErrImageQuota] if the actor
// already owns [Policy.MaxImages] images in the region (R3).
func (e *Engine) Register(ctx context.Context, actor AccountID, spec ImageSpec) (Image, error) {
	c, err := e.begin(ctx, "Register", actor, spec.Region.Validate(), spec.validate())
	if err != nil {
		return Image{}, err
	}
	spec.Labels = cloneLabels(spec.Labels)
	return makeChange(c, spec, c.quota(Need{NewImage: drawn}, spec.Region), func(m *moment) (Image, []Event, error) {
		return m.create(EventRegistered, spec.Region, spec, Source{}, false)
	})
}

// Capture makes a new image, owned by the actor, from one of its instances, even from one that was launched from a
// shared image. The new image counts towards the actor's quota (R3), and the actor may share it (R10). It grants
// nothing on the image that the instance was made from, and the actor need no longer be able to use that image (R7).
//
// The spec's region must be empty or the instance's; any other is [ErrInvalid]. An empty architecture is taken from the
// instance's image; nothing else is inherited.
//
// The call is refused with [ErrInstanceNotFound]; with [ErrSealed] if the instance's image is sealed and owned by
// another account (R28); and with [ErrImageQuota] (R3).
func (e *Engine) Capture(ctx context.Context, actor AccountID, from InstanceID, spec ImageSpec) (Image, error) {
	c, err := e.begin(ctx, "Capture", actor, from.Validate(), spec.validate())
	if err != nil {
		return Image{}, err
	}
	type request struct {
		From InstanceID
		Spec ImageSpec
	}
	spec.Labels = cloneLabels(spec.Labels)
	need := c.quota(Need{Instance: from, NewImage: drawn}, spec.Region)
	return makeChange(c, request{from, spec}, need, func(m *moment) (Image, []Event, error) {
		inst, err := m.ownInstance(from)
		if err != nil {
			return Image{}, nil, err
		}
		if spec.Region != "" && spec.Region != inst.Region {
			return Image{}, nil, invalid("region", "is %s: leave it empty, or give the instance's, %s", spec.Region, inst.Region)
		}
		if err := m.canCapture(inst); err != nil {
			return Image{}, nil, err
		}
		spec := spec
		if spec.Architecture == "" {
			spec.Architecture = m.Image.Image.Architecture
		}
		return m.create(EventCaptured, inst.Region, spec, Source{Image: inst.Image, Instance: from}, false)
	})
}

// Copy makes a new image in another region from one that the actor owns. The copy has a new ID, the source's digest,
// size and seal, no shares, and a record of its lineage. What the spec leaves empty is taken from the source (R12).
//
// It is [ErrInvalid] to copy to the image's own region, with another digest or size, or with a spec that names a region
// other than to. The call is refused with [ErrImageNotFound]; with [ErrNotOwner], since a copy by a grantee would be
// resharing (R1); with [ErrImageDisabled] (R16); and with [ErrImageQuota] (R3).
func (e *Engine) Copy(ctx context.Context, actor AccountID, image ImageID, to Region, spec ImageSpec) (Image, error) {
	c, err := e.begin(ctx, "Copy", actor, image.Validate(), validName("target region", string(to), false),
		spec.validate(), validTarget(spec.Region, to))
	if err != nil {
		return Image{}, err
	}
	type request struct {
		Image ImageID
		To    Region
		Spec  ImageSpec
	}
	spec.Labels = cloneLabels(spec.Labels)
	need := c.quota(Need{Image: image, NewImage: drawn}, to)
	return makeChange(c, request{image, to, spec}, need, func(m *moment) (Image, []Event, error) {
		img, err := m.ownImage(image)
		if err != nil {
			return Image{}, nil, err
		}
		copied, err := copySpec(spec, img, to)
		if err != nil {
			return Image{}, nil, err
		}
		if err := m.notDisabled(img); err != nil {
			return Image{}, nil, err
		}
		return m.create(EventCopied, to, copied, Source{Image: image}, img.Sealed)
	})
}

func validTarget(region, to Region) error {
	if region != "" && region != to {
		return invalid("region", "of the spec is %s: leave it empty, or give the target %s", quoted(string(region)), to)
	}
	return nil
}

// copySpec returns spec for a copy of img, completed from it (R12).
func copySpec(spec ImageSpec, img *ImageRecord, to Region) (ImageSpec, error) {
	switch {
	case to == img.Region:
		return spec, invalid("region", "is the image's own, %s: name another", to)
	case spec.Digest != "" && spec.Digest != img.Digest:
		return spec, invalid("digest", "is not the image's: leave it empty, since a copy has its source's")
	case spec.Size != 0 && spec.Size != img.Size:
		return spec, invalid("size", "is not the image's: leave it 0, since a copy has its source's")
	}
	take := func(field *string, from string) {
		if *field == "" {
			*field = from
		}
	}
	take(&spec.Name, img.Name)
	take(&spec.Description, img.Description)
	take(&spec.Family, img.Family)
	take(&spec.Architecture, img.Architecture)
	spec.Digest, spec.Size = img.Digest, img.Size
	if len(spec.Labels) == 0 {
		spec.Labels = img.Labels
	}
	return spec, nil
}

// Update changes the name, description, family or labels of an image that the actor owns, and returns the updated image
// (R1). An update that changes nothing appends no event (R23).
//
// The call is refused with [ErrImageNotFound] and [ErrNotOwner].
func (e *Engine) Update(ctx context.Context, actor AccountID, image ImageID, u ImageUpdate) (Image, error) {
	c, err := e.begin(ctx, "Update", actor, image.Validate(), u.validate())
	if err != nil {
		return Image{}, err
	}
	type request struct {
		Image  ImageID
		Update ImageUpdate
	}
	return makeChange(c, request{image, u}, Need{Image: image}, func(m *moment) (Image, []Event, error) {
		img, err := m.ownImage(image)
		if err != nil {
			return Image{}, nil, err
		}
		var events []Event
		if updated, changed := u.apply(img.Image); changed {
			img = &ImageRecord{Image: updated}
			ev := m.event(EventUpdated, image)
			ev.ImageRecord = img
			events = []Event{ev}
		}
		shown, err := m.show(img)
		return shown, events, err
	})
}

// Delete deletes an image that the actor owns: nobody sees it from then on, no instance made from it can be
// reinitialised, and its ID is never used again (R8). See [Engine.DeleteImpact] for a preview of the effects.
//
// The call is refused with [ErrImageNotFound], also if the image was deleted before; with [ErrNotOwner]; with
// [ErrProtected] (R17); with [ErrImageInUse] while there are instances of the actor made from it; and with
// [ErrImageShared] while it has shares.
func (e *Engine) Delete(ctx context.Context, actor AccountID, image ImageID) error {
	need := Need{Image: image, PresentAt: countNow, OwnInstances: true}
	return e.setImage(ctx, "Delete", actor, need, EventDeleted, func(m *moment, img *ImageRecord) (bool, error) {
		img.DeletedAt = m.now()
		return true, m.canDelete(img)
	})
}

// ForceDelete is [Engine.Delete] for an image that is shared or in use: it ends every share and deletes the image, in
// one transaction whose cost does not grow with the number of shares (R8).
//
// The call is refused with [ErrImageNotFound], with [ErrNotOwner], and with [ErrProtected] (R17).
func (e *Engine) ForceDelete(ctx context.Context, actor AccountID, image ImageID) error {
	return e.setImage(ctx, "ForceDelete", actor, Need{Image: image}, EventForceDeleted, func(m *moment, img *ImageRecord) (bool, error) {
		img.DeletedAt = m.now()
		return true, m.notProtected(img)
	})
}

// setImage is a call by the owner that changes the record of the image need.Image (R1). set changes a copy of the
// record, and reports whether anything differs.
func (e *Engine) setImage(ctx context.Context, op string, actor AccountID, need Need, kind EventKind,
	set func(m *moment, img *ImageRecord) (changed bool, err error)) error {
	c, err := e.begin(ctx, op, actor, need.Image.Validate())
	if err != nil {
		return err
	}
	return changeImage(c, need.Image, need, kind, set)
}

// changeImage is setImage for calls whose request is more than the image.
func changeImage[R any](c call, request R, need Need, kind EventKind, set func(m *moment, img *ImageRecord) (changed bool, err error)) error {
	_, err := makeChange(c, request, need, func(m *moment) (none struct{}, events []Event, err error) {
		img, err := m.ownImage(need.Image)
		if err != nil {
			return none, nil, err
		}
		after := *img
		changed, err := set(m, &after)
		if err != nil || !changed {
			return none, nil, err
		}
		ev := m.event(kind, need.Image)
		ev.ImageRecord = &after
		return none, []Event{ev}, nil
	})
	return err
}
