package sharing

import (
	"context"
	"sync"
	"time"
)

// CanUse returns nil if the actor may launch from the image in the region now, and otherwise the error that
// [Engine.Launch] would return, but with CanUse as a refusal's Op. It is the hot path: on the memory store, an allowed
// use allocates nothing.
func (e *Engine) CanUse(ctx context.Context, actor AccountID, image ImageID, region Region) error {
	k := useChecks.Get().(*useCheck)
	k.image, k.region = image, region
	k.m.op, k.m.actor, k.m.clock = "CanUse", actor, e.clock
	k.outside = e.nothingKnown()
	for {
		k.err, k.ran = nil, false
		err := e.store.View(ctx, k.decide)
		_, ended := err.(*Refusal)
		if err == nil {
			err, ended = decided(k.ran, k.err), k.ran
		}
		if err != nil || !k.inputValid {
			err = firstError(actor.Validate(), image.Validate(), region.Validate(), err)
		}
		if q, ok := err.(*question); ok {
			e.answer(ctx, actor, q, &k.outside)
			continue
		}
		if ended { // else it is not known: a store that breaks its contract may still run the closure, now or later
			useChecks.Put(k)
		}
		return named("CanUse", err)
	}
}

// A useCheck is a call of [Engine.CanUse]. It is kept for later calls, so that they need not allocate one.
type useCheck struct {
	m       moment
	outside outside
	image   ImageID
	region  Region
	decide  func(ViewTx) error
	ran     bool
	err     error
	// inputValid means, if err is nil, that the store holds the image in the region, and has the actor as its owner or
	// as a grantee that is an account. Only valid identifiers get into a store, so these need no other check.
	inputValid bool
}

var useChecks = sync.Pool{New: func() any {
	k := new(useCheck)
	k.decide = k.run
	k.m.outside = &k.outside
	return k
}}

func (k *useCheck) run(tx ViewTx) error {
	k.ran, k.m.at = true, time.Time{}
	access, trust, err := tx.Access(k.m.actor, k.outside.organizations, k.image)
	if err == nil {
		k.m.Trust = trust
		_, err = k.m.canUse(&access, k.image, k.region, "")
		k.inputValid = access.Image != nil && (access.Image.Owner == k.m.actor || access.Own.Exists && Grantee(k.m.actor).isAccount())
	}
	k.err = err
	return err
}
