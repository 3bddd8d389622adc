package sharingtest

import (
	"context"
	"maps"

	"github.com/imageshare/sharing"
)

// usable judges whether the actor may make a disk in the region from the image now (R4, R5, R11).
func (m *Model) usable(actor sharing.AccountID, id sharing.ImageID, region sharing.Region, digest string) error {
	img, err := m.seen(actor, id)
	switch {
	case err != nil:
		return err
	case img.State == sharing.ImageDisabled:
		return sharing.ErrImageDisabled
	case !m.mayUse(actor, img):
		return sharing.ErrNotAccepted
	case img.Region != region:
		return sharing.ErrRegionMismatch
	case m.trust[actor].Enforce && !m.trusts(actor, img.Owner):
		return sharing.ErrUntrustedOwner
	case digest != "" && digest != img.Digest:
		return sharing.ErrDigestMismatch
	}
	return nil
}

// CanUse answers as Launch would (R5).
func (m *Model) CanUse(_ context.Context, actor sharing.AccountID, id sharing.ImageID, region sharing.Region) error {
	if !okAccount(actor) || !okImage(id) || !okRegion(region) {
		return sharing.ErrInvalid
	}
	return m.usable(actor, id, region, "")
}

// Launch makes an instance (R5).
func (m *Model) Launch(_ context.Context, actor sharing.AccountID, spec sharing.LaunchSpec) (sharing.Instance, error) {
	if !okAccount(actor) || !okImage(spec.Image) || !okRegion(spec.Region) || !okName(spec.ExpectDigest) || !okLabels(spec.Labels) {
		return sharing.Instance{}, sharing.ErrInvalid
	}
	if err := m.usable(actor, spec.Image, spec.Region, spec.ExpectDigest); err != nil {
		return sharing.Instance{}, err
	}
	inst := &modelInstance{Instance: sharing.Instance{
		ID: newID(m, m.instances), Owner: actor, Region: spec.Region, Image: spec.Image,
		DiskGeneration: 1, Labels: maps.Clone(spec.Labels), LaunchedAt: m.now(),
	}}
	m.instances[inst.ID] = inst
	m.images[spec.Image].disks[actor]++
	return inst.show(), nil
}

// ReplaceDisk gives an instance a disk made from another image (R5).
func (m *Model) ReplaceDisk(_ context.Context, actor sharing.AccountID, id sharing.InstanceID, disk sharing.DiskSpec) (sharing.Instance, error) {
	if !okAccount(actor) || !okInstance(id) || !okImage(disk.Image) || !okName(disk.ExpectDigest) {
		return sharing.Instance{}, sharing.ErrInvalid
	}
	inst, err := m.ownInstance(actor, id)
	if err != nil {
		return sharing.Instance{}, err
	}
	if err := m.usable(actor, disk.Image, inst.Region, disk.ExpectDigest); err != nil {
		return sharing.Instance{}, err
	}
	inst.Image = disk.Image
	m.images[disk.Image].disks[actor]++
	inst.DiskGeneration++
	return inst.show(), nil
}

// Reinit puts an instance's disk back to its image (R6).
func (m *Model) Reinit(_ context.Context, actor sharing.AccountID, id sharing.InstanceID) (sharing.Instance, error) {
	if !okAccount(actor) || !okInstance(id) {
		return sharing.Instance{}, sharing.ErrInvalid
	}
	inst, err := m.ownInstance(actor, id)
	if err != nil {
		return sharing.Instance{}, err
	}
	switch m.usable(actor, inst.Image, inst.Region, "") {
	case nil:
	case sharing.ErrUntrustedOwner:
		return sharing.Instance{}, sharing.ErrUntrustedOwner
	default:
		return sharing.Instance{}, sharing.ErrImageUnavailable
	}
	inst.DiskGeneration++
	return inst.show(), nil
}

// Terminate ends an instance.
func (m *Model) Terminate(_ context.Context, actor sharing.AccountID, id sharing.InstanceID) error {
	if !okAccount(actor) || !okInstance(id) {
		return sharing.ErrInvalid
	}
	inst, err := m.ownInstance(actor, id)
	if err != nil {
		return err
	}
	inst.terminated = true
	return nil
}

// SetTrust says whose images the actor accepts (R11).
func (m *Model) SetTrust(_ context.Context, actor sharing.AccountID, t sharing.Trust) error {
	if !okAccount(actor) || !okTrust(t) {
		return sharing.ErrInvalid
	}
	owners := map[sharing.AccountID]sharing.AccountID{}
	for _, owner := range t.Owners {
		owners[owner] = owner
	}
	m.trust[actor] = sharing.Trust{Owners: sorted(owners), Enforce: t.Enforce}
	return nil
}

// show returns the caller's own copy.
func (inst *modelInstance) show() sharing.Instance {
	shown := inst.Instance
	shown.Labels = maps.Clone(inst.Labels)
	return shown
}
