package storetest

import (
	"cmp"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/imageshare/sharing"
)

// testWriteSkew lets two transactions read the same two things and change one each:
// an owner deletes an image that no instance uses, while an instance is launched from an image that is not deleted.
func testWriteSkew(c *check) {
	for round := range 5 {
		img, vm := sharing.ImageID(fmt.Sprint("img", round)), sharing.InstanceID(fmt.Sprint("vm", round))
		c.write(image(img, "me"))
		m := newMeeting(2)
		var both atomic.Int32
		c.together(2, func(i int) error {
			meet, done := sync.OnceFunc(m.wait), false
			err := c.handle(round+i).Update(c.ctx, func(tx sharing.UpdateTx) error {
				state, err := tx.Load(sharing.Need{Account: "me", Image: img, OwnInstances: true})
				meet()
				done = false
				if err != nil || state.OwnInstances > 0 || !live(state.Image) {
					return err
				}
				done = true
				if i == 0 {
					return put(tx, deleted(image(img, "me")))
				}
				return put(tx, instance(vm, "me", img))
			})
			if err == nil && done {
				both.Add(1)
			}
			return err
		})
		if !c.Failed() && both.Load() != 1 {
			c.Fatalf("the contract asks: transactions are strictly serialisable; of a delete if nothing uses the image, and a launch if it is not deleted, exactly one can happen; %d did", both.Load())
		}
	}
}

// live reports whether there is an image that is not deleted.
func live(img sharing.Access) bool { return img.Image != nil && img.Image.DeletedAt.IsZero() }

// generation returns the disk generation of an instance, 0 if there is none.
func generation(tx sharing.ViewTx, id sharing.InstanceID) (int64, error) {
	state, err := tx.Load(sharing.Need{Instance: id})
	if err != nil || state.Instance == nil {
		return 0, err
	}
	return state.Instance.DiskGeneration, nil
}

// testOneInstant changes everything between two reads of it in one transaction.
func testOneInstant(c *check) {
	c.write(version(0)...)
	for round := range 4 {
		var diff string // of the run that counts
		changed := make(chan error, 1)
		first := true
		fn := func(tx sharing.ViewTx) error {
			before, err := readEverything(tx)
			if err != nil {
				return err
			}
			if first { // a run after a conflict is left alone, so that it gets through
				first = false
				m := newMeeting(2)
				go func() {
					err := c.handle(round/2).Update(c.ctx, func(tx sharing.UpdateTx) error { return put(tx, version(round+1)...) })
					m.wait()
					changed <- err
				}()
				m.wait()
			}
			after, err := readEverything(tx)
			diff = difference(after, before)
			return err
		}
		kind := "View"
		c.within("a transaction that reads while another writes ends", func() error {
			if round%2 == 0 {
				return c.handle(round).View(c.ctx, fn)
			}
			kind = "Update"
			return c.handle(round).Update(c.ctx, func(tx sharing.UpdateTx) error {
				if err := fn(tx); err != nil {
					return err
				}
				return put(tx, image("other", "me"))
			})
		})
		if diff != "" {
			c.Errorf("the contract asks: a transaction reads all at one instant; a %s read before and after a transaction that changed all (-before +after):\n%s", kind, diff)
		}
		c.within("a transaction that writes while another reads ends", func() error { return <-changed })
	}
}

// testUncommitted reads while a transaction that has written everything has not ended, and will not commit.
func testUncommitted(c *check) {
	c.write(version(0)...)
	end := c.underWay(c.store, func(tx sharing.UpdateTx) error { return cmp.Or(put(tx, version(1)...), errAbandoned) })
	same(c, "a transaction reads nothing of one that has not committed", readEverything)
	c.within("Update returns the closure's error as it is", func() error {
		if err := end(); err != errAbandoned {
			return fmt.Errorf("%v instead of %v", err, errAbandoned)
		}
		return nil
	})
	same(c, "when the closure fails nothing is changed", readEverything)
}

// testConcurrency lets goroutines work at once, as engines do, and counts what comes out.
func testConcurrency(t *testing.T, open opener) {
	t.Run("Quota", func(t *testing.T) { testQuota(newCheck(t, open)) })
	t.Run("ShareLimit", func(t *testing.T) { testShareLimit(newCheck(t, open)) })
	t.Run("LostUpdate", func(t *testing.T) { testLostUpdate(newCheck(t, open)) })
	t.Run("ReadsWhatReturned", func(t *testing.T) { testReadsWhatReturned(newCheck(t, open)) })
	t.Run("WholeChanges", func(t *testing.T) { testWholeChanges(newCheck(t, open)) })
}

