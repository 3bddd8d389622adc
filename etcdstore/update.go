package etcdstore

import (
	"slices"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"github.com/imageshare/sharing"
)

// An update is a transaction that writes. It keeps what it is told to write until the commit.
type update struct {
	view
	writes []func(*batch) error
}

func (tx *update) write(fn func(*batch) error) error {
	tx.writes = append(tx.writes, fn)
	return tx.ctx.Err()
}

// PutImage implements [sharing.UpdateTx].
func (tx *update) PutImage(rec sharing.ImageRecord) error {
	return tx.write(func(b *batch) error { return b.putImage(rec) })
}

// PutShares implements [sharing.UpdateTx].
func (tx *update) PutShares(shares []sharing.Share) error {
	if len(shares) == 0 {
		return nil
	}
	return tx.write(func(b *batch) error { return b.putShares(shares) })
}

// DeleteShares implements [sharing.UpdateTx].
func (tx *update) DeleteShares(image sharing.ImageID, grantees []sharing.Grantee) error {
	return tx.write(func(b *batch) error { return b.deleteShares(image, grantees) })
}

// PutInstance implements [sharing.UpdateTx].
func (tx *update) PutInstance(rec sharing.InstanceRecord) error {
	return tx.write(func(b *batch) error { return b.putInstance(rec) })
}

// PutTrust implements [sharing.UpdateTx].
func (tx *update) PutTrust(account sharing.AccountID, trust sharing.Trust) error {
	return tx.write(func(b *batch) error { return b.putValue(tx.key(tableTrust, string(account)), &trust) })
}

// Append implements [sharing.UpdateTx].
func (tx *update) Append(events []sharing.Event) error {
	return tx.write(func(b *batch) error { return b.appendEvents(events) })
}

// A batch is what a transaction is about to write: of each key the last value, and nil if it is to be deleted.
type batch struct {
	*update
	changes map[string][]byte
	events  []sharing.Event
	ended   bool // shares were ended that are yet to be swept away
	moved   map[sharing.InstanceID]whereabouts
	owned   map[sharing.ImageID]sharing.AccountID
}

// batch makes what was told to write into changes of keys. What it has to know of what is stored
// it reads like the transaction itself, and mostly from it.
func (tx *update) batch() (*batch, error) {
	var b *batch
	err := tx.assemble(func() error {
		b = &batch{
			update: tx, changes: make(map[string][]byte),
			moved: make(map[sharing.InstanceID]whereabouts), owned: make(map[sharing.ImageID]sharing.AccountID),
		}
		for _, write := range tx.writes {
			if err := write(b); err != nil {
				return err
			}
		}
		return nil
	})
	return b, err
}

var present = []byte{} // the value of a key that says it all

func (b *batch) put(key string)    { b.changes[key] = present }
func (b *batch) remove(key string) { b.changes[key] = nil }

func (b *batch) putValue(key string, v any) error {
	value, err := encode(key, v)
	b.changes[key] = value
	return err
}

// value reads into v what will be stored under key, as far as the batch is written, and says whether anything will be.
func (b *batch) value(key string, v any) (bool, error) {
	if value, ok := b.changes[key]; ok {
		if value == nil {
			return false, nil
		}
		return true, decode(&mvccpb.KeyValue{Key: []byte(key), Value: value}, v)
	}
	return b.snapshot.value(key, v)
}

func (b *batch) putImage(rec sharing.ImageRecord) error {
	id := string(rec.ID)
	var old imageValue
	var about aboutValue
	if _, err := b.value(b.key(tableImage, id), &old); err != nil {
		return err
	}
	if _, err := b.value(b.key(tableAbout, id), &about); err != nil {
		return err
	}
	img := imageValue{rec, old.Generation}
	if !rec.DeletedAt.IsZero() {
		img.Generation++
		if about.Shares > 0 {
			b.put(b.key(tableEnded, id))
			b.remove(b.key(tableExpiring, id))
			about.Shares, b.ended = 0, true
		}
	}
	b.reindex(b.imageKeys(&old.ImageRecord), b.imageKeys(&rec))
	b.owned[rec.ID] = rec.Owner
	if err := b.putValue(b.key(tableImage, id), &img); err != nil {
		return err
	}
	return b.putValue(b.key(tableAbout, id), &about)
}

// An indexKey is the key by which a record is found, and the key to write when it comes or goes, if there is one.
type indexKey struct{ key, guard string }

// imageKeys returns the keys by which an image is found other than by its ID.
func (b *batch) imageKeys(rec *sharing.ImageRecord) []indexKey {
	id, owner, region := string(rec.ID), string(rec.Owner), string(rec.Region)
	if id == "" {
		return nil
	}
	var keys []indexKey
	if rec.Source.Image != "" {
		keys = append(keys, indexKey{b.key(tableSource, string(rec.Source.Image), id), ""})
	}
	if !rec.DeletedAt.IsZero() {
		return keys
	}
	if rec.Family != "" {
		keys = append(keys, indexKey{b.key(tableFamily, owner, rec.Family, id), ""})
	}
	return append(keys,
		indexKey{b.key(tableOwner, owner, id), ""},
		indexKey{b.key(tableRegion, owner, region, id), b.key(tableRegions, owner, region)})
}

