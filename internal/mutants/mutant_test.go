package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each mutant applies to the code as it is now, and each rule and invariant has one. That the tests kill them is
// for the command to show, since that takes minutes.
func TestMutantsApply(t *testing.T) {
	mutants, err := list()
	if err != nil {
		t.Fatal(err)
	}
	names, broken := map[string]bool{}, map[string]bool{}
	for _, m := range mutants {
		if names[m.name] {
			t.Errorf("%s: two mutants have this name", m.name)
		}
		names[m.name] = true
		rules := strings.Fields(m.rules())
		if len(rules) == 0 {
			t.Errorf("%s: breaks no rule", m.name)
		}
		for _, rule := range rules {
			broken[rule] = true
		}
		text, err := os.ReadFile(filepath.Join("..", "..", m.file))
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if mutated, err := m.apply(string(text)); err != nil {
			t.Errorf("%s: %v", m.name, err)
		} else if mutated == string(text) {
			t.Errorf("%s: changes nothing", m.name)
		}
	}
	const rules, invariants = 29, 15
	var wanted []string
	for i := range rules {
		wanted = append(wanted, fmt.Sprint("R", i+1))
	}
	for i := range invariants {
		wanted = append(wanted, fmt.Sprint("I", i+1))
	}
	for _, rule := range wanted {
		if !broken[rule] {
			t.Errorf("no mutant breaks %s", rule)
		}
	}
	for rule := range broken {
		if !slices.Contains(wanted, rule) {
			t.Errorf("a mutant breaks %s, which there is not", rule)
		}
	}
	t.Logf("%d mutants", len(mutants))
}

func TestFirstFailure(t *testing.T) {
	for output, want := range map[string]string{
		"--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\n--- FAIL: TestC (0.00s)\n": "TestA/b",
		"panic: test timed out after 1s\n\trunning tests:\n\t\tTestA (1s)\n":                "TestA (never ends)",
		"fatal error: all goroutines are asleep - deadlock!\n":                              "(the program died)",
	} {
		if got := firstFailure(output); got != want {
			t.Errorf("got %q of %q, want %q", got, output, want)
		}
	}
}
