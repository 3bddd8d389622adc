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

// TestExhaustive tries every call in every state: of the smallest worlds, and in larger ones of those that few changes
// lead to; with -exhaustive.full in all states of the larger ones.
func TestExhaustive(t *testing.T) {
	for _, alphabet := range sharingtest.Alphabets {
		t.Run(alphabet.Name, func(t *testing.T) {
			if *full {
				t.Log(sharingtest.Explore(t, engine, alphabet, sharingtest.Search{Progress: progress(t)}))
				return
			}
			t.Log(sharingtest.Explore(t, engine, alphabet.Small(), sharingtest.Search{Symmetric: true}))
			t.Log(sharingtest.Explore(t, engine, alphabet, sharingtest.Search{Symmetric: true, Depth: 4}))
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