// instanceKeys returns the keys by which an instance is found other than by its ID.
func (b *batch) instanceKeys(rec *sharing.InstanceRecord) []indexKey {
	id, owner, image := string(rec.ID), string(rec.Owner), string(rec.Image)
	if id == "" || !rec.TerminatedAt.IsZero() {
		return nil
	}
	return []indexKey{
		{b.key(tableHas, owner, id), ""},
		{b.key(tableFrom, image, id), ""},
		{b.key(tableUses, owner, image, id), b.key(tableUsed, owner, image)},
	}
}

// reindex changes the keys by which a record is found from those that it had to those that it has.
func (b *batch) reindex(had, has []indexKey) {
	for _, index := range had {
		if !slices.Contains(has, index) {
			b.remove(index.key)
			b.touch(index.guard)
		}
	}
	for _, index := range has {
		if !slices.Contains(had, index) {
			b.put(index.key)
			b.touch(index.guard)
		}
	}
}

func (b *batch) touch(guard string) {
	if guard != "" {
		b.put(guard)
	}
}

func (b *batch) putInstance(rec sharing.InstanceRecord) error {
	key := b.key(tableInstance, string(rec.ID))
	var old instanceValue
	if _, err := b.value(key, &old); err != nil {
		return err
	}
	b.reindex(b.instanceKeys(&old.InstanceRecord), b.instanceKeys(&rec))
	b.moved[rec.ID] = whereabouts{rec.Image, rec.Region}
	return b.putValue(key, &instanceValue{rec})
}

// putShares stores shares, all of one image.
func (b *batch) putShares(shares []sharing.Share) error {
	grantees := make([]sharing.Grantee, len(shares))
	for i, share := range shares {
		grantees[i] = share.Grantee
	}
	return b.changeShares(shares[0].Image, grantees, func(i int) *sharing.Share { return &shares[i] })
}

func (b *batch) deleteShares(image sharing.ImageID, grantees []sharing.Grantee) error {
	return b.changeShares(image, grantees, func(int) *sharing.Share { return nil })
}

// changeShares makes the image's share with the i-th grantee what is(i) says, or ends it if that is nil,
// and keeps the count of them.
func (b *batch) changeShares(image sharing.ImageID, grantees []sharing.Grantee, is func(i int) *sharing.Share) error {
	id := string(image)
	var img imageValue
	var about aboutValue
	if _, err := b.value(b.key(tableImage, id), &img); err != nil {
		return err
	}
	if _, err := b.value(b.key(tableAbout, id), &about); err != nil {
		return err
	}
	var ended, begun expiries
	for i, g := range grantees {
		key, index := b.key(tableShare, id, string(g)), b.key(tableGrantee, string(g), id)
		var old shareValue
		exists, err := b.value(key, &old)
		if err != nil {
			return err
		}
		if exists && old.Generation == img.Generation {
			about.Shares--
			ended = ended.with(old.Expires)
			b.remove(key)
			b.remove(index)
		}
		share := is(i)
		if share == nil || !img.DeletedAt.IsZero() { // no share is added to a tombstone
			continue
		}
		about.Shares++
		begun = begun.with(share.Expires)
		b.put(index)
		if err := b.putValue(key, &shareValue{*share, img.Generation}); err != nil {
			return err
		}
	}
	if err := b.changeExpiries(b.key(tableExpiring, id), ended, begun); err != nil {
		return err
	}
	return b.putValue(b.key(tableAbout, id), &about)
}

// changeExpiries changes the expiries stored under key by those of the shares that have
// ended and begun. Where these are the same, or none, it does not read them: an owner has
// them from its Load, but a grantee that accepts a share, say, has not.
func (b *batch) changeExpiries(key string, ended, begun expiries) error {
	var gone expiries
	for _, end := range ended {
		if left := begun.without(end); len(left) < len(begun) {
			begun = left
		} else {
			gone = gone.with(end)
		}
	}
	if len(gone)+len(begun) == 0 {
		return nil
	}
	var ends expiries
	if _, err := b.value(key, &ends); err != nil {
		return err
	}
	for _, end := range gone {
		ends = ends.without(end)
	}
	if ends = append(ends, begun...); len(ends) == 0 {
		b.remove(key)
		return nil
	}
	return b.putValue(key, &ends)
}

// appendEvents appends events to the log. They are written at the end, all as one.
func (b *batch) appendEvents(events []sharing.Event) error {
	for _, ev := range events {
		if ev.Image != "" {
			key := b.key(tableAbout, string(ev.Image))
			var about aboutValue
			if _, err := b.value(key, &about); err != nil {
				return err
			}
			about.Sequence = ev.Sequence
			if err := b.putValue(key, &about); err != nil {
				return err
			}
		}
		ev.Cursor = ""
		b.events = append(b.events, ev)
	}
	return nil
}
