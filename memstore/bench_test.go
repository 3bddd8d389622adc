package memstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// A world is a number of images and shares, and a list of questions about them.
type world struct {
	images    []sharing.ImageRecord
	shares    [][]sharing.Share // of each image
	questions []question
}

type question struct {
	image   sharing.ImageID
	account sharing.AccountID
}

const benchRegion sharing.Region = "eu-west-1"

// mixed is how many shares images have in practice: most have none, few have many.
func mixed(rng *rand.Rand) int {
	switch p := rng.IntN(100); {
	case p < 80:
		return 0
	case p < 95:
		return 1 + rng.IntN(5)
	case p < 99:
		return 6 + rng.IntN(44)
	}
	return 50
}

func five(*rand.Rand) int { return 5 }

// newWorld returns a world of about the given number of shares. All questions are answered yes: they come from
// a random grantee of a random image, or from its owner if it has none. Their strings are not those of the records.
func newWorld(shares int, perImage func(*rand.Rand) int) *world {
	rng := rand.New(rand.NewPCG(1, 2))
	account := func() sharing.AccountID { return sharing.AccountID(fmt.Sprintf("%012d", rng.IntN(shares/5))) }
	w := new(world)
	for n := 0; n < shares; {
		rec := sharing.ImageRecord{Image: sharing.Image{
			ID:        sharing.ImageID(fmt.Sprintf("img-%016x", rng.Uint64())),
			Owner:     account(),
			Region:    benchRegion,
			CreatedAt: time.Unix(1_700_000_000, 0).UTC(),
		}}
		granted := make([]sharing.Share, perImage(rng))
		for i := range granted {
			granted[i] = sharing.Share{Image: rec.ID, Grantee: sharing.Account(account()), CreatedAt: rec.CreatedAt, UpdatedAt: rec.CreatedAt}
		}
		w.images = append(w.images, rec)
		w.shares = append(w.shares, granted)
		n += len(granted)
	}
	var text strings.Builder
	w.questions = make([]question, 1<<17)
	for i := range w.questions {
		n := rng.IntN(len(w.images))
		q := question{w.images[n].ID, w.images[n].Owner}
		if granted := w.shares[n]; len(granted) > 0 {
			q.account, _ = granted[rng.IntN(len(granted))].Grantee.Account()
		}
		w.questions[i] = q
		text.WriteString(string(q.image) + string(q.account))
	}
	rest := text.String()
	for i, q := range w.questions {
		a, b := len(q.image), len(q.image)+len(q.account)
		w.questions[i] = question{sharing.ImageID(rest[:a]), sharing.AccountID(rest[a:b])}
		rest = rest[b:]
	}
	return w
}

