package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/imageshare/sharing"
)

// testFollower follows the log while it grows.
func testFollower(t *testing.T, open opener) {
	t.Run("LateCommit", func(t *testing.T) { testLateCommit(newCheck(t, open)) })
	t.Run("Busy", func(t *testing.T) { testBusyLog(newCheck(t, open)) })
}

// testLateCommit appends in a transaction that commits after one which began later.
// A store that draws an event's place when it is appended would put it before one that a follower has read.
func testLateCommit(c *check) {
	for round := range 3 {
		var seen []sharing.Event
		c.within("transactions that append at once both commit", func() error {
			end := c.underWay(c.handle(round), func(tx sharing.UpdateTx) error {
				return put(tx, event(fmt.Sprintf("late%d", round), "late", "a", int64(round+1)))
			})
			err := c.handle(round+1).Update(c.ctx, func(tx sharing.UpdateTx) error {
				return put(tx, event(fmt.Sprintf("early%d", round), "early", "b", int64(round+1)))
			})
			if err == nil {
				err = c.store.View(c.ctx, func(tx sharing.ViewTx) (err error) {
					seen, err = tx.Events(sharing.EventQuery{Limit: many})
					return err
				})
			}
			return errors.Join(err, end())
		})
		all := c.allEvents(c.store)
		c.equal("the order of the log is that of the commits: a later call never finds an event before one that an earlier call returned",
			all[:min(len(seen), len(all))], seen)
		c.equal("what was appended and committed is in the log", len(all), 2*(round+1))
	}
}

// testBusyLog has writers, and followers that wait with Changed and read on from their cursor.
func testBusyLog(c *check) {
	const writers, each, followers = 3, 12, 3
	seen := make([][]sharing.Event, followers)
	c.together(writers+followers, func(i int) error {
		if i < followers {
			var err error
			seen[i], err = follow(c.ctx, c.handle(i), writers*each)
			return err
		}
		for n := range each {
			op := fmt.Sprintf("op%d-%d", i, n)
			err := c.handle(i).Update(c.ctx, func(tx sharing.UpdateTx) error {
				img := sharing.ImageID(fmt.Sprint("img", i))
				return put(tx, event(op, "me", img, int64(2*n+1)), event(op, "me", img, int64(2*n+2)))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	all := c.allEvents(c.store)
	for _, events := range seen {
		c.equal("a reader that follows the log from its cursor misses no event, and reads none twice, while others append", events, all)
	}
	for i := 1; i < len(all); i += 2 {
		if all[i].Operation != all[i-1].Operation {
			c.Errorf("the contract asks: the events of one transaction stand together in the log; %s is between those of another", all[i].Operation)
		}
	}
}

// follow reads the log until it has the events of n operations of two events each.
func follow(ctx context.Context, store sharing.Store, n int) ([]sharing.Event, error) {
	var seen []sharing.Event
	var after sharing.Cursor
	for len(seen) < 2*n {
		var page []sharing.Event
		var changed func(context.Context) error
		err := store.View(ctx, func(tx sharing.ViewTx) (err error) {
			changed = tx.Changed()
			page, err = tx.Events(sharing.EventQuery{After: after, Limit: 5})
			return err
		})
		if err != nil {
			return seen, err
		}
		if len(page) > 0 {
			seen, after = append(seen, page...), page[len(page)-1].Cursor
			continue
		}
		if err := changed(ctx); err != nil {
			return seen, err
		}
	}
	return seen, nil
}
