package storetest

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/imageshare/sharing"
)

// A reference does what a store has to do in the plainest form: maps, a slice, sorting, and one mutex.
// It has no index and no speed, so that there is little in it to get wrong.
type reference struct {
	name      string // in its cursors, which are no other's
	mu        sync.Mutex
	images    map[sharing.ImageID]sharing.ImageRecord
	shares    map[sharing.ShareKey]sharing.Share
	instances map[sharing.InstanceID]sharing.InstanceRecord
	trust     map[sharing.AccountID]sharing.Trust
	log       []sharing.Event
	grown     chan struct{} // closed when log grows
}

func newReference() *reference {
	return &reference{
		name:      rand.Text(),
		images:    map[sharing.ImageID]sharing.ImageRecord{},
		shares:    map[sharing.ShareKey]sharing.Share{},
		instances: map[sharing.InstanceID]sharing.InstanceRecord{},
		trust:     map[sharing.AccountID]sharing.Trust{},
		grown:     make(chan struct{}),
	}
}

func (r *reference) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return fn(&referenceTx{reference: r, ctx: ctx})
}

func (r *reference) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	tx := &referenceTx{reference: r, ctx: ctx}
	if err := fn(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r.commit(tx.writes)
	return nil
}

// commit makes the writes of a transaction. The caller holds the lock.
func (r *reference) commit(writes []func()) {
	before := len(r.log)
	for _, write := range writes {
		write()
	}
	if len(r.log) > before {
		close(r.grown)
		r.grown = make(chan struct{})
	}
}

// cursor returns the cursor of the n-th event of the log.
func (r *reference) cursor(n int) sharing.Cursor {
	return sharing.Cursor(fmt.Sprintf("%d.%s", n, r.name))
}

// A referenceTx reads the reference as it is, and keeps writes for the commit.
type referenceTx struct {
	*reference
	ctx    context.Context
	writes []func()
}

func (tx *referenceTx) write(fn func()) error {
	tx.writes = append(tx.writes, fn)
	return tx.ctx.Err()
}

func (tx *referenceTx) PutImage(rec sharing.ImageRecord) error {
	return tx.write(func() {
		tx.images[rec.ID] = rec
		if !rec.DeletedAt.IsZero() {
			maps.DeleteFunc(tx.shares, func(key sharing.ShareKey, _ sharing.Share) bool { return key.Image == rec.ID })
		}
	})
}

func (tx *referenceTx) PutShares(shares []sharing.Share) error {
	return tx.write(func() {
		for _, s := range shares {
			if !tx.images[s.Image].DeletedAt.IsZero() {
				continue
			}
			tx.shares[sharing.ShareKey{Image: s.Image, Grantee: s.Grantee}] = s
		}
	})
}

func (tx *referenceTx) DeleteShares(image sharing.ImageID, grantees []sharing.Grantee) error {
	return tx.write(func() {
		for _, g := range grantees {
			delete(tx.shares, sharing.ShareKey{Image: image, Grantee: g})
		}
	})
}

func (tx *referenceTx) PutInstance(rec sharing.InstanceRecord) error {
	return tx.write(func() { tx.instances[rec.ID] = rec })
}

func (tx *referenceTx) PutTrust(account sharing.AccountID, trust sharing.Trust) error {
	return tx.write(func() { tx.trust[account] = trust })
}

func (tx *referenceTx) Append(events []sharing.Event) error {
	return tx.write(func() {
		for _, ev := range events {
			ev.Cursor = tx.cursor(len(tx.log) + 1)
			tx.log = append(tx.log, ev)
		}
	})
}

func (tx *referenceTx) Images(scan sharing.ImageScan, each func(*sharing.Access)) error {
	var found []sharing.Access
	for id := range tx.images {
		if access := tx.access(id, scan.Account, scan.Organizations); id > scan.After && imageMatches(scan, access) {
			found = append(found, access)
		}
	}
	slices.SortFunc(found, func(a, b sharing.Access) int { return cmp.Compare(a.Image.ID, b.Image.ID) })
	for _, access := range firstN(found, scan.Limit) {
		each(&access)
	}
	return tx.ctx.Err()
}

