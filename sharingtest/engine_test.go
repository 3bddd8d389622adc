package sharingtest_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
	"github.com/imageshare/sharing/sharingtest"
)

var engine = sharingtest.Engine(func(sharingtest.TB) sharing.Store { return memstore.New() })

func TestEngine(t *testing.T) { sharingtest.Run(t, engine) }

var full = flag.Bool("exhaustive.full", false, "search all states, and print how many there are: use it with -timeout 0")

// TestExhaustive tries every call in every state of small worlds: those that few changes lead to, but with
// -exhaustive.full all that there are.
func TestExhaustive(t *testing.T) {
	for _, alphabet := range sharingtest.Alphabets {
		t.Run(alphabet.Name, func(t *testing.T) {
			search := sharingtest.Search{Symmetric: true, Depth: 5}
			if *full {
				search = sharingtest.Search{Progress: progress(t)}
			}
			t.Log(sharingtest.Explore(t, engine, alphabet, search))
		})
	}
}

// progress prints the counts of a long search twice a minute.
func progress(t *testing.T) func(sharingtest.Explored) {
	printed := time.Now()
	return func(found sharingtest.Explored) {
		if time.Since(printed) > 30*time.Second {
			printed = time.Now()
			fmt.Printf("%s: %v\n", t.Name(), found)
		}
	}
}