func (w *world) store(t testing.TB) *memstore.Store {
	s := memstore.New()
	for i, rec := range w.images {
		err := s.Update(context.Background(), func(tx sharing.UpdateTx) error {
			if err := tx.PutImage(rec); err != nil {
				return err
			}
			return tx.PutShares(w.shares[i])
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// A floor is the least that can answer the question: two maps under a lock.
type floor struct {
	mu     sync.RWMutex
	images map[sharing.ImageID]floorImage
	shares map[sharing.ShareKey]floorShare
}

type floorImage struct {
	owner  sharing.AccountID
	region sharing.Region
	state  sharing.ImageState
}

type floorShare struct {
	status  sharing.ShareStatus
	expires time.Time
}

func (w *world) floor() *floor {
	f := &floor{images: make(map[sharing.ImageID]floorImage), shares: make(map[sharing.ShareKey]floorShare)}
	for i, rec := range w.images {
		f.images[rec.ID] = floorImage{rec.Owner, rec.Region, rec.State}
		for _, s := range w.shares[i] {
			f.shares[sharing.ShareKey{Image: s.Image, Grantee: s.Grantee}] = floorShare{s.Status, s.Expires}
		}
	}
	return f
}

func (f *floor) canUse(q question, region sharing.Region, now time.Time) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	img, ok := f.images[q.image]
	if !ok || img.region != region || img.state == sharing.ImageDisabled {
		return false
	}
	if img.owner == q.account {
		return true
	}
	share, ok := f.shares[sharing.ShareKey{Image: q.image, Grantee: sharing.Account(q.account)}]
	return ok && share.status == sharing.ShareAccepted && (share.expires.IsZero() || share.expires.After(now))
}

// access asks the store what floor.canUse asks the maps.
func access(s *memstore.Store, q question, region sharing.Region, now time.Time) bool {
	allowed := false
	err := s.View(context.Background(), func(tx sharing.ViewTx) error {
		access, _, err := tx.Access(q.account, nil, q.image)
		if err != nil {
			return err
		}
		img, own := access.Image, &access.Own
		allowed = img != nil && img.DeletedAt.IsZero() && img.Region == region && img.State != sharing.ImageDisabled &&
			(img.Owner == q.account ||
				own.Exists && own.Status == sharing.ShareAccepted && (own.Expires.IsZero() || own.Expires.After(now)))
		return nil
	})
	return err == nil && allowed
}

// eachWorld runs a benchmark in worlds of growing size.
func eachWorld(b *testing.B, run func(b *testing.B, w *world)) {
	for _, kind := range []struct {
		name     string
		perImage func(*rand.Rand) int
	}{{"mixed", mixed}, {"five", five}} {
		for _, shares := range []int{10_000, 100_000, 1_000_000} {
			w := newWorld(shares, kind.perImage)
			b.Run(fmt.Sprintf("%s/%d", kind.name, shares), func(b *testing.B) { run(b, w) })
		}
	}
}

// BenchmarkAccess is the hot path: may this account use this image here, now? Its measure is BenchmarkFloor.
func BenchmarkAccess(b *testing.B) {
	eachWorld(b, func(b *testing.B, w *world) {
		s, now := w.store(b), time.Now()
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if !access(s, w.questions[i%len(w.questions)], benchRegion, now) {
				b.Fatal("refused")
			}
			i++
		}
	})
}

// BenchmarkFloor answers BenchmarkAccess's questions from two maps.
func BenchmarkFloor(b *testing.B) {
	eachWorld(b, func(b *testing.B, w *world) {
		f, now := w.floor(), time.Now()
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if !f.canUse(w.questions[i%len(w.questions)], benchRegion, now) {
				b.Fatal("refused")
			}
			i++
		}
	})
}

// BenchmarkMemory reports what a share takes in the store and in the two maps, images included.
func BenchmarkMemory(b *testing.B) {
	eachWorld(b, func(b *testing.B, w *world) {
		total := 0
		for _, granted := range w.shares {
			total += len(granted)
		}
		var kept any
		measure := func(build func() any) float64 {
			kept = nil
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			kept = build()
			runtime.GC()
			runtime.ReadMemStats(&after)
			return float64(after.HeapAlloc-before.HeapAlloc) / float64(total)
		}
		// The same images without shares: the difference is what the shares take.
		none := &world{images: w.images, shares: make([][]sharing.Share, len(w.images))}
		for b.Loop() {
			store, floor := measure(func() any { return w.store(b) }), measure(func() any { return w.floor() })
			storeImages, floorImages := measure(func() any { return none.store(b) }), measure(func() any { return none.floor() })
			b.ReportMetric(store-storeImages, "B/share")
			b.ReportMetric(floor-floorImages, "floor-B/share")
			b.ReportMetric(store, "all-B/share")
			b.ReportMetric(floor, "floor-all-B/share")
		}
		runtime.KeepAlive(kept)
	})
}

// BenchmarkShare adds a share and appends its event, as a transaction.
func BenchmarkShare(b *testing.B) {
	eachWorld(b, func(b *testing.B, w *world) {
		s, ctx := w.store(b), context.Background()
		rng := rand.New(rand.NewPCG(3, 4))
		now := time.Now().UTC()
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			i++
			id := w.images[rng.IntN(len(w.images))].ID
			granted := []sharing.Share{{Image: id, Grantee: sharing.Grantee(fmt.Sprintf("%012d", i)), CreatedAt: now, UpdatedAt: now}}
			err := s.Update(ctx, func(tx sharing.UpdateTx) error {
				if _, err := tx.Load(sharing.Need{Account: "owner", Image: id, Grantees: []sharing.Grantee{granted[0].Grantee}, PresentAt: now}); err != nil {
					return err
				}
				if err := tx.PutShares(granted); err != nil {
					return err
				}
				return tx.Append([]sharing.Event{{Operation: string(granted[0].Grantee), At: now, Actor: "owner", Kind: sharing.EventShared,
					Image: id, Sequence: 1, Shares: granted}})
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
