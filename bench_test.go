package sharing_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// BenchmarkShare measures a share with one grantee, event and all, on the memory store; every 50th time the image changes.
func BenchmarkShare(b *testing.B) {
	e, err := sharing.New(memstore.New(), sharing.WithPolicy(sharing.Policy{MaxImages: -1}))
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	grantees := make([]sharing.Grantee, 50)
	for i := range grantees {
		grantees[i] = sharing.Grantee(fmt.Sprintf("account-%08d", i))
	}
	var image sharing.ImageID
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i%len(grantees) == 0 {
			b.StopTimer()
			img, err := e.Register(ctx, "owner", sharing.ImageSpec{Region: "r"})
			if err != nil {
				b.Fatal(err)
			}
			image = img.ID
			b.StartTimer()
		}
		if _, err := e.Share(ctx, "owner", image, grantees[i%len(grantees)]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// A share with one grantee takes few allocations, even if it is the first of its owner, its image and its grantee.
func TestShare_Allocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool drop what it keeps")
	}
	const runs, most = 100, 12
	type ask struct {
		owner   sharing.AccountID
		image   sharing.ImageID
		grantee []sharing.Grantee
	}
	w := newWorld(t)
	var asks []ask
	for i := range 1 + runs { // the first warms up
		owner := sharing.AccountID(fmt.Sprint("owner-", i))
		asks = append(asks, ask{owner, w.image(owner), []sharing.Grantee{sharing.Grantee(fmt.Sprint("friend-", i))}})
	}
	ctx := t.Context()
	if n := testing.AllocsPerRun(runs, func() {
		if _, err := w.Share(ctx, asks[0].owner, asks[0].image, asks[0].grantee...); err != nil {
			t.Fatal(err)
		}
		asks = asks[1:]
	}); n > most {
		t.Errorf("a share takes %v allocations, want at most %d", n, most)
	}
}
