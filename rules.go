package sharing

import (
	"fmt"
	"time"
)

// A moment is all that a decision looks at: who asks for what, what the store held at that instant, and what the engine
// knows besides. The rules are its methods: they read it, and return a refusal or nil.
type moment struct {
	State
	op      string
	actor   AccountID
	policy  Policy
	clock   func() time.Time
	at      time.Time // of the clock, once it was read
	outside *outside
	tx      ViewTx // to read on, where what is needed follows from what was read

	// The IDs of what a change makes, drawn for it.
	newImage    ImageID
	newInstance InstanceID
}

// now is the instant at which the decision is made: the same however often it is asked for.
// The clock is read at the first use, since most decisions need none.
func (m *moment) now() time.Time {
	if m.at.IsZero() {
		m.at = plainTime(m.clock())
		if m.at.IsZero() { // which stands for no time at all, in every record
			m.at = m.at.Add(1)
		}
	}
	return m.at
}

// refuse returns the refusal of the kind, on subject; remedy says what would make the call succeed (R25).
func (m *moment) refuse(kind error, subject, remedy string) *Refusal {
	return &Refusal{Rule: ruleOf[kind], Op: m.op, Actor: m.actor, Subject: subject, Remedy: remedy, kind: kind}
}

// present reports whether g belongs to a present share: one that was made and has not ended or expired (R15).
func (m *moment) present(g Grant) bool {
	return g.Exists && (g.Expires.IsZero() || m.now().Before(g.Expires))
}

// accepted reports whether g belongs to a present share whose status is accepted (R14). A store may hold anything: a
// status that is unknown or impossible, such as any but accepted for a share with everyone, permits nothing (R27).
func (m *moment) accepted(g Grant) bool { return g.Status == ShareAccepted && m.present(g) }

// disabled reports whether nobody may use the image, which is also so if its state is unknown (R16, R27).
func (rec *ImageRecord) disabled() bool { return rec.State >= ImageDisabled }

// A reach is how far an account has access to an image.
type reach uint8

const (
	unseen reach = iota
	seen         // by ID, through a share that was not accepted
	usable       // through ownership or an accepted share, if the image is not disabled
)

// reach says how far the image is within the actor's reach, as far as the organisations known so far tell (the words
// "sees" and "may use" of the rules).
func (m *moment) reach(a *Access) reach {
	switch {
	case a.Image == nil || !a.Image.DeletedAt.IsZero():
		return unseen
	case a.Image.Owner == m.actor:
		return usable
	case a.Image.disabled():
		return unseen
	case m.accepted(a.Own), m.accepted(a.Everyone), m.accepted(a.Organization):
		return usable
	case m.present(a.Own):
		return seen
	}
	return unseen
}

// lists reports whether a listing of the origins that q wants shows the image (R16, R19).
func (m *moment) lists(a *Access, q ImageQuery) bool {
	img := a.Image
	own := img.Owner == m.actor
	if own && q.Origin&OriginOwn != 0 {
		return true
	}
	if img.disabled() || img.State == ImageDeprecated && !own && !q.Deprecated {
		return false
	}
	shared := m.accepted(a.Own) || m.accepted(a.Organization)
	return shared && q.Origin&OriginShared != 0 || q.Origin&OriginPublic != 0 && m.accepted(a.Everyone)
}

// see refuses an actor that does not see the image.
func (m *moment) see(a *Access, id ImageID) error {
	if m.reach(a) == unseen {
		return m.notSeen(id)
	}
	return nil
}

// notSeen refuses an image that the actor does not see, as far as is known yet. It refuses an image that never existed
// in the same way, and asks the directory in both cases (R20).
func (m *moment) notSeen(id ImageID) error {
	if err := m.outside.organizationsKnown(); err != nil {
		return err
	}
	return m.refuse(ErrImageNotFound, string(id), "name an image that the account owns or that is shared with it")
}

// ownImage returns the loaded image's record. It refuses an actor that does not own the image (R1).
func (m *moment) ownImage(id ImageID) (*ImageRecord, error) {
	if err := m.see(&m.Image, id); err != nil {
		return nil, err
	}
	if m.Image.Image.Owner != m.actor {
		return nil, m.refuse(ErrNotOwner, string(id), "ask the image's owner to do it")
	}
	return m.Image.Image, nil
}

// ownInstance returns the loaded instance's record. It refuses an actor that does not own the instance, and an
// instance that was terminated (R20).
func (m *moment) ownInstance(id InstanceID) (*InstanceRecord, error) {
	inst := m.Instance
	if inst == nil || inst.Owner != m.actor || !inst.TerminatedAt.IsZero() {
		return nil, m.refuse(ErrInstanceNotFound, string(id), "name an instance that the account owns and has not terminated")
	}
	return inst, nil
}

// canUse refuses an actor that may not make a system disk in region from the image: to launch, to replace a
// disk and, through canReinit, to reinit (R4, R5, R11, R14, R16). If the actor may, canUse reports whether an
// audit marks the owner untrusted.
func (m *moment) canUse(a *Access, id ImageID, region Region, digest string) (untrusted bool, err error) {
	switch m.reach(a) {
	case unseen:
		return false, m.notSeen(id)
	case seen:
		if err := m.outside.organizationsKnown(); err != nil {
			return false, err
		}
		return false, m.refuse(ErrNotAccepted, string(id), "accept the share first")
	}
	img := a.Image
	if err := m.notDisabled(img); err != nil {
		return false, err
	}
	if img.Region != region {
		copied := "ask its owner for a copy in " + string(region)
		if img.Owner == m.actor {
			copied = "copy it to " + string(region) + " and use the copy"
		}
		return false, m.refuse(ErrRegionMismatch, string(id), "use it in region "+string(img.Region)+", or "+copied)
	}
	trusted := m.Trust.trusts(m.actor, img.Owner)
	if !trusted && m.Trust.Enforce {
		return false, m.refuse(ErrUntrustedOwner, string(id), "add "+string(img.Owner)+" to the account's trusted owners, or use an image of a trusted one")
	}
	if digest != "" && digest != img.Digest {
		expect := "expect " + img.Digest
		if img.Digest == "" {
			expect = "expect no digest, since the image has none"
		}
		return false, m.refuse(ErrDigestMismatch, string(id), expect+", or use the image that has the expected one")
	}
	return !trusted, nil
}

