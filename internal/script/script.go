// Package script plays scenarios: plain text in which accounts do things, with each answer indented under its command.
//
//	# Bob can't pass it on.
//	bob shares web with carol
//	    refused: Share web by bob: not the image's owner: ask the image's owner to do it (R1)
//
// A line that begins with # is a comment; every other line that is not indented is a command. The commands are listed
// in commands.go. The word with which a command names an image or an instance to be made becomes its ID.
package script

import (
	"context"
	"fmt"
	"strings"

	"github.com/imageshare/sharing"
)

// indent is what answers are indented by.
const indent = "    "

// Play plays a scenario from an empty store on, and returns its text with the answers that were given.
// Open opens an empty store: the scenario's own, and another for each replay of the log that it asks for.
//
// An error says that the scenario makes no sense; that a call is refused is an answer.
func Play(ctx context.Context, open func() (sharing.Store, error), text string) (string, error) {
	w, err := newWorld(ctx, open)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		line = strings.TrimRight(line, " \t")
		switch {
		case line == "", strings.HasPrefix(line, "#"):
			b.WriteString(line + "\n")
			continue
		case strings.HasPrefix(line, " "), strings.HasPrefix(line, "\t"):
			continue // the answer of before, which is given anew
		}
		answer, err := w.do(line)
		if err != nil {
			return "", fmt.Errorf("line %d, %q: %w", i+1, line, err)
		}
		b.WriteString(line + "\n")
		for _, said := range strings.Split(answer, "\n") {
			b.WriteString(indent + said + "\n")
		}
	}
	return b.String(), nil
}
