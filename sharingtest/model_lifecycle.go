package sharingtest

import (
	"context"

	"github.com/imageshare/sharing"
)

// Deprecate marks an image as one that should no longer be used (R16).
func (m *Model) Deprecate(_ context.Context, actor sharing.AccountID, id sharing.ImageID, d sharing.Deprecation) error {
	if !okAccount(actor) || !okImage(id) || !okDescription(d.Notice) ||
		d.Replacement == id || d.Replacement != "" && !okImage(d.Replacement) {
		return sharing.ErrInvalid
	}
	img, err := m.owned(actor, id)
	if err != nil {
		return err
	}
	if now := img.Deprecation; now != nil && now.Notice == d.Notice && now.Replacement == d.Replacement {
		return nil
	}
	if img.State == sharing.ImageDisabled {
		return sharing.ErrImageDisabled
	}
	if d.Replacement != "" && !m.sees(actor, d.Replacement) {
		return sharing.ErrImageNotFound
	}
	d.At = m.now()
	img.State, img.Deprecation = sharing.ImageDeprecated, &d
	return nil
}

// Disable hides an image from all but its owner and takes it out of all use (R16).
func (m *Model) Disable(_ context.Context, actor sharing.AccountID, id sharing.ImageID) error {
	return m.change(actor, id, func(img *modelImage) { img.State, img.Deprecation = sharing.ImageDisabled, nil })
}

// Enable makes a disabled or deprecated image available again (R16).
func (m *Model) Enable(_ context.Context, actor sharing.AccountID, id sharing.ImageID) error {
	return m.change(actor, id, func(img *modelImage) { img.State, img.Deprecation = sharing.ImageAvailable, nil })
}

// Protect keeps an image from being deleted (R17).
func (m *Model) Protect(_ context.Context, actor sharing.AccountID, id sharing.ImageID) error {
	return m.change(actor, id, func(img *modelImage) { img.Protected = true })
}

// Unprotect lifts the protection (R17).
func (m *Model) Unprotect(_ context.Context, actor sharing.AccountID, id sharing.ImageID) error {
	return m.change(actor, id, func(img *modelImage) { img.Protected = false })
}

// Seal keeps others from capturing the image's instances (R28).
func (m *Model) Seal(_ context.Context, actor sharing.AccountID, id sharing.ImageID) error {
	return m.change(actor, id, func(img *modelImage) { img.Sealed = true })
}

// Unseal lifts the seal (R28).
func (m *Model) Unseal(_ context.Context, actor sharing.AccountID, id sharing.ImageID) error {
	return m.change(actor, id, func(img *modelImage) { img.Sealed = false })
}

// change makes a change that only being the owner allows, and that nothing else refuses.
func (m *Model) change(actor sharing.AccountID, id sharing.ImageID, change func(*modelImage)) error {
	if !okAccount(actor) || !okImage(id) {
		return sharing.ErrInvalid
	}
	img, err := m.owned(actor, id)
	if err != nil {
		return err
	}
	change(img)
	return nil
}
