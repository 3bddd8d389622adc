package memstore

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

func mustUpdate(t *testing.T, s *Store, fn func(tx sharing.UpdateTx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// shared puts an image shared with n accounts, g0 and so on.
func shared(t *testing.T, s *Store, id sharing.ImageID, n int) sharing.ImageRecord {
	t.Helper()
	rec := sharing.ImageRecord{Image: sharing.Image{ID: id, Owner: "owner", Region: "r"}}
	granted := make([]sharing.Share, n)
	for i := range granted {
		granted[i] = sharing.Share{Image: id, Grantee: sharing.Grantee(fmt.Sprintf("g%d", i))}
	}
	mustUpdate(t, s, func(tx sharing.UpdateTx) error {
		if err := tx.PutImage(rec); err != nil {
			return err
		}
		return tx.PutShares(granted)
	})
	return rec
}

func byGrantee(s *Store) int {
	found := 0
	for _, set := range s.sharedWith {
		found += set.len()
	}
	return found
}

func received(t *testing.T, s *Store, grantee sharing.Grantee) (found []sharing.SharedImage) {
	t.Helper()
	err := s.View(context.Background(), func(tx sharing.ViewTx) error {
		return tx.Shares(sharing.ShareScan{Grantee: grantee, Limit: 10}, func(s *sharing.SharedImage) { found = append(found, *s) })
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestR8_DeleteLeavesTheIndexToLaterWrites(t *testing.T) {
	const grantees = 3*maxRows + 1
	s := New()
	rec := shared(t, s, "i", grantees)
	rec.DeletedAt = time.Unix(1, 0).UTC()
	nothing := func(sharing.UpdateTx) error { return nil }
	mustUpdate(t, s, func(tx sharing.UpdateTx) error { return tx.PutImage(rec) })
	for left := grantees; left > 0; left -= sweepRows(0) {
		if got := byGrantee(s); got != left {
			t.Fatalf("%d entries are left in the index, want %d", got, left)
		}
		if got := received(t, s, "g0"); len(got) != 0 {
			t.Fatalf("a share of the deleted image is listed: %v", got)
		}
		mustUpdate(t, s, nothing)
	}
	if got := byGrantee(s); got != 0 || len(s.leftovers) != 0 {
		t.Errorf("%d entries and %d leftovers stay for good", got, len(s.leftovers))
	}
}

func TestSweep_SparesWhatWasSharedAgain(t *testing.T) {
	const again = 30
	s := New()
	rec := shared(t, s, "i", again)
	rec.DeletedAt = time.Unix(1, 0).UTC()
	mustUpdate(t, s, func(tx sharing.UpdateTx) error { return tx.PutImage(rec) })
	shared(t, s, "i", again)
	for i := range again {
		if g := sharing.Grantee(fmt.Sprintf("g%d", i)); len(received(t, s, g)) != 1 {
			t.Errorf("the new share with %s is not listed", g)
		}
	}
	if len(s.leftovers) != 0 {
		t.Errorf("%d leftovers stay for good", len(s.leftovers))
	}
}

// Images that are shared and force-deleted one after the other leave no more behind than one of them.
func TestSweep_KeepsUp(t *testing.T) {
	const grantees = 50
	s := New()
	for i := range 20 {
		rec := shared(t, s, sharing.ImageID(fmt.Sprint("i", i)), grantees)
		rec.DeletedAt = time.Unix(1, 0).UTC()
		mustUpdate(t, s, func(tx sharing.UpdateTx) error { return tx.PutImage(rec) })
		if got := byGrantee(s); got > grantees {
			t.Fatalf("after %d deletes the index has %d entries", i+1, got)
		}
	}
}

func TestIndexes_KeepNothingOfWhatIsGone(t *testing.T) {
	s := New()
	rec := shared(t, s, "i", 3)
	rec.Labels, rec.Family, rec.Name, rec.Digest = map[string]string{"a": "b"}, "f", "n", "d"
	mustUpdate(t, s, func(tx sharing.UpdateTx) error { return tx.PutImage(rec) })
	inst := sharing.InstanceRecord{Instance: sharing.Instance{ID: "m", Owner: "o", Image: "i", Labels: rec.Labels}}
	mustUpdate(t, s, func(tx sharing.UpdateTx) error { return tx.PutInstance(inst) })
	rec.DeletedAt, inst.TerminatedAt = time.Unix(1, 0).UTC(), time.Unix(1, 0).UTC()
	mustUpdate(t, s, func(tx sharing.UpdateTx) error {
		if err := tx.PutImage(rec); err != nil {
			return err
		}
		return tx.PutInstance(inst)
	})
	for range 3 {
		mustUpdate(t, s, func(sharing.UpdateTx) error { return nil })
	}
	if len(s.imagesBy) != 0 || len(s.sharedWith) != 0 || len(s.instancesBy) != 0 {
		t.Errorf("the indexes hold %v, %v and %v", s.imagesBy, s.sharedWith, s.instancesBy)
	}
}
