package sharing_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

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

// A question is one that the benchmarks ask: may the account use the image?
type askedUse struct {
	image   sharing.ImageID
	account sharing.AccountID
}

// fill shares images with five grantees each, shares in all, and returns questions that are all answered yes.
func fill(b *testing.B, shares int, image func(id sharing.ImageID, grantees []sharing.AccountID)) []askedUse {
	b.Helper()
	const each = 5
	r := rand.New(rand.NewPCG(1, uint64(shares)))
	images := shares / each
	questions := make([]askedUse, 0, 1<<16)
	accounts := make([]sharing.AccountID, 7000)
	for i := range accounts {
		accounts[i] = sharing.AccountID(fmt.Sprintf("account-%08d", i))
	}
	for i := range images {
		id := sharing.ImageID(fmt.Sprintf("img-%012d", i))
		grantees := make([]sharing.AccountID, each)
		at := r.IntN(len(accounts) - each)
		copy(grantees, accounts[at:])
		image(id, grantees)
		if len(questions) < cap(questions) || r.IntN(images) < cap(questions) {
			q := askedUse{image: id, account: grantees[r.IntN(each)]}
			if len(questions) < cap(questions) {
				questions = append(questions, q)
			} else {
				questions[r.IntN(len(questions))] = q
			}
		}
	}
	r.Shuffle(len(questions), func(i, j int) { questions[i], questions[j] = questions[j], questions[i] })
	return questions
}

var benchSizes = []int{10_000, 100_000, 1_000_000}

// BenchmarkCanUse measures an allowed check, at random, on the memory store; BenchmarkFloor is the measure for it.
func BenchmarkCanUse(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprint("shares=", size), func(b *testing.B) {
			store := memstore.New()
			var next sharing.ImageID
			e, err := sharing.New(store, sharing.WithPolicy(sharing.Policy{MaxImages: -1}), sharing.WithIDs(func() string { return string(next) }))
			if err != nil {
				b.Fatal(err)
			}
			ctx := context.Background()
			questions := fill(b, size, func(id sharing.ImageID, grantees []sharing.AccountID) {
				next = id
				if _, err := e.Register(ctx, "owner", sharing.ImageSpec{Region: "region-1"}); err != nil {
					b.Fatal(err)
				}
				with := make([]sharing.Grantee, len(grantees))
				for i, account := range grantees {
					with[i] = sharing.Account(account)
				}
				if _, err := e.Share(ctx, "owner", id, with...); err != nil {
					b.Fatal(err)
				}
			})
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				q := &questions[i%len(questions)]
				i++
				if err := e.CanUse(ctx, q.account, q.image, "region-1"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParallel measures checks at once, with -cpu 1,2: readers do not hold up one another.
func BenchmarkParallel(b *testing.B) {
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

// BenchmarkFloor measures the least that a check can be: two Go maps under a lock.
func BenchmarkFloor(b *testing.B) {
	type image struct {
		owner  sharing.AccountID
		region sharing.Region
		state  sharing.ImageState
	}
	type key struct {
		image   sharing.ImageID
		account sharing.AccountID
	}
	type share struct {
		status  sharing.ShareStatus
		expires time.Time
	}
	for _, size := range benchSizes {
		b.Run(fmt.Sprint("shares=", size), func(b *testing.B) {
			var mu sync.RWMutex
			images := make(map[sharing.ImageID]image)
			shares := make(map[key]share)
			questions := fill(b, size, func(id sharing.ImageID, grantees []sharing.AccountID) {
				images[id] = image{owner: "owner", region: "region-1"}
				for _, account := range grantees {
					shares[key{id, account}] = share{}
				}
			})
			allowed := func(q *askedUse) bool {
				mu.RLock()
				defer mu.RUnlock()
				img, ok := images[q.image]
				if !ok || img.state == sharing.ImageDisabled || img.region != "region-1" {
					return false
				}
				if img.owner == q.account {
					return true
				}
				s, ok := shares[key{q.image, q.account}]
				return ok && s.status == sharing.ShareAccepted && s.expires.IsZero()
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				q := &questions[i%len(questions)]
				i++
				if !allowed(q) {
					b.Fatal("refused")
				}
			}
		})
	}
}
