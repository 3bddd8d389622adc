package sharing_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/script"
	"github.com/imageshare/sharing/memstore"
)

var rewrite = flag.Bool("rewrite", false, "write the scenarios' answers anew, to be read before they are committed")

// TestScenarios plays testdata/scenarios: the FAQ and the rules as accounts live through them.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no scenarios: ", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			played, err := script.Play(t.Context(), func() (sharing.Store, error) { return memstore.New(), nil }, string(text))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(played), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(text), played); diff != "" {
				t.Errorf("%s answers otherwise (-want +got), see -rewrite:\n%s", file, diff)
			}
		})
	}
}
