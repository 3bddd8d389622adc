package storetest

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/imageshare/sharing"
)

// An engineRead is a call of the engine that changes nothing.
type engineRead struct {
	name string
	make func(ctx context.Context, e *sharing.Engine, s *scene) error
}

// all reads a listing to its end.
func all[T any](items iter.Seq2[T, error]) error {
	for _, err := range items {
		if err != nil {
			return err
		}
	}
	return nil
}

var engineReads = []engineRead{
	{"Image", func(ctx context.Context, e *sharing.Engine, s *scene) error { return second(e.Image(ctx, s.me, s.img)) }},
	{"Instance", func(ctx context.Context, e *sharing.Engine, s *scene) error {
		return second(e.Instance(ctx, s.me, s.vm))
	}},
	{"Images", func(ctx context.Context, e *sharing.Engine, s *scene) error {
		return all(e.Images(ctx, s.owner, sharing.ImageQuery{}))
	}},
	{"Shares", func(ctx context.Context, e *sharing.Engine, s *scene) error {
		return all(e.Shares(ctx, s.owner, s.img))
	}},
	{"SharesReceived", func(ctx context.Context, e *sharing.Engine, s *scene) error {
		return all(e.SharesReceived(ctx, s.me, sharing.ShareQuery{}))
	}},
	{"SharesGiven", func(ctx context.Context, e *sharing.Engine, s *scene) error {
		return all(e.SharesGiven(ctx, s.owner, sharing.ShareQuery{}))
	}},
	{"Instances", func(ctx context.Context, e *sharing.Engine, s *scene) error {
		return all(e.Instances(ctx, s.me, sharing.InstanceQuery{}))
	}},
	{"Trust", func(ctx context.Context, e *sharing.Engine, s *scene) error { return second(e.Trust(ctx, s.me)) }},
	{"CanUse", func(ctx context.Context, e *sharing.Engine, s *scene) error { return e.CanUse(ctx, s.me, s.img, here) }},
	{"UnshareImpact", func(ctx context.Context, e *sharing.Engine, s *scene) error {
		return second(e.UnshareImpact(ctx, s.owner, s.img, sharing.Account(s.me)))
	}},
	{"DeleteImpact", func(ctx context.Context, e *sharing.Engine, s *scene) error {
		return second(e.DeleteImpact(ctx, s.owner, s.img))
	}},
	{"Exposure", func(ctx context.Context, e *sharing.Engine, s *scene) error {
		return second(e.Exposure(ctx, s.owner, s.img))
	}},
	{"Events", func(ctx context.Context, e *sharing.Engine, s *scene) error {
		return all(e.Events(ctx, sharing.EventQuery{}))
	}},
	{"DryRun", func(ctx context.Context, e *sharing.Engine, s *scene) error {
		return second(e.DryRun().Launch(ctx, s.me, sharing.LaunchSpec{Image: s.img, Region: here}))
	}},
}

// testFaultyReads makes each read fail at each of the store's answers: it ends with that
// error, never with less than all.
func testFaultyReads(c *check) {
	s := c.newScene()
	before := s.evidence()
	for _, call := range engineReads {
		if err := call.make(c.ctx, s.healthy, s); err != nil {
			c.Errorf("%s failed on a store without faults: %v", call.name, err)
		}
		for n := 0; n < 100; n++ {
			fault := Fault{Kind: FailCall, Call: n, Err: errInjected}
			if n == 0 {
				fault.Kind = FailBefore
			}
			s.faulty.Inject(fault)
			err := call.make(c.ctx, s.throughIt, s)
			if !s.faulty.Heal() {
				if n < 2 {
					c.Errorf("storetest: %s asked the store for nothing", call.name)
				}
				break
			}
			if !errors.Is(err, errInjected) {
				c.Errorf("R27: %s: what can't be read ends in the store's error; when call %d failed it answered %v", call.name, n, err)
			}
		}
	}
	s.neverPermitted()
	if after := s.evidence(); after != before {
		c.Errorf("a read changed something (-before +after):\n%s", difference(after, before))
	}
}

// neverPermitted asks, of a store that fails, for what a rule refuses.
func (s *scene) neverPermitted() {
	for n := range 10 {
		for _, account := range []sharing.AccountID{s.guest, sharing.AccountID(s.prefix + "stranger")} {
			fault := Fault{Kind: FailCall, Call: n, Err: errInjected}
			if n == 0 {
				fault.Kind = FailBefore
			}
			s.faulty.Inject(fault)
			if s.throughIt.CanUse(s.ctx, account, s.img, here) == nil {
				s.Errorf("R27: CanUse permitted %s what a rule refuses, when call %d of the store failed", account, n)
			}
			s.faulty.Heal()
		}
	}
}

// testReplay writes the log of some scenes into a new store, which then holds what the first one holds (R24).
func testReplay(c *check, fresh *check) {
	for _, call := range engineCalls {
		s := c.newScene()
		_, _ = call.make(c.ctx, s.healthy, s) // some are refused
	}
	log := c.allEvents(c.store)
	events := func(yield func(sharing.Event, error) bool) {
		for _, ev := range log {
			if !yield(ev, nil) {
				return
			}
		}
	}
	for _, to := range []sharing.Store{fresh.store, fresh.reference} {
		if err := sharing.Replay(c.ctx, to, events); err != nil {
			c.Fatalf("R24: replaying the log failed: %v", err)
		}
	}
	const promise = "R24: replaying the log gives the state, in any store"
	var owners []sharing.AccountID
	for _, ev := range log {
		if !slices.Contains(owners, ev.Actor) {
			owners = append(owners, ev.Actor)
		}
	}
	for _, c.stores = range [][]sharing.Store{{c.store}, {fresh.store}} {
		c.reference = fresh.reference
		same(c, promise, func(tx sharing.ViewTx) ([]sharing.Access, error) {
			return listImages(tx, sharing.ImageScan{Limit: many})
		})
		for _, owner := range owners {
			c.sameLoad(promise, sharing.Need{Account: owner, Trust: true, ImagesIn: here})
			for _, scan := range []sharing.ShareScan{{Owner: owner, Limit: many}, {Grantee: sharing.Account(owner), Limit: many}} {
				same(c, promise, func(tx sharing.ViewTx) ([]sharing.SharedImage, error) { return listShares(tx, scan) })
			}
			same(c, promise, func(tx sharing.ViewTx) ([]*sharing.InstanceRecord, error) {
				return listInstances(tx, sharing.InstanceScan{Owner: owner, Limit: many})
			})
		}
	}
	c.equal("R24: replaying the log gives the log", fresh.allEvents(fresh.store), log)
}