// testQuota puts images while there are fewer than the limit.
func testQuota(c *check) {
	const workers, each, limit = 8, 3, 10
	begun := newMeeting(workers)
	c.together(workers, func(i int) error {
		meet := sync.OnceFunc(begun.wait)
		for n := range each {
			err := c.handle(i).Update(c.ctx, func(tx sharing.UpdateTx) error {
				state, err := tx.Load(sharing.Need{Account: "me", ImagesIn: here})
				meet()
				if err != nil || state.ImagesOwned >= limit {
					return err
				}
				id := sharing.ImageID(fmt.Sprintf("img%d-%d", i, n))
				return put(tx, image(id, "me"), event(string(id), "me", id, 1))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	for _, store := range c.stores {
		state := read(c, store, func(tx sharing.ViewTx) (sharing.State, error) {
			return tx.Load(sharing.Need{Account: "me", ImagesIn: here})
		})
		images := read(c, store, func(tx sharing.ViewTx) ([]sharing.Access, error) {
			return listImages(tx, sharing.ImageScan{Limit: many})
		})
		const promise = "transactions that count before they put never exceed the limit, and reach it"
		c.equal(promise+": ImagesOwned", state.ImagesOwned, limit)
		c.equal(promise+": Images", len(images), limit)
		c.equal(promise+": Events", len(c.allEvents(store)), limit)
	}
}

// testShareLimit puts shares of one image while there are fewer than the limit, and ends some.
func testShareLimit(c *check) {
	const workers, each, limit = 8, 3, 5
	var over atomic.Int32
	c.write(image("img", "owner"))
	c.together(workers, func(i int) error {
		for n := range each {
			g := sharing.Grantee(fmt.Sprintf("g%d-%d", i, n))
			err := c.handle(i).Update(c.ctx, func(tx sharing.UpdateTx) error {
				state, err := tx.Load(sharing.Need{Account: "owner", Image: "img", PresentAt: noon, AllShares: true})
				if err != nil {
					return err
				}
				if state.PresentShares > limit || state.PresentShares != len(state.Shares) {
					over.Add(1)
				}
				if state.PresentShares >= limit {
					var some []sharing.Grantee
					for _, s := range state.Shares[:min(2, len(state.Shares))] {
						some = append(some, s.Grantee)
					}
					return tx.DeleteShares("img", some)
				}
				return put(tx, share("img", g))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if over.Load() > 0 {
		c.Errorf("the contract asks: transactions that count before they put never exceed the limit; %d runs read a count over it, or one that is not that of the shares", over.Load())
	}
}

// testLostUpdate adds one, many times.
func testLostUpdate(c *check) {
	const workers, each = 6, 5
	vm := instance("vm", "me", "img")
	c.write(vm)
	begun := newMeeting(workers)
	c.together(workers, func(i int) error {
		meet := sync.OnceFunc(begun.wait)
		for range each {
			err := c.handle(i).Update(c.ctx, func(tx sharing.UpdateTx) error {
				n, err := generation(tx, "vm")
				meet()
				if err != nil {
					return err
				}
				next := vm
				next.DiskGeneration = n + 1
				return put(tx, next, event(fmt.Sprint("op", next.DiskGeneration), "me", "img", next.DiskGeneration-1))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	got := read(c, c.store, func(tx sharing.ViewTx) (int64, error) { return generation(tx, "vm") })
	c.equal("no update is lost: each transaction that adds one reads what the one before it wrote", got, int64(1+workers*each))
	for i, ev := range c.allEvents(c.store) {
		if ev.Sequence != int64(i+1) {
			c.Fatalf("the contract asks: the order of the log is that of the commits; event %d has the number %d", i+1, ev.Sequence)
		}
	}
}

// testReadsWhatReturned reads, from every handle, while one writes: never less than what had returned before.
func testReadsWhatReturned(c *check) {
	const writes, readers = 30, 3
	vm := instance("vm", "me", "img")
	c.write(vm)
	var returned atomic.Int64
	returned.Store(1)
	c.together(readers+1, func(i int) error {
		if i == readers {
			for n := int64(2); n <= writes; n++ {
				next := vm
				next.DiskGeneration = n
				if err := c.store.Update(c.ctx, func(tx sharing.UpdateTx) error { return put(tx, next) }); err != nil {
					returned.Store(writes)
					return err
				}
				returned.Store(n)
			}
			return nil
		}
		for last := int64(0); last < writes; {
			least := max(last, returned.Load())
			err := c.handle(i).View(c.ctx, func(tx sharing.ViewTx) (err error) {
				last, err = generation(tx, "vm")
				return err
			})
			if err != nil {
				return err
			}
			if last < least {
				return fmt.Errorf("a View read %d though an Update that wrote %d had returned, or an earlier View had read it", last, least)
			}
		}
		return nil
	})
}

// testWholeChanges reads records, from every handle, while one changes them all at once: always the same of each.
func testWholeChanges(c *check) {
	const writes, readers = 40, 3
	ids := []sharing.InstanceID{"a", "b", "c", "d", "e", "f"}
	change := func(n int64) error {
		return c.store.Update(c.ctx, func(tx sharing.UpdateTx) error {
			for _, id := range ids {
				next := instance(id, "me", "img")
				next.DiskGeneration = n
				if err := put(tx, next); err != nil {
					return err
				}
			}
			return nil
		})
	}
	c.within("a transaction of several writes ends", func() error { return change(1) })
	var written atomic.Bool
	c.together(readers+1, func(i int) error {
		if i == readers {
			defer written.Store(true)
			for n := int64(2); n <= writes; n++ {
				if err := change(n); err != nil {
					return err
				}
			}
			return nil
		}
		for !written.Load() {
			var state sharing.State
			err := c.handle(i).View(c.ctx, func(tx sharing.ViewTx) (err error) {
				state, err = tx.Load(sharing.Need{Instances: ids})
				return err
			})
			if err != nil {
				return err
			}
			for _, inst := range state.Instances {
				if first := state.Instances[0]; inst == nil || inst.DiskGeneration != first.DiskGeneration {
					return fmt.Errorf("a View read one record before and another after an Update that changed both: %v and %v", first, inst)
				}
			}
		}
		return nil
	})
}
