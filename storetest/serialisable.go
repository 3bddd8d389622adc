package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// overlap is how long a transaction waits, inside its closure, for the others of a race to have read too.
// It need not be met: a store that runs one transaction after the other never lets them meet, and is right.
const overlap = 15 * time.Millisecond

// A guard is a condition that a transaction reads, and a write that makes it false for those that come after.
type guard struct {
	name string
	free func(tx sharing.ViewTx) (bool, error)
	take func(tx sharing.UpdateTx, racer int) error
}

// testSerialisable lets transactions race, all of which read that something is not there, and then put it there.
// If each reads what all before it wrote, one of them finds it free and all others taken.
// It does so for each thing that can be read: a store that locks or checks too little fails here, not by luck.
func testSerialisable(t *testing.T, open opener) {
	for _, g := range guards {
		t.Run(g.name, func(t *testing.T) {
			c := newCheck(t, open)
			c.write(image("img", "owner"), image("src", "owner"))
			c.race(g)
		})
	}
	t.Run("WriteSkew", func(t *testing.T) { testWriteSkew(newCheck(t, open)) })
	t.Run("Uncommitted", func(t *testing.T) { testUncommitted(newCheck(t, open)) })
	t.Run("OneInstant", func(t *testing.T) { testOneInstant(newCheck(t, open)) })
}

var errTaken = errors.New("taken")

func (c *check) race(g guard) {
	const racers = 3
	m := newMeeting(racers)
	var won, lost atomic.Int32
	c.together(racers, func(i int) error {
		meet := sync.OnceFunc(m.wait)
		err := c.handle(i).Update(c.ctx, func(tx sharing.UpdateTx) error {
			free, err := g.free(tx)
			meet()
			if err != nil {
				return err
			}
			if !free {
				return errTaken
			}
			return g.take(tx, i)
		})
		switch {
		case err == nil:
			won.Add(1)
		case errors.Is(err, errTaken):
			lost.Add(1)
			return nil
		}
		return err
	})
	if !c.Failed() && won.Load() != 1 {
		c.Errorf("the contract asks: transactions read what all before them wrote; of %d transactions that each change %s only if nobody did, %d did", racers, g.name, won.Load())
	}
	free := read(c, c.store, g.free)
	if free && !c.Failed() {
		c.Errorf("the contract asks: what Update committed is there; %s is as it was", g.name)
	}
}

// together runs fn n times at once, and fails the test if one fails.
func (c *check) together(n int, fn func(i int) error) {
	c.Helper()
	var all sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		all.Go(func() { errs[i] = fn(i) })
	}
	c.within("transactions that run at once all end", func() error {
		all.Wait()
		return errors.Join(errs...)
	})
}

// A meeting lets goroutines wait for each other, but not for long.
type meeting struct {
	missing atomic.Int32
	full    chan struct{}
}

func newMeeting(n int) *meeting {
	m := &meeting{full: make(chan struct{})}
	m.missing.Store(int32(n))
	return m
}

func (m *meeting) wait() {
	if m.missing.Add(-1) == 0 {
		close(m.full)
	}
	select {
	case <-m.full:
	case <-time.After(overlap):
	}
}

// underWay begins an Update of store and returns when its closure has run fn. The closure ends with fn's error
// once end is called, or soon, since a store may keep others waiting until then. end returns the Update's error.
func (c *check) underWay(store sharing.Store, fn func(sharing.UpdateTx) error) (end func() error) {
	m := newMeeting(2)
	ran, ended := make(chan struct{}), make(chan error, 1)
	meet := sync.OnceFunc(func() {
		close(ran)
		m.wait()
	})
	go func() {
		err := store.Update(c.ctx, func(tx sharing.UpdateTx) error {
			err := fn(tx)
			meet()
			return err
		})
		meet() // if the closure never ran
		ended <- err
	}()
	<-ran
	return func() error {
		m.wait()
		return <-ended
	}
}

// loads returns a guard's free that asks one Load.
func loads(need sharing.Need, free func(sharing.State) bool) func(sharing.ViewTx) (bool, error) {
	return func(tx sharing.ViewTx) (bool, error) {
		state, err := tx.Load(need)
		return free(state), err
	}
}

// finds returns a guard's free that asks one scan.
func finds[T any](scan func(tx sharing.ViewTx) ([]T, error)) func(sharing.ViewTx) (bool, error) {
	return func(tx sharing.ViewTx) (bool, error) {
		found, err := scan(tx)
		return len(found) == 0, err
	}
}

// puts returns a guard's take that puts what a racer brings.
func puts[T any](bring func(racer string) T) func(sharing.UpdateTx, int) error {
	return func(tx sharing.UpdateTx, racer int) error { return put(tx, bring(fmt.Sprint("racer", racer))) }
}

var (
	putImage    = puts(func(r string) sharing.ImageRecord { return image(sharing.ImageID(r), "me") })
	putShare    = puts(func(r string) sharing.Share { return share("img", sharing.Grantee(r)) })
	putInstance = puts(func(r string) sharing.InstanceRecord { return instance(sharing.InstanceID(r), "me", "img") })
	putEvent    = puts(func(r string) sharing.Event { return event("op", "me", "img", 1) })
	putDerived  = puts(func(r string) sharing.ImageRecord {
		rec := image(sharing.ImageID(r), "me")
		rec.Source.Image = "src"
		return rec
	})
	putDeleted = puts(func(string) sharing.ImageRecord { return deleted(image("img", "owner")) })
)

