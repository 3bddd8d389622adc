package sharing

import "context"

// Deprecate marks an image that the actor owns as one that should no longer be used: grantees may still use it,
// but their default listings and [Engine.Latest] leave it out (R16). The engine sets d.At. Deprecating it again
// with the same notice and replacement changes nothing (R23); with a different notice or replacement, it
// replaces both and sets At anew.
//
// Naming the image as its own replacement is [ErrInvalid]. The call is refused with [ErrImageNotFound], also if the
// actor does not see the replacement; with [ErrNotOwner]; and with [ErrImageDisabled].
func (e *Engine) Deprecate(ctx context.Context, actor AccountID, image ImageID, d Deprecation) error {
	c, err := e.begin(ctx, "Deprecate", actor, image.Validate(), d.validate(image))
	if err != nil {
		return err
	}
	type request struct {
		Image       ImageID
		Notice      string
		Replacement ImageID
	}
	need := Need{Image: image}
	if d.Replacement != "" {
		need.Images = []ImageID{d.Replacement}
	}
	return changeImage(c, request{image, d.Notice, d.Replacement}, need, EventDeprecated, func(m *moment, img *ImageRecord) (bool, error) {
		if was := img.Deprecation; was != nil && was.Notice == d.Notice && was.Replacement == d.Replacement {
			return false, nil
		}
		if err := m.notDisabled(img); err != nil {
			return false, err
		}
		if d.Replacement != "" {
			if err := m.see(&m.Images[0], d.Replacement); err != nil {
				return false, err
			}
		}
		img.State = ImageDeprecated
		img.Deprecation = &Deprecation{Notice: d.Notice, Replacement: d.Replacement, At: m.now()}
		return true, nil
	})
}

// Disable takes an image that the actor owns out of use. The image and its shares are kept, but until
// [Engine.Enable] only its owner sees it, and nobody can launch from it, replace or reinitialise a disk with it,
// copy it, or add a share of it (R16).
//
// The call is refused with [ErrImageNotFound] and [ErrNotOwner].
func (e *Engine) Disable(ctx context.Context, actor AccountID, image ImageID) error {
	return e.setState(ctx, "Disable", actor, image, EventDisabled, ImageDisabled)
}

// Enable makes a disabled or deprecated image that the actor owns available again: its shares count again,
// and no deprecation is left (R16).
//
// The call is refused with [ErrImageNotFound] and [ErrNotOwner].
func (e *Engine) Enable(ctx context.Context, actor AccountID, image ImageID) error {
	return e.setState(ctx, "Enable", actor, image, EventEnabled, ImageAvailable)
}

func (e *Engine) setState(ctx context.Context, op string, actor AccountID, image ImageID, kind EventKind, to ImageState) error {
	return e.setImage(ctx, op, actor, Need{Image: image}, kind, func(_ *moment, img *ImageRecord) (bool, error) {
		changed := img.State != to
		img.State, img.Deprecation = to, nil
		return changed, nil
	})
}

// Protect protects an image that the actor owns: it can be neither deleted nor force-deleted
// until [Engine.Unprotect] (R17).
//
// The call is refused with [ErrImageNotFound] and [ErrNotOwner].
func (e *Engine) Protect(ctx context.Context, actor AccountID, image ImageID) error {
	return e.setFlag(ctx, "Protect", actor, image, EventProtected, func(img *ImageRecord) *bool { return &img.Protected }, true)
}

// Unprotect lifts the protection of an image that the actor owns (R17).
//
// The call is refused with [ErrImageNotFound] and [ErrNotOwner].
func (e *Engine) Unprotect(ctx context.Context, actor AccountID, image ImageID) error {
	return e.setFlag(ctx, "Unprotect", actor, image, EventUnprotected, func(img *ImageRecord) *bool { return &img.Protected }, false)
}

// Seal seals an image that the actor owns: instances that others made from it can't be captured, whenever they were
// made, not even after an unshare or delete (R28). Copies of the image made from then on are sealed too; images
// that the owner captures are not.
//
// The call is refused with [ErrImageNotFound] and [ErrNotOwner].
func (e *Engine) Seal(ctx context.Context, actor AccountID, image ImageID) error {
	return e.setFlag(ctx, "Seal", actor, image, EventSealed, func(img *ImageRecord) *bool { return &img.Sealed }, true)
}

// Unseal lifts the seal of an image that the actor owns (R28).
//
// The call is refused with [ErrImageNotFound] and [ErrNotOwner].
func (e *Engine) Unseal(ctx context.Context, actor AccountID, image ImageID) error {
	return e.setFlag(ctx, "Unseal", actor, image, EventUnsealed, func(img *ImageRecord) *bool { return &img.Sealed }, false)
}

func (e *Engine) setFlag(ctx context.Context, op string, actor AccountID, image ImageID, kind EventKind, flag func(*ImageRecord) *bool, to bool) error {
	return e.setImage(ctx, op, actor, Need{Image: image}, kind, func(_ *moment, img *ImageRecord) (bool, error) {
		f := flag(img)
		changed := *f != to
		*f = to
		return changed, nil
	})
}
