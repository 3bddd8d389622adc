package sharing_test

import (
	"context"
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// CanUse is the hot path: on the memory store an allowed use allocates nothing.
func TestCanUse_AllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool drop what it keeps")
	}
	w := newWorld(t)
	img := w.image("owner")
	w.share("owner", img, "b", sharing.Everyone)
	ctx := context.Background()
	for _, actor := range []sharing.AccountID{"owner", "b", "anyone"} {
		if n := testing.AllocsPerRun(100, func() {
			if err := w.CanUse(ctx, actor, img, "r1"); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("a check for %s allocates %v times, want 0", actor, n)
		}
	}
}

// BenchmarkCanUse measures checks; with -cpu 1,2, checks at once, which do not hold up one another.
func BenchmarkCanUse(b *testing.B) {
	ctx := context.Background()
	e, err := sharing.New(memstore.New())
	if err != nil {
		b.Fatal(err)
	}
	img, err := e.Register(ctx, "owner", sharing.ImageSpec{Region: "r"})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := e.Share(ctx, "owner", img.ID, "b"); err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := e.CanUse(ctx, "b", img.ID, "r"); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
