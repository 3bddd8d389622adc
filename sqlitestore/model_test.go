package sqlitestore_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/sharingtest"
	"github.com/imageshare/sharing/sqlitestore"
)

// memoryFolder returns a folder that is in memory if the system has such, for tests that open many stores and
// ask nothing of the disk.
func memoryFolder(t sharingtest.TB) string {
	in := "/dev/shm"
	if info, err := os.Stat(in); err != nil || !info.IsDir() {
		in = ""
	}
	folder, err := os.MkdirTemp(in, "sqlitestore")
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// newEngine opens the engine on new stores. They are copies of one that is new and empty, which is quicker than to make each.
func newEngine(t *testing.T) sharingtest.Open {
	folder := memoryFolder(t)
	path := filepath.Join(folder, "empty.db")
	empty, err := sqlitestore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := empty.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var recent []func()
	return sharingtest.Engine(func(t sharingtest.TB) sharing.Store {
		n++
		path := filepath.Join(folder, fmt.Sprint(n))
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatalf("%v", err)
		}
		store, err := sqlitestore.Open(context.Background(), path)
		if err != nil {
			t.Fatalf("%v", err)
		}
		done := func() {
			if err := store.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			os.Remove(path)
		}
		t.Cleanup(done)
		// A search opens thousands within one test, and needs only the last few.
		if recent = append(recent, done); len(recent) > 8 {
			recent[0]()
			recent = recent[1:]
		}
		return store
	})
}

func TestModel(t *testing.T) { sharingtest.Run(t, newEngine(t)) }

var depth = flag.Int("exhaustive.depth", 3, "how many changes from empty the exhaustive search goes; 0: through all states")

// TestExhaustive tries every call in every state of small worlds that few changes lead to.
func TestExhaustive(t *testing.T) {
	for _, alphabet := range sharingtest.Alphabets {
		t.Run(alphabet.Name, func(t *testing.T) {
			t.Parallel()
			printed := time.Now()
			t.Log(sharingtest.Explore(t, newEngine(t), alphabet, sharingtest.Search{
				Symmetric: true, Depth: *depth, Progress: func(found sharingtest.Explored) {
					if time.Since(printed) > time.Minute {
						printed = time.Now()
						fmt.Printf("%s: %v\n", t.Name(), found)
					}
				}}))
		})
	}
}
