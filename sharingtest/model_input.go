package sharingtest

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/imageshare/sharing"
)

// What a call may be given, by itself: the rules' sections "Identifiers and pages" and "Texts".

// identifier reports whether s is 1 to 128 bytes of valid UTF-8 without control characters, spaces and those reserved.
func identifier[T ~string](s T, reserved string) bool {
	return s != "" && len(s) <= 128 && utf8.ValidString(string(s)) && !strings.ContainsFunc(string(s), func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(reserved, r)
	})
}

func okAccount(id sharing.AccountID) bool   { return identifier(id, ":*") }
func okImage(id sharing.ImageID) bool       { return identifier(id, "") }
func okInstance(id sharing.InstanceID) bool { return identifier(id, "") }
func okRegion(r sharing.Region) bool        { return identifier(r, "") }

// okGrantees judges grantees to share with (toShare), or to take shares from.
// Without a directory nothing is shared with an organisation (R19).
func (m *Model) okGrantees(grantees []sharing.Grantee, toShare bool) bool {
	for _, g := range grantees {
		org, isOrg := strings.CutPrefix(string(g), "org:")
		switch {
		case g == sharing.Everyone:
		case isOrg && (!identifier(org, ":*") || toShare && m.setup.Directory == nil):
			return false
		case !isOrg && !identifier(g, ":*"):
			return false
		}
	}
	return true
}

func okText(s string, most int, allowed string) bool {
	return len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && !strings.ContainsRune(allowed, r)
	})
}

func okName(s string) bool        { return okText(s, 128, "") }
func okDescription(s string) bool { return okText(s, 2048, "\n\t") }

func okLabels(labels map[string]string) bool {
	for key, value := range labels {
		if !okName(key) || !okText(value, 256, "") {
			return false
		}
	}
	return len(labels) <= 64
}

func okDigest(s string) bool {
	return s == "" || len(s) > len("sha256:") && strings.HasPrefix(s, "sha256:") && identifier(s, "")
}

func okSpec(s sharing.ImageSpec) bool {
	return okName(s.Name) && okDescription(s.Description) && okName(s.Family) && okName(s.Architecture) &&
		(s.Region == "" || okRegion(s.Region)) && okDigest(s.Digest) && s.Size >= 0 && okLabels(s.Labels)
}

func okUpdate(u sharing.ImageUpdate) bool {
	return (u.Name == nil || okName(*u.Name)) && (u.Description == nil || okDescription(*u.Description)) &&
		(u.Family == nil || okName(*u.Family)) && okLabels(u.Labels)
}

// okExpiry: an expiry is in the future, and before the year 10000 (R15).
func okExpiry(expires, now time.Time) bool {
	return expires.IsZero() || expires.After(now) && expires.UTC().Year() <= 9999
}

func okTrust(t sharing.Trust) bool {
	return len(slices.Compact(slices.Sorted(slices.Values(t.Owners)))) <= 1000 && !slices.ContainsFunc(t.Owners, func(o sharing.AccountID) bool { return !okAccount(o) })
}
