package sharing_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/imageshare/sharing"
)

// FuzzIdentifiers compares Validate with the rule as its text has it.
func FuzzIdentifiers(f *testing.F) {
	for _, s := range []string{"", "a", "a:b", "*", "org:x", "ä", "\xff", "a\u00a0b", strings.Repeat("x", 129)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		plain := len(s) >= 1 && len(s) <= 128 && utf8.ValidString(s) &&
			!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) })
		unreserved := plain && !strings.ContainsAny(s, ":*")
		check := func(kind string, err error, valid bool) {
			if valid != (err == nil) || err != nil && !errors.Is(err, sharing.ErrInvalid) {
				t.Errorf("%s %q: got %v, want valid %v", kind, s, err, valid)
			}
		}
		check("image", sharing.ImageID(s).Validate(), plain)
		check("instance", sharing.InstanceID(s).Validate(), plain)
		check("region", sharing.Region(s).Validate(), plain)
		check("account", sharing.AccountID(s).Validate(), unreserved)
		check("organization", sharing.OrganizationID(s).Validate(), unreserved)
		organization, isOrganization := strings.CutPrefix(s, "org:")
		check("grantee", sharing.Grantee(s).Validate(), s == "*" || unreserved ||
			isOrganization && sharing.OrganizationID(organization).Validate() == nil)
	})
}

// FuzzPageCursor: whatever is given as a cursor is refused, or gives the account what it sees anyway, and never panics.
func FuzzPageCursor(f *testing.F) {
	f.Add("", "b")
	f.Add("WyJpZC0wMDAxIl0.00", "b")
	f.Fuzz(func(t *testing.T, cursor, actor string) {
		w := newWorld(t)
		shown, hidden := w.image("owner"), w.image("owner")
		w.share("owner", shown, "b")
		items, _, err := w.ImagesPage(t.Context(), sharing.AccountID(actor), sharing.ImageQuery{}, sharing.Page{Cursor: cursor})
		if err != nil && !errors.Is(err, sharing.ErrInvalid) {
			t.Fatalf("got %v", err)
		}
		for _, img := range items {
			if actor != "owner" && (img.ID == hidden || actor != "b") {
				t.Fatalf("%q sees %v through the cursor %q", actor, img.ID, cursor)
			}
		}
	})
}
