package sharing

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// An AccountID names an account: a tenant that owns images and instances, and makes calls.
// It is an identifier (see [AccountID.Validate]) and holds neither ':' nor '*'.
type AccountID string

// An ImageID names a custom image. The engine generates it and never uses it again, not even
// after the image is deleted (R8).
type ImageID string

// An InstanceID names an instance. The engine generates it and never uses it again.
type InstanceID string

// An OrganizationID names an organisation of accounts, as the [Directory] knows it.
// It is an identifier and holds neither ':' nor '*'.
type OrganizationID string

// A Region names the place where an image and the instances made from it live (R4).
type Region string

// maxIdentifier is the length limit of every identifier, in bytes.
const maxIdentifier = 128

// Validate returns an error wrapping [ErrInvalid] unless id is 1 to 128 bytes of valid UTF-8
// without control characters, spaces, ':' and '*'.
func (id AccountID) Validate() error { return validName("account ID", string(id), true) }

// Validate returns an error wrapping [ErrInvalid] unless id is 1 to 128 bytes of valid UTF-8
// without control characters and spaces.
func (id ImageID) Validate() error { return validName("image ID", string(id), false) }

// Validate returns an error wrapping [ErrInvalid] unless id is 1 to 128 bytes of valid UTF-8
// without control characters and spaces.
func (id InstanceID) Validate() error { return validName("instance ID", string(id), false) }

// Validate returns an error wrapping [ErrInvalid] unless id is 1 to 128 bytes of valid UTF-8
// without control characters, spaces, ':' and '*'.
func (id OrganizationID) Validate() error { return validName("organization ID", string(id), true) }

// Validate returns an error wrapping [ErrInvalid] unless r is 1 to 128 bytes of valid UTF-8
// without control characters and spaces.
func (r Region) Validate() error { return validName("region", string(r), false) }

// A Grantee is the party that a share reaches: one account, written as its ID; every account of an organisation,
// written as "org:" and the organisation's ID; or every account there is, written as "*".
//
// Make one with [Account], [Organization] or [Everyone]. A plain conversion, Grantee(text), and JSON decoded into a
// Grantee, accept "*" from whoever supplied the text, and so may make an image public.
type Grantee string

// Everyone is the grantee of a public share: it reaches every account (R19).
const Everyone Grantee = "*"

const organizationPrefix = "org:"

// Account returns the grantee for the single account id. An ID with ':' or '*', which no account has, yields a grantee
// that is not valid, and never an organisation or [Everyone].
func Account(id AccountID) Grantee {
	if hasReserved(string(id)) {
		return Grantee(":" + id)
	}
	return Grantee(id)
}

// Organization returns the grantee for every account of the organisation id (R19).
func Organization(id OrganizationID) Grantee { return Grantee(organizationPrefix + string(id)) }

// Account returns the account that g names, and whether it names one.
func (g Grantee) Account() (AccountID, bool) {
	if !mayName(string(g)) {
		return "", false
	}
	return AccountID(g), true
}

// Organization returns the organisation that g names, and whether it names one.
func (g Grantee) Organization() (OrganizationID, bool) {
	id, ok := strings.CutPrefix(string(g), organizationPrefix)
	if !ok || !mayName(id) {
		return "", false
	}
	return OrganizationID(id), true
}

// mayName reports whether s, if it is valid otherwise, names an account or an organisation.
func mayName(s string) bool { return s != "" && !hasReserved(s) }

// hasReserved reports whether s holds one of the characters that distinguish the kinds of grantee.
func hasReserved(s string) bool {
	return strings.IndexByte(s, ':') >= 0 || strings.IndexByte(s, '*') >= 0
}

// isAccount reports whether g, which was found in a store and therefore is valid, is an account.
func (g Grantee) isAccount() bool {
	return g != Everyone && !strings.HasPrefix(string(g), organizationPrefix)
}

// Validate returns an error wrapping [ErrInvalid] unless g is [Everyone], a valid [AccountID],
// or "org:" and a valid [OrganizationID].
func (g Grantee) Validate() error {
	if g == Everyone {
		return nil
	}
	if id, ok := strings.CutPrefix(string(g), organizationPrefix); ok {
		return OrganizationID(id).Validate()
	}
	return validName("grantee", string(g), true)
}

// validName checks an identifier. In names of accounts and organisations ':' and '*' are reserved, so
// that a [Grantee] is unambiguous.
func validName(field, s string, reserved bool) error {
	if s == "" {
		return invalid(field, "is empty: give 1 to %d bytes", maxIdentifier)
	}
	if len(s) > maxIdentifier {
		return invalid(field, "is %d bytes long: at most %d are allowed", len(s), maxIdentifier)
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7f || reserved && (c == ':' || c == '*') {
			return unusualName(field, s, reserved)
		}
	}
	return nil
}

// unusualName is validName for a string that is more than plain ASCII, or wrong.
func unusualName(field, s string, reserved bool) error {
	if !utf8.ValidString(s) {
		return invalid(field, "%s is not valid UTF-8", quoted(s))
	}
	for _, r := range s {
		switch {
		case unicode.IsControl(r):
			return invalid(field, "%s holds the control character %U: none is allowed", quoted(s), r)
		case unicode.IsSpace(r):
			return invalid(field, "%s holds the space %U: none is allowed", quoted(s), r)
		case reserved && (r == ':' || r == '*'):
			return invalid(field, "%s holds %q: ':' and '*' are reserved", quoted(s), r)
		}
	}
	return nil
}
