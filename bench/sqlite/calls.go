package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/sqlitestore"
)

// The content of a file, besides the images and their shares.
const (
	publishers = 20 // accounts with a page of images each
	limit      = 100
)

func publisher(n int) sharing.AccountID {
	return sharing.AccountID(fmt.Sprintf("publisher-%02d", n%publishers))
}

// A bench is a file with the same content for each contestant: one that shares its
// connections finds their pages in the caches more often.
type bench struct {
	world       *world.World
	questions   []world.Question
	bare, bytes *bare
	store       *sqlitestore.Store
	engine      *sharing.Engine
}

func bareFile(folder string) string    { return filepath.Join(folder, "bare.db") }
func bytesFile(folder string) string   { return filepath.Join(folder, "bytes.db") }
func libraryFile(folder string) string { return filepath.Join(folder, "library.db") }

// open opens the files in a folder, once they were filled.
func open(ctx context.Context, folder string, w *world.World) (*bench, error) {
	b := &bench{world: w, questions: w.Questions(world.Hit, 1<<14)}
	var err error
	if b.bare, err = openBare(bareFile(folder)); err != nil {
		return nil, err
	}
	if b.bytes, err = openBare(bytesFile(folder)); err != nil {
		return nil, err
	}
	if b.store, err = sqlitestore.Open(ctx, libraryFile(folder)); err != nil {
		return nil, err
	}
	b.engine, err = sharing.New(b.store, sharing.WithPolicy(sharing.Policy{MaxShares: 1 << 30, MaxImages: 1 << 30}))
	return b, err
}

func (b *bench) close() error { return errors.Join(b.bare.close(), b.bytes.close(), b.store.Close()) }

// fill makes a file.
func fill(ctx context.Context, file string, w *world.World) error {
	store, err := sqlitestore.Open(ctx, file)
	if err != nil {
		return err
	}
	if err := w.Fill(ctx, store); err != nil {
		return errors.Join(err, store.Close())
	}
	err = store.Update(ctx, func(tx sharing.UpdateTx) error {
		for n := range publishers * limit {
			if err := tx.PutImage(sharing.ImageRecord{Image: sharing.Image{
				ID: sharing.ImageID(fmt.Sprintf("published-%06d", n*7919%(publishers*limit))), Owner: publisher(n), Region: world.Region(0),
				Name: "web server", Family: "web", Architecture: "x86_64", Size: 1 << 33, Labels: map[string]string{"tier": "web"},
				Digest:    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
				CreatedAt: world.Created,
			}}); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, store.Close())
}

// question returns one that is answered yes: by its account the image may be launched.
func (b *bench) question(n int) world.Question { return b.questions[n%len(b.questions)] }

// image returns an image, another one for each n of many.
func (b *bench) image(n int) *world.Image { return &b.world.Images[n*7919%len(b.world.Images)] }

// contestants returns those that make a call, the bare driver first. No two of who make the same changes.
func (b *bench) contestants(name, who string) []contest.Contestant {
	newcomer := func(n int) string { return fmt.Sprintf("%s-%d", who, n) }
	bytes := func(do func(context.Context, int) error) contest.Contestant {
		return contest.Contestant{Name: nameBytes, Do: do}
	}
	two := func(bare, library func(context.Context, int) error) []contest.Contestant {
		return []contest.Contestant{{Name: nameBare, Do: bare}, {Name: nameLibrary, Do: library}}
	}
	switch name {
	case check:
		return append(two(
			func(_ context.Context, n int) error { return b.bare.check(b.question(n), true) },
			func(ctx context.Context, n int) error {
				q := b.question(n)
				return b.engine.CanUse(ctx, q.Account, q.Image, q.Region)
			}),
			bytes(func(_ context.Context, n int) error { return b.bytes.check(b.question(n), false) }))
	case share:
		return two(
			func(ctx context.Context, n int) error { return b.bare.share(ctx, b.image(n), newcomer(n)) },
			func(ctx context.Context, n int) error {
				img := b.image(n)
				_, err := b.engine.Share(ctx, img.Owner, img.ID, sharing.Grantee(newcomer(n)))
				return err
			})
	case launch:
		return two(
			func(ctx context.Context, n int) error { return b.bare.launch(ctx, b.question(n)) },
			func(ctx context.Context, n int) error { return b.launch(ctx, b.question(n)) })
	case hot, hotInTwo:
		return two(
			func(ctx context.Context, _ int) error { return b.bare.launch(ctx, b.question(0)) },
			func(ctx context.Context, _ int) error { return b.launch(ctx, b.question(0)) })
	}
	return append(two(
		func(_ context.Context, n int) error { return complete(b.bare.page(publisher(n), true)) },
		func(ctx context.Context, n int) error {
			items, _, err := b.engine.ImagesPage(ctx, publisher(n), sharing.ImageQuery{}, sharing.Page{Limit: limit})
			return complete(items, err)
		}),
		bytes(func(_ context.Context, n int) error { return complete(b.bytes.page(publisher(n), false)) }))
}

func (b *bench) launch(ctx context.Context, q world.Question) error {
	_, err := b.engine.Launch(ctx, q.Account, sharing.LaunchSpec{Image: q.Image, Region: q.Region})
	return err
}

// complete checks a page.
func complete[T any](page []T, err error) error {
	if err == nil && len(page) != limit {
		err = fmt.Errorf("a page of %d", len(page))
	}
	return err
}
