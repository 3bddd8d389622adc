//go:build unix

package filestore

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What docs/STORES.md quotes stands here, word for word.
func TestDocsQuote(t *testing.T) {
	docs, err := os.ReadFile("../../docs/STORES.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	for _, file := range []string{"filestore.go", "journal.go", "filestore_test.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources.Write(text)
	}
	quotes := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(docs, -1)
	if len(quotes) == 0 {
		t.Error("docs/STORES.md quotes nothing")
	}
	for _, quote := range quotes {
		if !strings.Contains(sources.String(), string(quote[1])) {
			t.Errorf("docs/STORES.md quotes what is not there:\n%s", quote[1])
		}
	}
}
