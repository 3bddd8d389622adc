package main

import (
	"os"
	"strings"
	"testing"
)

func Example() {
	main()
	// Output: refused by rule R6: replace its system disk from an image that the account may use
}

// TestREADME checks that the README shows this program.
func TestREADME(t *testing.T) {
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(program), "\n") // without its comment
	if !strings.Contains(string(readme), "```go\n"+code+"```\n") {
		t.Error("the README's program is not that of main.go")
	}
}
