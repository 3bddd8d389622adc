package main

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

// A mutant is a small fault: lines of a file, and those to put in their place.
type mutant struct {
	name   string
	breaks string // the rules and invariants, a colon, and what goes wrong
	file   string
	tests  []string // the packages whose tests are to kill it, the likeliest first
	old    []string
	new    []string
}

// defaultTests are the packages whose tests are to kill a mutant that names no others.
var defaultTests = []string{".", "./sharingtest", "./memstore"}

//go:embed *.txt
var lists embed.FS

// list reads the mutants. Each begins with its head:
//
//	mutant NAME
//	breaks RULES: what goes wrong
//	file PATH
//	tests PACKAGE...    (where they are not the usual ones)
//
// Then come lines as in a patch: those to be replaced after '-', the new ones after '+', and after a space
// those that stay. How far lines are indented means nothing. A line that begins with '#' is a comment.
func list() ([]mutant, error) {
	files, err := lists.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var mutants []mutant
	for _, file := range files {
		text, err := lists.ReadFile(file.Name())
		if err != nil {
			return nil, err
		}
		for number, line := range strings.Split(string(text), "\n") {
			word, rest, _ := strings.Cut(line, " ")
			if word == "mutant" {
				mutants = append(mutants, mutant{name: rest, tests: defaultTests})
			}
			if line == "" || line[0] == '#' || word == "mutant" {
				continue
			}
			if len(mutants) == 0 || !mutants[len(mutants)-1].add(line, word, rest) {
				return nil, fmt.Errorf("%s:%d: %q makes no sense", file.Name(), number+1, line)
			}
		}
	}
	return mutants, nil
}

// add adds a line of the list to the mutant.
func (m *mutant) add(line, word, rest string) bool {
	code := strings.TrimSpace(line[1:])
	switch {
	case line[0] == '-':
		m.old = append(m.old, code)
	case line[0] == '+':
		m.new = append(m.new, code)
	case line[0] == ' ':
		m.old, m.new = append(m.old, code), append(m.new, code)
	case word == "breaks":
		m.breaks = rest
	case word == "file":
		m.file = rest
	case word == "tests":
		m.tests = strings.Fields(rest)
	default:
		return false
	}
	return true
}

// rules are the rules and invariants that the mutant breaks.
func (m mutant) rules() string {
	rules, _, _ := strings.Cut(m.breaks, ":")
	return rules
}

// apply makes the replacement in the text of the mutant's file. The lines to be replaced must be there exactly once.
func (m mutant) apply(text string) (string, error) {
	lines := strings.Split(text, "\n")
	trimmed := make([]string, len(lines))
	for i, line := range lines {
		trimmed[i] = strings.TrimSpace(line)
	}
	at, n := -1, 0
	for i := range trimmed {
		if i+len(m.old) <= len(trimmed) && slices.Equal(trimmed[i:i+len(m.old)], m.old) {
			at, n = i, n+1
		}
	}
	if n != 1 || len(m.old) == 0 {
		return "", fmt.Errorf("no longer applies: its lines are %d times in %s", n, m.file)
	}
	return strings.Join(slices.Replace(lines, at, at+len(m.old), m.new...), "\n"), nil
}
