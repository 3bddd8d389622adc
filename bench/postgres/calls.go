package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/pgstore"
)

// The content of the database, besides the images and their shares.
const (
	shares  = 10_000
	renters = 20  // accounts with a page of instances each
	limit   = 100 // of a page
)

func renter(n int) sharing.AccountID { return sharing.AccountID(fmt.Sprintf("renter-%02d", n%renters)) }

// A bench is the database with both ways to it.
type bench struct {
	world     *world.World
	questions []world.Question
	pool      *pgxpool.Pool
	store     *pgstore.Store
	engine    *sharing.Engine
}

func open(ctx context.Context, dsn string) (*bench, error) {
	b := &bench{world: world.New(shares)}
	b.questions = b.world.Questions(world.Hit, 1<<14)
	var err error
	if b.store, err = pgstore.Open(ctx, dsn); err != nil {
		return nil, err
	}
	if b.engine, err = sharing.New(b.store, sharing.WithPolicy(sharing.Policy{MaxShares: 1 << 30, MaxImages: 1 << 30})); err != nil {
		return nil, err
	}
	if b.pool, err = pgxpool.New(ctx, dsn+bareSettings); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *bench) close() {
	b.pool.Close()
	_ = b.store.Close()
}

// fill fills an empty database, and lets the server know what is in it.
func fill(ctx context.Context, dsn string) error {
	b, err := open(ctx, dsn)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.world.Fill(ctx, b.store); err != nil {
		return err
	}
	image := b.world.Images[0]
	for n := range renters {
		err := b.store.Update(ctx, func(tx sharing.UpdateTx) error {
			for i := range limit {
				rec := sharing.InstanceRecord{Instance: sharing.Instance{
					ID: sharing.InstanceID(fmt.Sprintf("vm-%02d-%03d", n, i)), Owner: renter(n), Region: image.Region, Image: image.ID,
					DiskGeneration: 1, LaunchedAt: world.Created,
				}}
				if err := tx.PutInstance(rec); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	// A log too, since a server that finds a table empty plans to read it from end to end.
	for _, sql := range []string{
		`INSERT INTO sharing.events SELECT nextval('sharing.positions'), 1, 'op-' || id || n, id, owner, n, json_build_object('Image', id, 'Sequence', n)
			FROM sharing.images, generate_series(1, 4) n`,
		"VACUUM ANALYZE", "CHECKPOINT",
	} {
		if _, err := b.pool.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// question returns one that is answered yes: by its account the image may be launched.
func (b *bench) question(n int) world.Question { return b.questions[n%len(b.questions)] }

// image returns an image, another one for each n of many.
func (b *bench) image(n int) *world.Image { return &b.world.Images[n*7919%len(b.world.Images)] }

// contestants returns those that make a call, the bare driver first.
func (b *bench) contestants(name string, callers int) []contest.Contestant {
	bare := bare{b.pool}
	newcomer := func(who string, n int) string { return fmt.Sprintf("%s-%d-%d", who, callers, n) }
	do := map[string][2]func(ctx context.Context, n int) error{
		check: {
			func(ctx context.Context, n int) error { return bare.check(ctx, b.question(n)) },
			func(ctx context.Context, n int) error {
				q := b.question(n)
				return b.engine.CanUse(ctx, q.Account, q.Image, q.Region)
			},
		},
		share: {
			func(ctx context.Context, n int) error { return bare.share(ctx, b.image(n), newcomer(nameBare, n)) },
			func(ctx context.Context, n int) error {
				img := b.image(n)
				_, err := b.engine.Share(ctx, img.Owner, img.ID, sharing.Grantee(newcomer(nameLibrary, n)))
				return err
			},
		},
		launch: {
			func(ctx context.Context, n int) error { return bare.launch(ctx, b.question(n)) },
			func(ctx context.Context, n int) error { return b.launch(ctx, b.question(n)) },
		},
		hot: {
			func(ctx context.Context, _ int) error { return bare.launch(ctx, b.question(0)) },
			func(ctx context.Context, _ int) error { return b.launch(ctx, b.question(0)) },
		},
		page: {
			func(ctx context.Context, n int) error { return bare.page(ctx, renter(n)) },
			func(ctx context.Context, n int) error {
				items, _, err := b.engine.InstancesPage(ctx, renter(n), sharing.InstanceQuery{}, sharing.Page{Limit: limit})
				return complete(len(items), err)
			},
		},
	}
	do[hotInTwo] = do[hot]
	return []contest.Contestant{{Name: nameBare, Do: do[name][0]}, {Name: nameLibrary, Do: do[name][1]}}
}

func (b *bench) launch(ctx context.Context, q world.Question) error {
	_, err := b.engine.Launch(ctx, q.Account, sharing.LaunchSpec{Image: q.Image, Region: q.Region})
	return err
}

// complete checks a page.
func complete(items int, err error) error {
	if err == nil && items != limit {
		err = fmt.Errorf("a page of %d", items)
	}
	return err
}
