package sqlitestore_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/sqlitestore"
)

// TestSize measures how much of the disk a record takes, its indexes included, and its event. Identifiers are 26 characters,
// as the engine draws them. The docs state what it prints.
func TestSize(t *testing.T) {
	const each = 4000
	path := filepath.Join(memoryFolder(t), "store.db")
	image := sharing.ImageID(newID())
	for _, kind := range []struct {
		name  string
		event func(n int64) sharing.Event
		most  int64 // bytes of the record, without its event
	}{
		{"share", func(n int64) sharing.Event {
			s := sharing.Share{Image: image, Grantee: sharing.Grantee(newID()), CreatedAt: noon, UpdatedAt: noon}
			return sharing.Event{Kind: sharing.EventShared, Image: image, Sequence: n, Shares: []sharing.Share{s}}
		}, 500},
		{"instance", func(n int64) sharing.Event {
			rec := sharing.InstanceRecord{Instance: sharing.Instance{ID: sharing.InstanceID(newID()), Owner: sharing.AccountID(newID()), Region: "eu-1",
				Image: image, DiskGeneration: 1, LaunchedAt: noon}}
			return sharing.Event{Kind: sharing.EventLaunched, Image: image, Instance: rec.ID, Sequence: n, InstanceRecord: &rec}
		}, 1000},
		{"image", func(int64) sharing.Event {
			rec := sharing.ImageRecord{Image: sharing.Image{ID: sharing.ImageID(newID()), Owner: sharing.AccountID(newID()), Region: "eu-1", Name: "web server",
				Family: "web", Architecture: "x86_64", Digest: "sha256:" + strings.Repeat("0", 64), Size: 1 << 33, CreatedAt: noon}}
			return sharing.Event{Kind: sharing.EventRegistered, Image: rec.ID, Sequence: 1, ImageRecord: &rec}
		}, 2000},
	} {
		var events []sharing.Event
		for n := range int64(each) {
			ev := kind.event(n + 1)
			ev.Operation, ev.Actor, ev.At = newID(), sharing.AccountID(newID()), noon
			events = append(events, ev)
		}
		record := grown(t, path, func(tx sharing.UpdateTx) error { return putRecords(tx, events) }) / each
		event := grown(t, path, func(tx sharing.UpdateTx) error { return tx.Append(events) }) / each
		t.Logf("one %s takes %d bytes, and its event %d", kind.name, record, event)
		if record > kind.most {
			t.Errorf("one %s should take at most %d bytes", kind.name, kind.most)
		}
	}
}

func newID() string { return strings.ToLower(rand.Text()) }

func putRecords(tx sharing.UpdateTx, events []sharing.Event) (err error) {
	for _, ev := range events {
		switch {
		case ev.ImageRecord != nil:
			err = tx.PutImage(*ev.ImageRecord)
		case ev.InstanceRecord != nil:
			err = tx.PutInstance(*ev.InstanceRecord)
		default:
			err = tx.PutShares(ev.Shares)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// grown returns by how many bytes a closed file grows when something is written.
func grown(t *testing.T, path string, write func(sharing.UpdateTx) error) int64 {
	t.Helper()
	size := func(fn func(sharing.UpdateTx) error) int64 {
		store, err := sqlitestore.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size(func(sharing.UpdateTx) error { return nil })
	return size(write) - before
}
