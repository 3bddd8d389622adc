package sharing

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// firstError returns the first error that is not nil.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// optional validates an identifier that may be left empty.
func optional[T interface {
	~string
	Validate() error
}](id T) error {
	if id == "" {
		return nil
	}
	return id.Validate()
}

// optionalField is optional for a field whose error has to be told from one about another identifier of the call (R25).
func optionalField(field, s string, reserved bool) error {
	if s == "" {
		return nil
	}
	return validName(field, s, reserved)
}

// The limits of texts, in bytes, and of labels, in number.
const (
	maxText        = 128 // names, families, architectures, label keys
	maxLabelValue  = 256
	maxDescription = 2048
	maxLabels      = 64
)

// validText checks a text of an image or instance: valid UTF-8 of at most limit bytes without control characters
// except those in allowed.
func validText(field, s string, limit int, allowed string) error {
	if len(s) > limit {
		return invalid(field, "is %d bytes long: at most %d are allowed", len(s), limit)
	}
	if !utf8.ValidString(s) {
		return invalid(field, "%s is not valid UTF-8", quoted(s))
	}
	for _, r := range s {
		if unicode.IsControl(r) && !strings.ContainsRune(allowed, r) {
			return invalid(field, "%s holds the control character %U, which is not allowed", quoted(s), r)
		}
	}
	return nil
}

func validDescription(s string) error { return validText("description", s, maxDescription, "\n\t") }

func validLabels(labels map[string]string) error {
	if len(labels) > maxLabels {
		return invalid("labels", "are %d: at most %d are allowed", len(labels), maxLabels)
	}
	for key, value := range labels {
		if err := validText("label key", key, maxText, ""); err != nil {
			return err
		}
		if err := validText("label value", value, maxLabelValue, ""); err != nil {
			return err
		}
	}
	return nil
}

const digestPrefix = "sha256:"

// validDigest checks the content digest of an image: empty, or "sha256:" followed by at least one character, within the
// bounds of an identifier. It is compared, never interpreted.
func validDigest(s string) error {
	if s == "" {
		return nil
	}
	if rest, ok := strings.CutPrefix(s, digestPrefix); !ok || rest == "" {
		return invalid("digest", "%s is not a digest: give %q and the content's hash in hexadecimal digits, or nothing", quoted(s), digestPrefix)
	}
	return validName("digest", s, false)
}

// validExpected checks the digest that a caller expects of an image. A digest that no image can have is a
// mismatch, not bad input (R11).
func validExpected(digest string) error { return validText("expected digest", digest, maxText, "") }

// quoted quotes what a caller gave, shortened so that an error stays one readable line.
func quoted(s string) string {
	const most = 64
	if len(s) > most {
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}
