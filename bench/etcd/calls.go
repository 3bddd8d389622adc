package etcd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/etcdstore"
)

// The content of the cluster, besides the images and their shares.
const (
	shares  = 10_000
	renters = 20  // accounts with a page of instances and a page of images each
	limit   = 100 // of a page
)

func renter(n int) sharing.AccountID { return sharing.AccountID(fmt.Sprintf("renter-%02d", n%renters)) }

// A bench is the cluster with both ways to it.
type bench struct {
	world     *world.World
	questions []world.Question
	client    *clientv3.Client
	store     *etcdstore.Store
	engine    *sharing.Engine
}

func open(ctx context.Context, endpoint string) (*bench, error) {
	b := &bench{world: world.New(shares)}
	b.questions = b.world.Questions(world.Hit, 1<<14)
	var err error
	if b.client, err = clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop()}); err != nil {
		return nil, err
	}
	if b.store, err = etcdstore.Open(ctx, []string{endpoint}); err != nil {
		return nil, err
	}
	b.engine, err = sharing.New(b.store, sharing.WithPolicy(sharing.Policy{MaxShares: math.MaxInt32, MaxImages: math.MaxInt32}))
	return b, err
}

func (b *bench) close() error { return errors.Join(b.store.Close(), b.client.Close()) }

// fill fills an empty cluster.
func fill(ctx context.Context, endpoint string) (err error) {
	b, err := open(ctx, endpoint)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.world.Fill(ctx, b.store); err != nil {
		return err
	}
	image := b.world.Images[0]
	for n := range renters {
		err := b.store.Update(ctx, func(tx sharing.UpdateTx) error {
			for i := range limit {
				img := sharing.ImageRecord{Image: sharing.Image{
					ID: sharing.ImageID(fmt.Sprintf("own-%02d-%03d", n, i)), Owner: renter(n), Region: image.Region, CreatedAt: world.Created,
				}}
				vm := sharing.InstanceRecord{Instance: sharing.Instance{
					ID: sharing.InstanceID(fmt.Sprintf("vm-%02d-%03d", n, i)), Owner: renter(n), Region: image.Region, Image: image.ID,
					DiskGeneration: 1, LaunchedAt: world.Created,
				}}
				if err := errors.Join(tx.PutImage(img), tx.PutInstance(vm)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// question returns one that is answered yes: by its account the image may be launched.
func (b *bench) question(n int) world.Question { return b.questions[n%len(b.questions)] }

// image returns an image, another one for each n of many.
func (b *bench) image(n int) *world.Image { return &b.world.Images[n*7919%len(b.world.Images)] }

// contestants returns those that make a call, the bare client first.
func (b *bench) contestants(name string) []contest.Contestant {
	bare := bare{b.client}
	do := map[string][2]func(ctx context.Context, n int) error{
		check: {
			func(ctx context.Context, n int) error { return bare.check(ctx, b.question(n)) },
			func(ctx context.Context, n int) error {
				q := b.question(n)
				return b.engine.CanUse(ctx, q.Account, q.Image, q.Region)
			},
		},
		share: {
			func(ctx context.Context, n int) error { return bare.share(ctx, b.image(n), rand.Text()) },
			func(ctx context.Context, n int) error { return b.share(ctx, b.image(n), rand.Text()) },
		},
		hotShare: {
			func(ctx context.Context, _ int) error { return bare.share(ctx, b.image(0), rand.Text()) },
			func(ctx context.Context, _ int) error { return b.share(ctx, b.image(0), rand.Text()) },
		},
		launch: {
			func(ctx context.Context, n int) error { return bare.launch(ctx, b.question(n)) },
			func(ctx context.Context, n int) error { return b.launch(ctx, b.question(n)) },
		},
		hotLaunch: {
			func(ctx context.Context, _ int) error { return bare.launch(ctx, b.question(0)) },
			func(ctx context.Context, _ int) error { return b.launch(ctx, b.question(0)) },
		},
		instances: {
			func(ctx context.Context, n int) error { return bare.instances(ctx, string(renter(n))) },
			func(ctx context.Context, n int) error {
				page, _, err := b.engine.InstancesPage(ctx, renter(n), sharing.InstanceQuery{}, sharing.Page{Limit: limit})
				return complete(len(page), err)
			},
		},
		images: {
			func(ctx context.Context, n int) error { return bare.images(ctx, string(renter(n))) },
			func(ctx context.Context, n int) error {
				page, _, err := b.engine.ImagesPage(ctx, renter(n), sharing.ImageQuery{}, sharing.Page{Limit: limit})
				return complete(len(page), err)
			},
		},
	}
	return []contest.Contestant{{Name: nameBare, Do: do[name][0]}, {Name: nameLibrary, Do: do[name][1]}}
}

func (b *bench) share(ctx context.Context, img *world.Image, grantee string) error {
	_, err := b.engine.Share(ctx, img.Owner, img.ID, sharing.Grantee(grantee))
	return err
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
