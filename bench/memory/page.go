package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/memstore"
)

const (
	pageSize  = 100
	caseSees  = "that the account sees, of a million"
	caseAmong = "that there are, of which it sees 1,000"

	nameLookups = "walk with look-ups"
)

// runPages is W4: pages of 100 images, one after the other, for accounts that see few and
// many; then for accounts that see a thousand, among few images and among many.
func runPages(ctx context.Context, scale contest.Scale) (rows []contest.Row, err error) {
	for _, images := range contest.Pick(scale, []int{1000}, []int{10_000, 100_000}, []int{10_000, 100_000}) {
		a, err := newAlbum(ctx, images, 1000, []int{1000})
		if err != nil {
			return nil, err
		}
		results, err := a.contest(ctx, scale, 1000)
		if err != nil {
			return nil, err
		}
		rows = append(rows, contest.Rows(caseAmong, images, 0, results)...)
	}
	images := contest.Pick(scale, 10_000, 1_000_000, 1_000_000)
	sees := []int{10, 1000, images / 10}
	a, err := newAlbum(ctx, images, images/10, sees)
	if err != nil {
		return nil, err
	}
	var seen []contest.Row
	for _, n := range sees {
		results, err := a.contest(ctx, scale, n)
		if err != nil {
			return nil, err
		}
		seen = append(seen, contest.Rows(caseSees, n, 0, results)...)
		if n == 1000 {
			rows = append(rows, contest.Rows(caseAmong, images, 0, results)...)
		}
	}
	return append(rows, seen...), nil
}

// An album is many images, some of which are shared with accounts that each see the same
// number of them. The accounts that see few are so many that together they see as much as
// one that sees many: what is read is as cold or warm for each.
type album struct {
	engine  *sharing.Engine
	walk    *walk
	lookups *lookups
	memdb   *memdbWorld
	shared  int
}

// A walk is the floor: what each account sees, in a sorted slice.
type walk struct {
	mu   sync.RWMutex
	sees map[sharing.AccountID][]*sharing.Image
}

// A lookups is a walk as well, over IDs: each image and each share is kept once, in a map, whoever
// sees it, so that a change of an image need not be made in the slice of everyone who sees it.
type lookups struct {
	mu     sync.RWMutex
	sees   map[sharing.AccountID][]sharing.ImageID
	images map[sharing.ImageID]*sharing.Image
	shares map[sharing.ShareKey]floorShare
}

// seer returns the i-th of the accounts that see n images.
func seer(n, i int) sharing.AccountID { return sharing.AccountID(fmt.Sprintf("sees-%d-%d", n, i)) }

