package memory

import (
	"context"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/memstore"
)

// A library is this library: an engine without limits on a memory store.
type library struct {
	ctx    context.Context
	engine *sharing.Engine
}

func newLibrary(ctx context.Context, w *world.World) (*library, error) {
	store := memstore.New()
	if err := w.Fill(ctx, store); err != nil {
		return nil, err
	}
	engine, err := sharing.New(store, sharing.WithPolicy(sharing.Policy{MaxShares: -1, MaxImages: -1}))
	return &library{ctx, engine}, err
}

func (l *library) allowed(q world.Question) bool {
	return l.engine.CanUse(l.ctx, q.Account, q.Image, q.Region) == nil
}

func (l *library) share(owner sharing.AccountID, image sharing.ImageID, grantee sharing.Grantee) error {
	_, err := l.engine.Share(l.ctx, owner, image, grantee)
	return err
}

func (l *library) unshare(owner sharing.AccountID, image sharing.ImageID, grantee sharing.Grantee) error {
	return l.engine.Unshare(l.ctx, owner, image, grantee)
}

func (l *library) launch(q world.Question) (sharing.InstanceID, error) {
	inst, err := l.engine.Launch(l.ctx, q.Account, sharing.LaunchSpec{Image: q.Image, Region: q.Region})
	return inst.ID, err
}

func (l *library) capture(account sharing.AccountID, instance sharing.InstanceID) error {
	_, err := l.engine.Capture(l.ctx, account, instance, sharing.ImageSpec{})
	return err
}
