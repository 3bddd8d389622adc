package script

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/imageshare/sharing"
)

// A command is a form that the lines of a scenario can have, and what it does.
//
// In the form, a word in capitals stands for any one word, and one that ends in … for one or more.
// Do answers with what came of it, nothing being "ok", or with the engine's error.
type command struct {
	form string
	do   func(w *world, a args) (string, error)

	match *regexp.Regexp
}

// args are the words that a line has in place of those in capitals.
type args map[string]string

func (a args) actor() sharing.AccountID      { return sharing.AccountID(a["ACTOR"]) }
func (a args) image() sharing.ImageID        { return sharing.ImageID(a["IMAGE"]) }
func (a args) instance() sharing.InstanceID  { return sharing.InstanceID(a["INSTANCE"]) }
func (a args) region() sharing.Region        { return sharing.Region(a["REGION"]) }
func (a args) grantees() []sharing.Grantee   { return grantees(a["GRANTEES"]) }
func (a args) accounts() []sharing.AccountID { return fields[sharing.AccountID](a["ACCOUNTS"]) }

// compile returns the commands, ready to match.
func compile(commands []command) []command {
	for i, c := range commands {
		words := strings.Fields(c.form)
		for j, word := range words {
			name := strings.TrimRight(word, "…?")
			mark := regexp.QuoteMeta(strings.TrimLeft(word[len(name):], "…"))
			switch {
			case name != strings.ToUpper(name):
				words[j] = regexp.QuoteMeta(word)
			case strings.Contains(word, "…"):
				words[j] = fmt.Sprintf(`(?P<%s>\S.*)`, name) + mark
			default:
				words[j] = fmt.Sprintf(`(?P<%s>\S+)`, name) + mark
			}
		}
		commands[i].match = regexp.MustCompile("^" + strings.Join(words, " ") + "$")
	}
	return commands
}

// find returns the first of the commands that line has the form of, and the words in it.
func find(commands []command, line string) (command, args, error) {
	for _, c := range commands {
		found := c.match.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		a := make(args)
		for i, name := range c.match.SubexpNames() {
			if name != "" {
				a[name] = found[i]
			}
		}
		return c, a, nil
	}
	return command{}, nil, fmt.Errorf("is no command")
}

// fields returns the words of text.
func fields[T ~string](text string) []T {
	var all []T
	for _, word := range strings.Fields(text) {
		all = append(all, T(word))
	}
	return all
}

// grantees reads accounts, organisations as org:ID, and the words everyone and nobody.
func grantees(text string) []sharing.Grantee {
	if text == "nobody" {
		return nil
	}
	all := fields[sharing.Grantee](text)
	for i, g := range all {
		if g == "everyone" {
			all[i] = sharing.Everyone
		}
	}
	return all
}
