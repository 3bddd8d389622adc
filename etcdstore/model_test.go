package etcdstore

import (
	"flag"
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/sharingtest"
)

var long = flag.Bool("long", false, "run the long forms of the tests: use it with -timeout 0")

// engine opens engines on the shared server, on one client: the model suite opens thousands of stores.
func engine(t *testing.T) sharingtest.Open {
	client := newClient(t, server.endpoint)
	return sharingtest.Engine(func(t sharingtest.TB) sharing.Store {
		s, err := open(t.Context(), client, newPrefix())
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		t.Cleanup(func() { _ = s.Close() }) // it has no client of its own to fail
		return s
	})
}

func TestModel(t *testing.T) {
	setUnlessGiven(t, "rapid.checks", "3")
	sharingtest.Run(t, engine(t))
}

// setUnlessGiven sets a flag for a short test, unless it stands on the command line.
func setUnlessGiven(t *testing.T, name, value string) {
	given := *long
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if f := flag.Lookup(name); !given {
		before := f.Value.String()
		t.Cleanup(func() { _ = f.Value.Set(before) })
		if err := f.Value.Set(value); err != nil {
			t.Fatal(err)
		}
	}
}

// TestExhaustive tries every call in every state that few changes lead to: with -long three, else two.
func TestExhaustive(t *testing.T) {
	search := sharingtest.Search{Symmetric: true, Depth: 2}
	if *long {
		search.Depth = 3
	}
	for _, alphabet := range sharingtest.Alphabets {
		t.Run(alphabet.Name, func(t *testing.T) {
			t.Log(sharingtest.Explore(t, engine(t), alphabet, search))
		})
	}
}
