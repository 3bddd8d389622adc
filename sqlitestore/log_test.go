package sqlitestore_test

import (
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/logtest"
)

// TestR24_CursorOfADivergedCopy copies a file and lets both go on.
func TestR24_CursorOfADivergedCopy(t *testing.T) {
	original, copied := newScene(t), newFile(t)
	copyFile(t, original, copied)
	one, other := engineOn(t, openStore(t, original), "one"), engineOn(t, openStore(t, copied), "other")
	for _, e := range []*sharing.Engine{one, other} {
		if _, err := e.Register(t.Context(), "alice", sharing.ImageSpec{Region: "eu"}); err != nil {
			t.Fatal(err)
		}
	}
	logtest.Diverged(t, one, other, 8)
}
