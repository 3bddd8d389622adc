// Package golden compares the output of an example with a file in the example's testdata.
package golden

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write what is printed to testdata, to be read before it is committed")

// Check fails the test if got is not what the file holds. With -rewrite it writes the file instead.
func Check(t *testing.T, file, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the output is not that of %s (-want +got), see -rewrite:\n%s", file, diff)
	}
}