var guards = []guard{
	{"Load's ImagesOwned", loads(sharing.Need{Account: "me", ImagesIn: here}, func(s sharing.State) bool { return s.ImagesOwned == 0 }), putImage},
	{"Load's PresentShares", loads(sharing.Need{Account: "owner", Image: "img", PresentAt: noon}, func(s sharing.State) bool { return s.PresentShares == 0 }), putShare},
	{"Load's Shares", loads(sharing.Need{Account: "owner", Image: "img", AllShares: true}, func(s sharing.State) bool { return len(s.Shares) == 0 }), putShare},
	{"Load's Shares with grantees", loads(sharing.Need{Image: "img", Grantees: []sharing.Grantee{"g"}}, func(s sharing.State) bool { return len(s.Shares) == 0 }),
		puts(func(string) sharing.Share { return share("img", "g") })},
	{"Load's OwnInstances", loads(sharing.Need{Account: "me", Image: "img", OwnInstances: true}, func(s sharing.State) bool { return s.OwnInstances == 0 }), putInstance},
	{"Load's Operation", loads(sharing.Need{Operation: "op"}, func(s sharing.State) bool { return len(s.Operation) == 0 }), putEvent},
	{"Load's Sequence", loads(sharing.Need{Image: "img"}, func(s sharing.State) bool { return s.Sequence == 0 }), putEvent},
	{"Load's Taken by an image", loads(sharing.Need{NewImage: "new"}, func(s sharing.State) bool { return !s.Taken }),
		puts(func(r string) sharing.ImageRecord { return image("new", sharing.AccountID(r)) })},
	{"Load's Taken by an instance", loads(sharing.Need{NewInstance: "new"}, func(s sharing.State) bool { return !s.Taken }),
		puts(func(r string) sharing.InstanceRecord { return instance("new", sharing.AccountID(r), "img") })},
	{"Load's Trust", loads(sharing.Need{Account: "me", Trust: true}, func(s sharing.State) bool { return !s.Trust.Enforce }),
		puts(func(string) trustOf { return trustOf{"me", sharing.Trust{Enforce: true}} })},
	{"Load's Image", loads(sharing.Need{Image: "img"}, func(s sharing.State) bool { return live(s.Image) }), putDeleted},
	{"Load's Access", loads(sharing.Need{Account: "me", Image: "img"}, func(s sharing.State) bool { return !s.Image.Own.Exists }),
		puts(func(string) sharing.Share { return share("img", "me") })},
	{"Load's Images", loads(sharing.Need{Account: "me", Images: []sharing.ImageID{"img"}}, func(s sharing.State) bool { return len(s.Images) == 1 && live(s.Images[0]) }), putDeleted},
	{"Load's Instances", loads(sharing.Need{Instances: []sharing.InstanceID{"vm"}}, func(s sharing.State) bool { return len(s.Instances) == 1 && s.Instances[0] == nil }),
		puts(func(string) sharing.InstanceRecord { return instance("vm", "me", "img") })},
	{"Access", func(tx sharing.ViewTx) (bool, error) {
		access, _, err := tx.Access("me", nil, "img")
		return !access.Own.Exists, err
	}, puts(func(string) sharing.Share { return share("img", "me") })},
	{"Access's Trust", func(tx sharing.ViewTx) (bool, error) {
		_, trust, err := tx.Access("me", nil, "img")
		return !trust.Enforce, err
	}, puts(func(string) trustOf { return trustOf{"me", sharing.Trust{Enforce: true}} })},
	{"Images", finds(func(tx sharing.ViewTx) ([]sharing.Access, error) {
		return listImages(tx, sharing.ImageScan{Query: sharing.ImageQuery{Owner: "me"}, Limit: 1})
	}), putImage},
	{"Images by origin", finds(func(tx sharing.ViewTx) ([]sharing.Access, error) {
		return listImages(tx, sharing.ImageScan{Account: "me", Query: sharing.ImageQuery{Origin: sharing.OriginShared}, Limit: 1})
	}), puts(func(string) sharing.Share { return share("img", "me") })},
	{"Derived", finds(func(tx sharing.ViewTx) ([]*sharing.ImageRecord, error) { return tx.Derived("src", "", 1) }), putDerived},
	{"Shares of an image", finds(func(tx sharing.ViewTx) ([]sharing.SharedImage, error) {
		return listShares(tx, sharing.ShareScan{Image: "img", Limit: 1})
	}), putShare},
	{"Shares with a grantee", finds(func(tx sharing.ViewTx) ([]sharing.SharedImage, error) {
		return listShares(tx, sharing.ShareScan{Grantee: "g", Limit: 1})
	}), puts(func(string) sharing.Share { return share("img", "g") })},
	{"Instances of an image", finds(func(tx sharing.ViewTx) ([]*sharing.InstanceRecord, error) {
		return listInstances(tx, sharing.InstanceScan{Query: sharing.InstanceQuery{Image: "img"}, Limit: 1})
	}), putInstance},
	{"Instances of an owner", finds(func(tx sharing.ViewTx) ([]*sharing.InstanceRecord, error) {
		return listInstances(tx, sharing.InstanceScan{Owner: "me", Limit: 1})
	}), putInstance},
	{"Events", finds(func(tx sharing.ViewTx) ([]sharing.Event, error) { return tx.Events(sharing.EventQuery{Limit: 1}) }), putEvent},
}