// canReinit is canUse for an instance's own image (R6). The refusal does not say why the image can't be used, except if
// the reason is the actor's own trust policy.
func (m *moment) canReinit(inst *InstanceRecord) (untrusted bool, err error) {
	untrusted, err = m.canUse(&m.Image, inst.Image, inst.Region, "")
	refusal, refused := err.(*Refusal)
	switch {
	case !refused:
		return untrusted, err
	case refusal.kind == ErrUntrustedOwner:
		refusal.Subject = string(inst.ID)
		return false, refusal
	}
	return false, m.refuse(ErrImageUnavailable, string(inst.ID), "replace its system disk from an image that the account may use")
}

// canCapture refuses an instance of a sealed image, unless the image is the actor's own (R28).
// It makes no difference whether the actor still sees the image, or whether it still exists.
func (m *moment) canCapture(inst *InstanceRecord) error {
	img := m.Image.Image
	if img == nil { // nobody knows whether it is sealed (R27)
		return fmt.Errorf("the store has lost the record of image %s", inst.Image)
	}
	if img.Sealed && img.Owner != m.actor {
		return m.refuse(ErrSealed, string(inst.ID),
			"ask the owner of its image to unseal it, if the image still exists, or replace its system disk from one that is not sealed")
	}
	return nil
}

// canOwnMore refuses an image beyond the actor's quota in the region (R3).
func (m *moment) canOwnMore(region Region) error {
	most, limited := limitOf(m.policy.MaxImages, defaultMaxImages)
	if limited && m.ImagesOwned >= most {
		return m.refuse(ErrImageQuota, string(region), fmt.Sprintf(
			"delete %d of the account's %s in the region first: it may own %d", m.ImagesOwned-most+1, plural(m.ImagesOwned, "image"), most))
	}
	return nil
}

// notDisabled refuses a disabled image (R16). Only its owner gets here.
func (m *moment) notDisabled(img *ImageRecord) error {
	if img.disabled() {
		return m.refuse(ErrImageDisabled, string(img.ID), "enable it first")
	}
	return nil
}

// notProtected refuses to delete a protected image (R17).
func (m *moment) notProtected(img *ImageRecord) error {
	if img.Protected {
		return m.refuse(ErrProtected, string(img.ID), "unprotect it first")
	}
	return nil
}

// canDelete refuses a delete that would take something from somebody (R8).
func (m *moment) canDelete(img *ImageRecord) error {
	if err := m.notProtected(img); err != nil {
		return err
	}
	if n := m.OwnInstances; n > 0 {
		return m.refuse(ErrImageInUse, string(img.ID), "terminate the account's "+plural(n, "instance")+" made from it or replace the disk first, or force the delete")
	}
	if n := m.PresentShares; n > 0 {
		return m.refuse(ErrImageShared, string(img.ID), "unshare it from its "+plural(n, "grantee")+" first, or force the delete")
	}
	return nil
}

// canShare refuses to add shares to img, beside those that stay (R2, R16, R19).
func (m *moment) canShare(img *ImageRecord, added []Share, staying int) error {
	if err := m.notDisabled(img); err != nil {
		return err
	}
	if m.policy.BlockPublic {
		for _, share := range added {
			if share.Grantee == Everyone {
				return m.refuse(ErrPublicBlocked, string(img.ID), "share it with accounts or organisations instead")
			}
		}
	}
	g, why, err := m.outside.granteesChecked(img, added)
	switch {
	case err != nil:
		return err
	case why != nil:
		refusal := m.refuse(ErrGranteeRefused, string(img.ID), "leave out "+string(g)+", or have it admitted")
		refusal.cause = why
		return refusal
	}
	if most, limited := limitOf(m.policy.MaxShares, defaultMaxShares); limited && staying+len(added) > most {
		if m.op == "SetShares" { // which unshares all others itself
			return m.refuse(ErrShareLimit, string(img.ID), fmt.Sprintf(
				"name at most %s, not %d", plural(most, "grantee"), staying+len(added)))
		}
		return m.refuse(ErrShareLimit, string(img.ID), fmt.Sprintf(
			"share it with at most %d more, not %d, or unshare others first: it has %s of at most %d",
			max(0, most-staying), len(added), plural(staying, "grantee"), most))
	}
	return nil
}

// notOwner rejects the image's owner as a grantee, to share or to unshare (R1).
func notOwner(img *ImageRecord, grantees []Grantee) error {
	for _, g := range grantees {
		if g == Account(img.Owner) {
			return invalid("grantees", "name the image's owner %s, who has it without a share: leave it out", img.Owner)
		}
	}
	return nil
}

// ownShare refuses an actor that has no share of its own (R13). An actor that sees the image in another way learns
// this; one that does not see it learns nothing.
func (m *moment) ownShare(id ImageID) error {
	if err := m.see(&m.Image, id); err != nil {
		return err
	}
	if m.Image.Image.Owner == m.actor || !m.present(m.Image.Own) {
		return m.refuse(ErrNotShared, string(id), "do it with the account that the share was made with")
	}
	return nil
}

// plural returns n with the noun for that many.
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
