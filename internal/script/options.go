package script

import (
	"fmt"
	"strings"
)

// options are the words key=value of a command, and those without a value.
type options map[string]string

// options reads the line's options, has use take those that it knows, and returns an error if any is left.
func (a args) options(use func(o options)) error {
	o := make(options)
	for _, word := range strings.Fields(a["OPTIONS"]) {
		key, value, _ := strings.Cut(word, "=")
		if _, twice := o[key]; twice {
			return nonsense{fmt.Errorf("%s is given twice", key)}
		}
		o[key] = value
	}
	use(o)
	for key := range o {
		return nonsense{fmt.Errorf("the option %s is unknown", key)}
	}
	return nil
}

// take returns an option's value.
func (o options) take(key string) string {
	value := o[key]
	delete(o, key)
	return value
}

// has tells whether a word is among the options.
func (o options) has(word string) bool {
	_, ok := o[word]
	delete(o, word)
	return ok
}

// labels returns the options label:KEY=VALUE; nil if there are none.
func (o options) labels() map[string]string {
	var labels map[string]string
	for key, value := range o {
		if name, ok := strings.CutPrefix(key, "label:"); ok {
			if labels == nil {
				labels = make(map[string]string)
			}
			labels[name] = value
			delete(o, key)
		}
	}
	return labels
}

// digest reads a digest, of which scenarios write one hexadecimal digit that stands for all 64.
func digest(digit string) string {
	if len(digit) != 1 {
		return digit
	}
	return "sha256:" + strings.Repeat(digit, 64)
}
