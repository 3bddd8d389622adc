package sqlitestore_test

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/storetest"
)

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, func(b *testing.B) sharing.Store { return openStore(b, newFile(b)) })
}

var benchImages = flag.Int("bench.images", 2000, "how many images the benchmarks against the bare driver have")

// BenchmarkRatio measures the engine against the bare driver, in turns, by 1 to 64 callers at once. of-bare is how many calls
// the engine makes while the driver makes one; of-raw, the same where the driver reads records but does not decode them.
// Run it with -benchtime 20x: an iteration is a round of both.
func BenchmarkRatio(b *testing.B) {
	folder := b.TempDir()
	path := filepath.Join(folder, "engine.db")
	fill(b, path)
	var bares [2]*bare
	for i, raw := range []bool{false, true} {
		copied := filepath.Join(folder, fmt.Sprint("bare", i))
		copyFile(b, path, copied)
		bares[i] = openBare(b, copied, raw)
	}
	e, err := sharing.New(openStore(b, path), sharing.WithPolicy(sharing.Policy{MaxShares: 1 << 30, MaxImages: -1}))
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	var calls atomic.Int64
	some := func() (i int, image, owner, grantee string) {
		n := int(calls.Add(1))
		i = n * 7919 % *benchImages
		return n, benchImage(i), benchOwner(i), benchGrantee(i, n%5)
	}
	for _, call := range []struct {
		name   string
		bare   func(x *bare) error
		engine func() error
	}{
		{"Check",
			func(x *bare) error { _, image, _, grantee := some(); return x.check(grantee, image) },
			func() error {
				_, image, _, grantee := some()
				return e.CanUse(ctx, sharing.AccountID(grantee), sharing.ImageID(image), "eu")
			}},
		{"Page100",
			func(x *bare) error { _, _, owner, _ := some(); return x.page(owner) },
			func() error {
				_, _, owner, _ := some()
				items, _, err := e.ImagesPage(ctx, sharing.AccountID(owner), sharing.ImageQuery{}, sharing.Page{Limit: 100})
				if err == nil && len(items) != 100 {
					err = fmt.Errorf("a page has %d images", len(items))
				}
				return err
			}},
		{"Share",
			func(x *bare) error {
				n, image, owner, _ := some()
				return x.share(owner, image, fmt.Sprintf("new%023d", n))
			},
			func() error {
				n, image, owner, _ := some()
				_, err := e.Share(ctx, sharing.AccountID(owner), sharing.ImageID(image), sharing.Grantee(fmt.Sprintf("new%023d", n)))
				return err
			}},
		{"Launch",
			func(x *bare) error { _, image, _, grantee := some(); return x.launch(grantee, image) },
			func() error {
				_, image, _, grantee := some()
				_, err := e.Launch(ctx, sharing.AccountID(grantee), sharing.LaunchSpec{Image: sharing.ImageID(image), Region: "eu"})
				return err
			}},
	} {
		for _, callers := range []int{1, 2, 4, 8, 16, 32, 64} {
			b.Run(fmt.Sprintf("%s/callers=%d", call.name, callers), func(b *testing.B) {
				compare(b, callers, call.engine, func() error { return call.bare(bares[0]) }, func() error { return call.bare(bares[1]) })
			})
		}
	}
}

// compare makes calls of each kind in turns, and reports the times of a call and their ratios.
func compare(b *testing.B, callers int, kinds ...func() error) {
	const slice = 60 * time.Millisecond
	times := make([][]float64, len(kinds)) // ns per call, of each round
	for b.Loop() {
		for i, call := range kinds {
			times[i] = append(times[i], perCall(b, callers, slice, call))
		}
	}
	median := func(of func(round int) float64) float64 {
		var all []float64
		for round := range times[0] {
			all = append(all, of(round))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(func(r int) float64 { return times[0][r] }), "ns/call")
	b.ReportMetric(median(func(r int) float64 { return times[1][r] / times[0][r] }), "of-bare")
	b.ReportMetric(median(func(r int) float64 { return times[2][r] / times[0][r] }), "of-raw")
}

// perCall makes calls by several callers for a time, and returns how long one takes.
func perCall(b *testing.B, callers int, long time.Duration, call func() error) float64 {
	var made atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for range callers {
		all.Go(func() {
			for n := 0; n == 0 || time.Since(start) < long; n++ {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
				made.Add(1)
			}
		})
	}
	all.Wait()
	return float64(time.Since(start).Nanoseconds()) / float64(made.Load())
}

func benchImage(i int) string      { return fmt.Sprintf("image%021d", i) }
func benchOwner(i int) string      { return fmt.Sprintf("owner%07d", i%max(1, *benchImages/200)) }
func benchGrantee(i, j int) string { return fmt.Sprintf("grantee%06d%d", i, j) }

// fill makes a closed file with images of some owners, 200 each, with 5 grantees each.
func fill(b testing.TB, path string) {
	store := openStore(b, path)
	for from := 0; from < *benchImages; from += 500 {
		if err := store.Update(context.Background(), func(tx sharing.UpdateTx) error {
			for i := from; i < min(from+500, *benchImages); i++ {
				img := sharing.Image{
					ID: sharing.ImageID(benchImage(i)), Owner: sharing.AccountID(benchOwner(i)), Region: "eu", CreatedAt: noon,
					Name: "web server", Family: "web", Architecture: "x86_64", Size: 1 << 33, Labels: map[string]string{"tier": "web"},
					Digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
				}
				var shares []sharing.Share
				for j := range 5 {
					shares = append(shares, sharing.Share{Image: img.ID, Grantee: sharing.Grantee(benchGrantee(i, j)), CreatedAt: noon, UpdatedAt: noon})
				}
				if err := tx.PutImage(sharing.ImageRecord{Image: img}); err != nil {
					return err
				}
				if err := tx.PutShares(shares); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
}
