package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
	"github.com/imageshare/sharing/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) sharing.Store { return memstore.New() })
}

// Who waits for another's change waits no longer than its context lasts.
func TestUpdate_WaitsNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx := memstore.New(), t.Context()
		begun, end, ended := make(chan struct{}), make(chan struct{}), make(chan error)
		go func() {
			ended <- s.Update(ctx, func(sharing.UpdateTx) error {
				close(begun)
				<-end
				return nil
			})
		}()
		<-begun
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		err := s.Update(short, func(sharing.UpdateTx) error {
			t.Error("two changes are made at once")
			return nil
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		close(end)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := s.Update(ctx, func(sharing.UpdateTx) error { return nil }); err != nil {
			t.Error(err)
		}
	})
}

// worldOfOne is a store with an image "i" of "owner" and its shares with everyone, an organisation and n accounts.
func worldOfOne(t *testing.T, n int) *memstore.Store {
	t.Helper()
	s := memstore.New()
	granted := []sharing.Share{
		{Image: "i", Grantee: sharing.Everyone, Expires: time.Unix(1, 0).UTC()},
		{Image: "i", Grantee: sharing.Organization("acme"), Expires: time.Unix(2, 0).UTC()},
	}
	for i := range n {
		granted = append(granted, sharing.Share{Image: "i", Grantee: sharing.Grantee(fmt.Sprintf("account-%d", i))})
	}
	err := s.Update(context.Background(), func(tx sharing.UpdateTx) error {
		if err := tx.PutImage(sharing.ImageRecord{Image: sharing.Image{ID: "i", Owner: "owner", Region: "r"}}); err != nil {
			return err
		}
		if err := tx.PutTrust("account-0", sharing.Trust{Owners: []sharing.AccountID{"owner"}}); err != nil {
			return err
		}
		return tx.PutShares(granted)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAccess_AllocatesNothing(t *testing.T) {
	for _, n := range []int{1, 50, 1000} {
		s, ctx := worldOfOne(t, n), context.Background()
		organizations := []sharing.OrganizationID{"acme", "other"}
		var access sharing.Access
		decide := func(tx sharing.ViewTx) (err error) {
			if _, err := tx.Load(sharing.Need{Account: "account-0", Image: "i", Organizations: organizations, Trust: true}); err != nil {
				return err
			}
			access, _, err = tx.Access("account-0", organizations, "i")
			return err
		}
		allocs := testing.AllocsPerRun(1000, func() {
			if err := s.View(ctx, decide); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("with %d shares it allocates %v times", n, allocs)
		}
		if !access.Own.Exists || !access.Organization.Exists || !access.Everyone.Exists {
			t.Errorf("with %d shares it finds %v", n, access)
		}
	}
}

// TestR20_StrangersReadNoShares measures by allocations: what reads no share allocates as for an image that never was.
func TestR20_StrangersReadNoShares(t *testing.T) {
	s, ctx := worldOfOne(t, 20_000), context.Background()
	var organizations []sharing.OrganizationID
	for i := range 20 {
		organizations = append(organizations, sharing.OrganizationID(fmt.Sprintf("an-organisation-with-a-long-name-%d", i)))
	}
	for name, read := range map[string]func(sharing.ViewTx, sharing.ImageID) error{
		"Load": func(tx sharing.ViewTx, image sharing.ImageID) error {
			_, err := tx.Load(sharing.Need{
				Account: "stranger", Organizations: organizations, Image: image, Images: []sharing.ImageID{image}, AllShares: true, PresentAt: time.Unix(1, 0),
			})
			return err
		},
		"Access": func(tx sharing.ViewTx, image sharing.ImageID) error {
			_, _, err := tx.Access("stranger", organizations, image)
			return err
		},
	} {
		cost := func(image sharing.ImageID) float64 {
			return testing.AllocsPerRun(10, func() {
				if err := s.View(ctx, func(tx sharing.ViewTx) error { return read(tx, image) }); err != nil {
					t.Fatal(err)
				}
			})
		}
		if hidden, unknown := cost("i"), cost("unknown"); hidden != unknown {
			t.Errorf("%s allocates %v times for an image that the account does not see, and %v for one that never was", name, hidden, unknown)
		}
	}
}

// TestR8_DeleteCostsNothingByShares measures by allocations, which don't depend on the machine.
func TestR8_DeleteCostsNothingByShares(t *testing.T) {
	deleted := sharing.ImageRecord{
		Image:     sharing.Image{ID: "i", Owner: "owner", Region: "r"},
		DeletedAt: time.Unix(1, 0).UTC(),
	}
	cost := func(n int) float64 {
		stores := []*memstore.Store{worldOfOne(t, n), worldOfOne(t, n)}
		return testing.AllocsPerRun(1, func() {
			err := stores[0].Update(context.Background(), func(tx sharing.UpdateTx) error { return tx.PutImage(deleted) })
			if err != nil {
				t.Fatal(err)
			}
			stores = stores[1:]
		})
	}
	if few, many := cost(100), cost(20_000); many > few+10 {
		t.Errorf("it allocates %v times with 100 shares, and %v with 20,000", few, many)
	}
}

func TestView_WhatItReturnedStaysAsItWas(t *testing.T) {
	s, ctx := worldOfOne(t, 3), context.Background()
	read := func() (state sharing.State, listed []sharing.SharedImage) {
		t.Helper()
		err := s.View(ctx, func(tx sharing.ViewTx) (err error) {
			if state, err = tx.Load(sharing.Need{Account: "owner", Image: "i", AllShares: true}); err != nil {
				return err
			}
			return tx.Shares(sharing.ShareScan{Image: "i", Limit: 10}, func(s *sharing.SharedImage) { listed = append(listed, *s) })
		})
		if err != nil {
			t.Fatal(err)
		}
		return state, listed
	}
	state, listed := read()
	changed := sharing.ImageRecord{Image: sharing.Image{ID: "i", Owner: "owner", Region: "r", Name: "new"}}
	err := s.Update(ctx, func(tx sharing.UpdateTx) error {
		if err := tx.PutImage(changed); err != nil {
			return err
		}
		if err := tx.DeleteShares("i", []sharing.Grantee{"account-0", sharing.Everyone}); err != nil {
			return err
		}
		return tx.PutShares([]sharing.Share{{Image: "i", Grantee: "account-1", Status: sharing.ShareRejected}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if state.Image.Image.Name != "" || listed[0].Record.Name != "" {
		t.Error("a record that was handed out has changed")
	}
	if state.Shares[0].Grantee != sharing.Everyone || listed[2].Status != sharing.ShareAccepted || len(state.Shares) != 5 {
		t.Error("shares that were handed out have changed")
	}
	if now, _ := read(); now.Image.Image.Name != "new" || len(now.Shares) != 3 || now.Shares[0].Status != sharing.ShareRejected {
		t.Errorf("the change was not made: %v", now)
	}
}
