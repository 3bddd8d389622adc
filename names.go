package sharing

import (
	"encoding/json"
	"fmt"
	"slices"
)

// names holds the texts of an enumeration: first the name of the type, then those of its values, from 0 up.
type names []string

// name returns the text of a value. A value without a text is named by its number.
func (n names) name(value uint8) string {
	if known := n[1:]; int(value) < len(known) {
		return known[value]
	}
	return fmt.Sprintf("%s(%d)", n[0], value)
}

func (n names) marshal(value uint8) ([]byte, error) {
	if int(value) >= len(n)-1 {
		return nil, fmt.Errorf("%s is unknown", n.name(value))
	}
	return []byte(n.name(value)), nil
}

func (n names) unmarshal(text []byte, value *uint8) error {
	i := slices.Index(n[1:], string(text))
	if i < 0 {
		return invalid(n[0], "%s is unknown: use one of %q", quoted(string(text)), n[1:])
	}
	*value = uint8(i)
	return nil
}

// unmarshalJSON also accepts the number of a value. It does not check that the number has a name; it never did.
func (n names) unmarshalJSON(text []byte, value *uint8) error {
	if len(text) > 0 && text[0] != '"' {
		return json.Unmarshal(text, value)
	}
	var name string
	if err := json.Unmarshal(text, &name); err != nil {
		return err
	}
	return n.unmarshal([]byte(name), value)
}
