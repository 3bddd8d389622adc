package sharing

import (
	"errors"
	"fmt"
)

// The kinds of error that a call can end with, each found with [errors.Is]. All but the last four are refusals by a
// rule, each of which is also found as a [*Refusal] with [errors.As].
var (
	// ErrImageNotFound means that the actor sees no image with that ID. It does not tell whether there is one (R20).
	ErrImageNotFound = errors.New("image not found")
	// ErrInstanceNotFound means that the actor owns no instance with that ID. It does not tell whether
	// another account owns one (R20).
	ErrInstanceNotFound = errors.New("instance not found")
	// ErrNotOwner means that the actor sees the image but does not own it, and only the owner may do this (R1).
	ErrNotOwner = errors.New("not the image's owner")
	// ErrNotShared means that the actor sees the image, but no present share of it is with
	// the actor's own account (R13).
	ErrNotShared = errors.New("not shared with the account itself")
	// ErrNotAccepted means that the share that reaches the actor is pending or rejected (R14).
	ErrNotAccepted = errors.New("share not accepted")
	// ErrShareLimit means that the image would have more grantees than [Policy.MaxShares] (R2).
	ErrShareLimit = errors.New("share limit reached")
	// ErrImageQuota means that the account would own more images in the region than [Policy.MaxImages] (R3).
	ErrImageQuota = errors.New("image quota reached")
	// ErrRegionMismatch means that the image is not in the region in which it is to be used (R4).
	ErrRegionMismatch = errors.New("image is in another region")
	// ErrImageShared means that the image has shares, which a delete would end (R8).
	ErrImageShared = errors.New("image is shared")
	// ErrImageInUse means that the owner has instances made from the image, which could never be
	// reinitialised after a delete (R8).
	ErrImageInUse = errors.New("image is in use")
	// ErrImageUnavailable means that the instance's owner can't use its image now. It does not tell why (R6).
	ErrImageUnavailable = errors.New("image unavailable")
	// ErrImageDisabled means that the image is disabled (R16).
	ErrImageDisabled = errors.New("image is disabled")
	// ErrProtected means that the image is protected against deletion (R17).
	ErrProtected = errors.New("image is protected")
	// ErrUntrustedOwner means that the actor's own trust policy refuses the image's owner (R11).
	ErrUntrustedOwner = errors.New("image owner is not trusted")
	// ErrDigestMismatch means that the image's content digest is not the expected one (R11).
	ErrDigestMismatch = errors.New("image digest differs")
	// ErrPublicBlocked means that [Policy.BlockPublic] refuses new shares with everyone (R19).
	ErrPublicBlocked = errors.New("public sharing is blocked")
	// ErrGranteeRefused means that the check of [WithGranteeCheck] refused a new grantee; the refusal also
	// wraps the check's own error (R19).
	ErrGranteeRefused = errors.New("grantee refused")
	// ErrSealed means that the image is sealed: instances that others made from it can't be captured (R28).
	ErrSealed = errors.New("image is sealed")

	// ErrInvalid means bad input. The error says which field is bad and what is allowed. It is not a refusal (R25).
	ErrInvalid = errors.New("invalid")
	// ErrTokenReused means that the account used the token for another request ([Engine.Once]). It is an
	// [ErrInvalid] (R23).
	ErrTokenReused = invalid("token", "was used by the account for another request: take a new one")
	// ErrConflict means that the store gave up after retrying a transaction that kept conflicting
	// with others. Nothing was changed.
	ErrConflict = errors.New("conflict with concurrent changes")
	// ErrOutcomeUnknown means that the store could not tell whether the change was committed (R26). Repeating the call
	// under its token ([Engine.Once]) does not make the change twice.
	ErrOutcomeUnknown = errors.New("outcome unknown")
)

// ruleOf says which rule each refusal comes from.
var ruleOf = map[error]string{
	ErrImageNotFound:    "R20",
	ErrInstanceNotFound: "R20",
	ErrNotOwner:         "R1",
	ErrNotShared:        "R13",
	ErrNotAccepted:      "R14",
	ErrShareLimit:       "R2",
	ErrImageQuota:       "R3",
	ErrRegionMismatch:   "R4",
	ErrImageShared:      "R8",
	ErrImageInUse:       "R8",
	ErrImageUnavailable: "R6",
	ErrImageDisabled:    "R16",
	ErrProtected:        "R17",
	ErrUntrustedOwner:   "R11",
	ErrDigestMismatch:   "R11",
	ErrPublicBlocked:    "R19",
	ErrGranteeRefused:   "R19",
	ErrSealed:           "R28",
}

// A Refusal is the error of a call that a rule refuses. Nothing was changed (R22). Find it with [errors.As],
// and its kind with [errors.Is].
type Refusal struct {
	// Rule is the number of the rule that refuses the call, such as "R2".
	Rule string
	// Op is the engine's method, such as "Share".
	Op string
	// Actor is the account that made the call.
	Actor AccountID
	// Subject is the ID of the image or instance that the refusal is about; for [ErrImageQuota] it is the region, and
	// for refusals of [Engine.Latest] the family.
	Subject string
	// Remedy says in one sentence what would make the call succeed, and tells nothing
	// that the actor may not know (R20).
	Remedy string

	kind  error // the sentinel
	cause error // the error of a grantee check, or nil
}

// Error says what was refused, why, what to do, and by which rule.
func (r *Refusal) Error() string {
	cause := ""
	if r.cause != nil {
		cause = ": " + r.cause.Error()
	}
	return fmt.Sprintf("%s %s by %s: %v%s: %s (%s)", r.Op, r.Subject, r.Actor, r.kind, cause, r.Remedy, r.Rule)
}

// Unwrap returns the refusal's kind, one of the sentinels of this package.
func (r *Refusal) Unwrap() error { return r.kind }

// Is reports whether the error of the grantee check has target in its chain, if that check refused the call (R19).
func (r *Refusal) Is(target error) bool { return r.cause != nil && errors.Is(r.cause, target) }

// As finds target in the chain of the grantee check's error, if that check refused the call (R19).
func (r *Refusal) As(target any) bool { return r.cause != nil && errors.As(r.cause, target) }

// invalid returns the error of bad input: the field, and what is allowed.
func invalid(field, format string, args ...any) error {
	return fmt.Errorf("%w: %s %s", ErrInvalid, field, fmt.Sprintf(format, args...))
}
