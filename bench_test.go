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
