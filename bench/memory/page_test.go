package memory

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/memstore"
)

// BenchmarkPage lists the same thousand images, among more and more that there are. With the garbage collector mostly
// kept out, what is left is the library's own work:
//
//	GOGC=800 go test -C bench ./memory -run '^$' -bench Page -benchtime 30000x -count 3
func BenchmarkPage(b *testing.B) {
	const sees, account = 1000, sharing.AccountID("account-that-sees")
	for _, images := range []int{10_000, 100_000, 1_000_000} {
		w := world.Even(images, 0)
		for i := range sees {
			w.Images[i*(images/sees)].Grantees = []sharing.AccountID{account}
		}
		store, ctx := memstore.New(), b.Context()
		if err := w.Fill(ctx, store); err != nil {
			b.Fatal(err)
		}
		engine, err := sharing.New(store)
		if err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		b.Run(fmt.Sprint(images), func(b *testing.B) {
			cursor := ""
			for b.Loop() {
				page, next, err := engine.ImagesPage(ctx, account, sharing.ImageQuery{}, sharing.Page{Cursor: cursor, Limit: pageSize})
				if err != nil || len(page) != pageSize {
					b.Fatalf("a page of %d, error %v", len(page), err)
				}
				cursor = next
			}
		})
	}
}