func imageMatches(scan sharing.ImageScan, access sharing.Access) bool {
	q, rec := scan.Query, access.Image
	return rec.DeletedAt.IsZero() &&
		(q.Region == "" || q.Region == rec.Region) &&
		(q.Owner == "" || q.Owner == rec.Owner) &&
		(q.Family == "" || q.Family == rec.Family) &&
		(q.Name == "" || q.Name == rec.Name) &&
		(q.Digest == "" || q.Digest == rec.Digest) &&
		(q.Source == "" || q.Source == rec.Source.Image) &&
		hasLabels(rec.Labels, q.Labels) &&
		(q.Origin == 0 || q.Origin&origins(scan.Account, access) != 0)
}

func origins(account sharing.AccountID, access sharing.Access) (o sharing.Origin) {
	if access.Image.Owner == account {
		o |= sharing.OriginOwn
	}
	if access.Own.Exists || access.Organization.Exists {
		o |= sharing.OriginShared
	}
	if access.Everyone.Exists {
		o |= sharing.OriginPublic
	}
	return o
}

func hasLabels(labels, wanted map[string]string) bool {
	for key, value := range wanted {
		if got, ok := labels[key]; !ok || got != value {
			return false
		}
	}
	return true
}

func (tx *referenceTx) Derived(source, after sharing.ImageID, limit int) ([]*sharing.ImageRecord, error) {
	var found []*sharing.ImageRecord
	for id, rec := range tx.images {
		if id > after && rec.Source.Image == source {
			found = append(found, &rec)
		}
	}
	slices.SortFunc(found, func(a, b *sharing.ImageRecord) int { return cmp.Compare(a.ID, b.ID) })
	return firstN(found, limit), tx.ctx.Err()
}

func (tx *referenceTx) Shares(scan sharing.ShareScan, each func(*sharing.SharedImage)) error {
	var found []sharing.SharedImage
	for key, s := range tx.shares {
		rec := tx.images[key.Image]
		if (scan.Image == "" || scan.Image == key.Image) &&
			(scan.Owner == "" || scan.Owner == rec.Owner) &&
			(scan.Grantee == "" || scan.Grantee == key.Grantee) &&
			compareKeys(key, scan.After) > 0 {
			found = append(found, sharing.SharedImage{Share: s, Record: &rec})
		}
	}
	slices.SortFunc(found, func(a, b sharing.SharedImage) int {
		return cmp.Or(cmp.Compare(a.Image, b.Image), cmp.Compare(a.Grantee, b.Grantee))
	})
	for _, shared := range firstN(found, scan.Limit) {
		each(&shared)
	}
	return tx.ctx.Err()
}

func compareKeys(a, b sharing.ShareKey) int {
	return cmp.Or(cmp.Compare(a.Image, b.Image), cmp.Compare(a.Grantee, b.Grantee))
}

func (tx *referenceTx) Instances(scan sharing.InstanceScan, each func(*sharing.InstanceRecord)) error {
	var found []*sharing.InstanceRecord
	for id, rec := range tx.instances {
		q := scan.Query
		if id > scan.After && rec.TerminatedAt.IsZero() &&
			(scan.Owner == "" || scan.Owner == rec.Owner) &&
			(q.Region == "" || q.Region == rec.Region) &&
			(q.Image == "" || q.Image == rec.Image) &&
			hasLabels(rec.Labels, q.Labels) {
			found = append(found, &rec)
		}
	}
	slices.SortFunc(found, func(a, b *sharing.InstanceRecord) int { return cmp.Compare(a.ID, b.ID) })
	for _, rec := range firstN(found, scan.Limit) {
		each(rec)
	}
	return tx.ctx.Err()
}

func (tx *referenceTx) Events(q sharing.EventQuery) ([]sharing.Event, error) {
	after := 0
	if q.After != "" {
		if after = 1 + slices.IndexFunc(tx.log, func(ev sharing.Event) bool { return ev.Cursor == q.After }); after == 0 {
			return nil, fmt.Errorf("%w cursor %q: this log has made no such cursor", sharing.ErrInvalid, q.After)
		}
	}
	var found []sharing.Event
	for _, ev := range tx.log[after:] {
		if (q.Image == "" || q.Image == ev.Image) && (q.Actor == "" || q.Actor == ev.Actor) {
			found = append(found, ev)
		}
	}
	return firstN(found, q.Limit), tx.ctx.Err()
}

func (tx *referenceTx) Changed() func(context.Context) error {
	grown := tx.grown
	return func(ctx context.Context) error {
		select {
		case <-grown:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func firstN[T any](items []T, limit int) []T { return items[:min(limit, len(items))] }
