package sharingtest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imageshare/sharing"
)

// absent and never are IDs that nothing ever has. Calls are drawn with absent, and not with never.
const (
	absent = "id-absent"
	never  = "id-never"
)

// ruleOf says which rule a refusal must name (R25).
var ruleOf = map[error]string{
	sharing.ErrImageNotFound:    "R20",
	sharing.ErrInstanceNotFound: "R20",
	sharing.ErrNotOwner:         "R1",
	sharing.ErrNotShared:        "R13",
	sharing.ErrNotAccepted:      "R14",
	sharing.ErrShareLimit:       "R2",
	sharing.ErrImageQuota:       "R3",
	sharing.ErrRegionMismatch:   "R4",
	sharing.ErrImageShared:      "R8",
	sharing.ErrImageInUse:       "R8",
	sharing.ErrImageUnavailable: "R6",
	sharing.ErrImageDisabled:    "R16",
	sharing.ErrProtected:        "R17",
	sharing.ErrUntrustedOwner:   "R11",
	sharing.ErrDigestMismatch:   "R11",
	sharing.ErrPublicBlocked:    "R19",
	sharing.ErrGranteeRefused:   "R19",
	sharing.ErrSealed:           "R28",
}

// compare fails the test unless the system answered a call as the model did.
func (w *world) compare(t TB, c call, got any, gotErr error, want any, wantErr error) {
	if wantErr != nil || gotErr != nil {
		w.compareErrors(t, c, gotErr, wantErr)
		return
	}
	if !same(got, want) {
		t.Fatalf("%v: the answer differs (- model, + system):\n%s", c, cmp.Diff(want, got, alike...))
	}
}

func same(got, want any) bool { return reflect.DeepEqual(got, want) || cmp.Equal(want, got, alike...) }

// alike are the differences that don't matter: none or empty, and the order of a set, and
// in which an exposure goes through the images.
var alike = cmp.Options{
	cmpopts.EquateEmpty(),
	cmpopts.SortSlices(func(a, b sharing.AccountID) bool { return a < b }),
	cmpopts.SortSlices(func(a, b sharing.ExposedImage) bool { return a.Image < b.Image }),
	cmpopts.SortSlices(func(a, b sharing.Holding) bool { return fmt.Sprint(a) < fmt.Sprint(b) }),
}

// compareErrors fails the test unless the errors are of the same kind, and the system's says what R25 asks for.
func (w *world) compareErrors(t TB, c call, got, want error) {
	if wanted := kinds(want); !slices.Equal(kinds(got), wanted) {
		t.Fatalf("%v:\n model: %v\nsystem: %v", c, want, got)
	}
	var refusal *sharing.Refusal
	isRefusal := errors.As(got, &refusal)
	if !w.lacks.has(Explanations) {
		return
	}
	if errors.Is(want, sharing.ErrInvalid) {
		if isRefusal {
			t.Fatalf("%v: bad input is no refusal (R25): %v", c, got)
		}
		return
	}
	rule := ruleOf[kinds(want)[0]]
	if c.Op == "Latest" && errors.Is(want, sharing.ErrImageNotFound) {
		rule = "R18"
	}
	switch {
	case !isRefusal:
		t.Fatalf("%v: no *sharing.Refusal (R25): %v", c, got)
	case refusal.Rule != rule || refusal.Op != c.Op || refusal.Actor != c.Actor || refusal.Subject == "" || refusal.Remedy == "":
		t.Fatalf("%v: not explained (R25): want rule %s, op and actor as called, a subject and a remedy: %+v", c, rule, *refusal)
	case w.lacks.has(Failures) && errors.Is(want, errStranger) && !errors.Is(got, errStranger):
		t.Fatalf("%v: the grantee check's own error is lost (R19): %v", c, got)
	}
}

// kinds returns the sentinels that an error is.
func kinds(err error) (kinds []error) {
	for kind := range ruleOf {
		if errors.Is(err, kind) {
			kinds = append(kinds, kind)
		}
	}
	if errors.Is(err, sharing.ErrInvalid) {
		kinds = append(kinds, sharing.ErrInvalid)
	}
	if err != nil && kinds == nil {
		kinds = []error{err}
	}
	return kinds
}

// without prints an error without the IDs that were asked for.
func without(err error, c call) string {
	if err == nil {
		return "no error"
	}
	text := err.Error()
	for _, id := range []string{string(c.Image), string(c.Instance), string(c.Deprecation.Replacement)} {
		if id != "" {
			text = strings.ReplaceAll(text, id, "ID")
		}
	}
	return text
}