func newAlbum(ctx context.Context, images, shared int, sees []int) (*album, error) {
	w := world.Even(images, 0)
	a := &album{walk: &walk{sees: make(map[sharing.AccountID][]*sharing.Image)}, shared: shared}
	a.lookups = &lookups{sees: make(map[sharing.AccountID][]sharing.ImageID), images: make(map[sharing.ImageID]*sharing.Image)}
	for i := range shared {
		img := &w.Images[i*(images/shared)]
		for _, n := range sees {
			img.Grantees = append(img.Grantees, seer(n, i/n))
		}
	}
	store := memstore.New()
	err := store.Update(ctx, func(tx sharing.UpdateTx) error {
		for i := range w.Images {
			rec := w.Images[i].Record()
			rec.Name, rec.Family, rec.Architecture, rec.Size = fmt.Sprintf("web server %d", i), "web", "x86_64", 8<<30
			if err := tx.PutImage(rec); err != nil {
				return err
			}
			if err := tx.PutShares(w.Images[i].Records()); err != nil {
				return err
			}
			again := rec.Image
			a.lookups.images[rec.ID] = &again
			img := rec.Image
			for _, g := range w.Images[i].Grantees {
				a.walk.sees[g] = append(a.walk.sees[g], &img)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.lookups.shares = newFloor(w).shares
	for account, seen := range a.walk.sees {
		slices.SortFunc(seen, func(a, b *sharing.Image) int { return cmp.Compare(a.ID, b.ID) })
		for _, img := range seen {
			a.lookups.sees[account] = append(a.lookups.sees[account], img.ID)
		}
	}
	if a.engine, err = sharing.New(store); err != nil {
		return nil, err
	}
	if a.memdb, err = newMemdb(w); err != nil {
		return nil, err
	}
	return a, a.memdb.complete(maps.Values(a.walk.sees))
}

// contest lets the contestants give pages to accounts that see n images each.
func (a *album) contest(ctx context.Context, scale contest.Scale, n int) ([]contest.Result, error) {
	o := contest.Options{Rounds: contest.Pick(scale, 1, 15, 41), Slice: contest.Pick(scale, time.Millisecond, 40*time.Millisecond, 50*time.Millisecond)}
	return contest.Run(ctx, o,
		a.reader("walk over a sorted slice", n, func(_ context.Context, account sharing.AccountID, after string) ([]sharing.Image, string, error) {
			page := a.walk.page(account, sharing.ImageID(after))
			return page, nextOf(page), nil
		}),
		a.reader(nameLookups, n, func(_ context.Context, account sharing.AccountID, after string) ([]sharing.Image, string, error) {
			page := a.lookups.page(account, sharing.ImageID(after))
			return page, nextOf(page), nil
		}),
		a.reader(nameLibrary, n, func(ctx context.Context, account sharing.AccountID, after string) ([]sharing.Image, string, error) {
			return a.engine.ImagesPage(ctx, account, sharing.ImageQuery{}, sharing.Page{Cursor: after, Limit: pageSize})
		}),
		a.reader(nameMemdb, n, func(_ context.Context, account sharing.AccountID, after string) ([]sharing.Image, string, error) {
			page, err := a.memdb.page(account, after)
			return page, nextOf(page), err
		}),
	)
}

// reader reads page after page, account after account.
func (a *album) reader(name string, n int, read func(ctx context.Context, account sharing.AccountID, after string) ([]sharing.Image, string, error)) contest.Contestant {
	accounts := make([]sharing.AccountID, a.shared/n)
	for i := range accounts {
		accounts[i] = seer(n, i)
	}
	account, seen, after := 0, 0, ""
	return contest.Contestant{Name: name, Do: func(ctx context.Context, _ int) error {
		page, next, err := read(ctx, accounts[account], after)
		if err != nil {
			return err
		}
		if len(page) != min(n, pageSize) || page[0].Size != 8<<30 {
			return fmt.Errorf("a page of %d of the %d images that %s sees, after %d", len(page), n, accounts[account], seen)
		}
		if seen += len(page); seen == n {
			account, seen, next = (account+1)%len(accounts), 0, ""
		}
		after = next
		return nil
	}}
}

func nextOf(page []sharing.Image) string {
	if len(page) == 0 {
		return ""
	}
	return string(page[len(page)-1].ID)
}

// page returns copies, as the library does: what the caller does with them concerns nobody else.
func (w *walk) page(account sharing.AccountID, after sharing.ImageID) []sharing.Image {
	w.mu.RLock()
	defer w.mu.RUnlock()
	seen := w.sees[account]
	from, found := slices.BinarySearchFunc(seen, after, func(img *sharing.Image, id sharing.ImageID) int { return cmp.Compare(img.ID, id) })
	if found {
		from++
	}
	seen = seen[from:min(len(seen), from+pageSize)]
	page := make([]sharing.Image, len(seen))
	for i, img := range seen {
		page[i] = *img
		page[i].Labels = maps.Clone(img.Labels)
	}
	return page
}

func (l *lookups) page(account sharing.AccountID, after sharing.ImageID) []sharing.Image {
	l.mu.RLock()
	defer l.mu.RUnlock()
	seen := l.sees[account]
	from, found := slices.BinarySearch(seen, after)
	if found {
		from++
	}
	page := make([]sharing.Image, 0, min(len(seen)-from, pageSize))
	for _, id := range seen[from:] {
		if len(page) == cap(page) {
			break
		}
		img := l.images[id]
		share, ok := l.shares[sharing.ShareKey{Image: id, Grantee: sharing.Account(account)}]
		if ok && img.State == sharing.ImageAvailable && share.status == sharing.ShareAccepted && share.expires.IsZero() {
			page = append(page, *img)
			page[len(page)-1].Labels = maps.Clone(img.Labels)
		}
	}
	return page
}
