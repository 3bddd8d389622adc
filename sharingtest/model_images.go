package sharingtest

import (
	"context"
	"maps"

	"github.com/imageshare/sharing"
)

var background = context.Background()

// Register makes an image from nothing (R3).
func (m *Model) Register(_ context.Context, actor sharing.AccountID, spec sharing.ImageSpec) (sharing.Image, error) {
	if !okAccount(actor) || !okSpec(spec) || spec.Region == "" {
		return sharing.Image{}, sharing.ErrInvalid
	}
	return m.create(actor, spec, sharing.Image{})
}

// Capture makes an image from an instance, unless its image is sealed (R10, R28).
func (m *Model) Capture(_ context.Context, actor sharing.AccountID, from sharing.InstanceID, spec sharing.ImageSpec) (sharing.Image, error) {
	if !okAccount(actor) || !okInstance(from) || !okSpec(spec) {
		return sharing.Image{}, sharing.ErrInvalid
	}
	inst, err := m.ownInstance(actor, from)
	if err != nil {
		return sharing.Image{}, err
	}
	if spec.Region != "" && spec.Region != inst.Region {
		return sharing.Image{}, sharing.ErrInvalid
	}
	img := m.images[inst.Image]
	if img.Sealed && img.Owner != actor {
		return sharing.Image{}, sharing.ErrSealed
	}
	spec.Region = inst.Region
	if spec.Architecture == "" {
		spec.Architecture = img.Architecture
	}
	return m.create(actor, spec, sharing.Image{Source: sharing.Source{Image: img.ID, Instance: inst.ID}})
}

// Copy makes an image from an image, in another region (R12).
func (m *Model) Copy(_ context.Context, actor sharing.AccountID, id sharing.ImageID, to sharing.Region, spec sharing.ImageSpec) (sharing.Image, error) {
	if !okAccount(actor) || !okImage(id) || !okRegion(to) || !okSpec(spec) || spec.Region != "" && spec.Region != to {
		return sharing.Image{}, sharing.ErrInvalid
	}
	img, err := m.owned(actor, id)
	if err != nil {
		return sharing.Image{}, err
	}
	if to == img.Region || spec.Digest != "" && spec.Digest != img.Digest || spec.Size != 0 && spec.Size != img.Size {
		return sharing.Image{}, sharing.ErrInvalid
	}
	if img.State == sharing.ImageDisabled {
		return sharing.Image{}, sharing.ErrImageDisabled
	}
	spec.Region, spec.Digest, spec.Size = to, img.Digest, img.Size
	spec.Name = or(spec.Name, img.Name)
	spec.Description = or(spec.Description, img.Description)
	spec.Family = or(spec.Family, img.Family)
	spec.Architecture = or(spec.Architecture, img.Architecture)
	if len(spec.Labels) == 0 {
		spec.Labels = img.Labels
	}
	return m.create(actor, spec, sharing.Image{Sealed: img.Sealed, Source: sharing.Source{Image: id}})
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// create makes what spec describes from img, which says what spec can't, if the quota allows it (R3).
func (m *Model) create(owner sharing.AccountID, spec sharing.ImageSpec, img sharing.Image) (sharing.Image, error) {
	owned := 0
	for _, other := range m.images {
		if other.Owner == owner && other.Region == spec.Region && !other.deleted {
			owned++
		}
	}
	if exceeds(owned+1, m.setup.Policy.MaxImages, 100) {
		return sharing.Image{}, sharing.ErrImageQuota
	}
	img.ID, img.Owner, img.Region, img.CreatedAt = newID(m, m.images), owner, spec.Region, m.now()
	img.Name, img.Description, img.Family, img.Architecture = spec.Name, spec.Description, spec.Family, spec.Architecture
	img.Digest, img.Size, img.Labels = spec.Digest, spec.Size, maps.Clone(spec.Labels)
	made := &modelImage{Image: img, shares: map[sharing.Grantee]sharing.Share{}, disks: map[sharing.AccountID]int{}}
	m.images[img.ID] = made
	return m.show(owner, made), nil
}

// exceeds reports whether there are more than a limit of the policy allows.
func exceeds(n, limit, byDefault int) bool {
	if limit == 0 {
		limit = byDefault
	}
	return limit > 0 && n > limit
}

// Update changes the texts of an image (R1).
func (m *Model) Update(_ context.Context, actor sharing.AccountID, id sharing.ImageID, u sharing.ImageUpdate) (sharing.Image, error) {
	if !okAccount(actor) || !okImage(id) || !okUpdate(u) {
		return sharing.Image{}, sharing.ErrInvalid
	}
	img, err := m.owned(actor, id)
	if err != nil {
		return sharing.Image{}, err
	}
	if u.Name != nil {
		img.Name = *u.Name
	}
	if u.Description != nil {
		img.Description = *u.Description
	}
	if u.Family != nil {
		img.Family = *u.Family
	}
	if u.Labels != nil {
		img.Labels = maps.Clone(u.Labels)
	}
	return m.show(actor, img), nil
}

// Delete ends an image that nothing needs (R8).
func (m *Model) Delete(_ context.Context, actor sharing.AccountID, id sharing.ImageID) error {
	img, err := m.deletable(actor, id)
	if err != nil {
		return err
	}
	for _, inst := range m.instances {
		if inst.Image == id && inst.Owner == actor && !inst.terminated {
			return sharing.ErrImageInUse
		}
	}
	if len(m.present(img)) > 0 {
		return sharing.ErrImageShared
	}
	m.delete(img)
	return nil
}

// ForceDelete ends an image and all its shares (R8).
func (m *Model) ForceDelete(_ context.Context, actor sharing.AccountID, id sharing.ImageID) error {
	img, err := m.deletable(actor, id)
	if err != nil {
		return err
	}
	m.delete(img)
	return nil
}

// delete ends an image's shares with it.
func (m *Model) delete(img *modelImage) {
	for g := range img.shares {
		m.end(img, g)
	}
	img.deleted = true
}

func (m *Model) deletable(actor sharing.AccountID, id sharing.ImageID) (*modelImage, error) {
	if !okAccount(actor) || !okImage(id) {
		return nil, sharing.ErrInvalid
	}
	img, err := m.owned(actor, id)
	if err == nil && img.Protected {
		err = sharing.ErrProtected
	}
	return img, err
}
