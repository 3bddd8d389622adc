package memstore

import "github.com/imageshare/sharing"

// An update is a transaction that writes: it remembers what to write, in order, until its closure has returned nil.
type update struct {
	view
	writes []write
	events []sharing.Event
	packed block // the events, packed before readers have to wait
}

// A write is one call of an update: only the fields that it needs are set.
type write struct {
	image    *image
	instance *sharing.InstanceRecord
	trust    *sharing.Trust
	account  sharing.AccountID // whose trust it is
	shares   []sharing.Share
	ended    []sharing.Grantee
	endedOf  sharing.ImageID
}

// reset makes the update ready for another transaction.
func (tx *update) reset() {
	clear(tx.writes)
	clear(tx.events)
	tx.ctx, tx.writes, tx.events = nil, tx.writes[:0], tx.events[:0]
	tx.packed.reset()
}

func (tx *update) write(w write) error {
	if err := tx.ctx.Err(); err != nil {
		return err
	}
	tx.writes = append(tx.writes, w)
	return nil
}

// PutImage implements [sharing.UpdateTx].
func (tx *update) PutImage(record sharing.ImageRecord) error {
	together(&record)
	return tx.write(write{image: newImage(record)})
}

// PutShares implements [sharing.UpdateTx].
func (tx *update) PutShares(shares []sharing.Share) error { return tx.write(write{shares: shares}) }

// DeleteShares implements [sharing.UpdateTx].
func (tx *update) DeleteShares(image sharing.ImageID, grantees []sharing.Grantee) error {
	return tx.write(write{endedOf: image, ended: grantees})
}

// PutInstance implements [sharing.UpdateTx].
func (tx *update) PutInstance(record sharing.InstanceRecord) error {
	return tx.write(write{instance: &record})
}

// PutTrust implements [sharing.UpdateTx].
func (tx *update) PutTrust(account sharing.AccountID, trust sharing.Trust) error {
	return tx.write(write{account: account, trust: &trust})
}

// Append implements [sharing.UpdateTx].
func (tx *update) Append(events []sharing.Event) error {
	if err := tx.ctx.Err(); err != nil {
		return err
	}
	tx.events = append(tx.events, events...)
	for i := range events {
		tx.packed.append(&events[i])
	}
	return nil
}

// apply makes the write. It can't fail.
func (s *Store) apply(w *write) {
	switch {
	case w.image != nil:
		s.putImage(w.image)
	case w.instance != nil:
		s.putInstance(w.instance)
	case w.trust != nil:
		s.putTrust(w.account, *w.trust)
	}
	s.putShares(w.shares)
	s.deleteShares(w.endedOf, w.ended)
}

func (s *Store) putImage(with *image) {
	id := with.record.ID
	img := s.images[id]
	if img == nil {
		s.images[id] = with
		reindex(s.imagesBy, id, with, nil, with.attributes())
		return
	}
	before, owner := img.attributes(), img.record.Owner
	img.record = with.record
	img.withOwner = img.withOwner || !img.shares.empty() && img.record.Owner != owner
	if img.deleted() && !img.shares.empty() {
		s.leftovers = append(s.leftovers, leftover{image: id, shares: img.shares})
		img.shares, img.withOwner = shares{}, false
	}
	reindex(s.imagesBy, id, img, before, img.attributes())
}

// together puts the texts that every decision compares into one piece of memory.
func together(rec *sharing.ImageRecord) {
	text := string(rec.ID) + string(rec.Owner) + string(rec.Region)
	owner, region := len(rec.ID), len(rec.ID)+len(rec.Owner)
	rec.ID, rec.Owner, rec.Region = sharing.ImageID(text[:owner]), sharing.AccountID(text[owner:region]), sharing.Region(text[region:])
}

// image returns what is held about id, which may be nothing yet.
func (s *Store) image(id sharing.ImageID) *image {
	img := s.images[id]
	if img == nil {
		img = &image{record: &noRecord}
		s.images[id] = img
	}
	return img
}

func (s *Store) putShares(shares []sharing.Share) {
	if len(shares) == 0 {
		return
	}
	id := shares[0].Image
	img := s.image(id)
	if img.deleted() {
		return
	}
	if img.shares.empty() && img.live() {
		s.imagesBy.add(attribute{fieldOwnerShared, "", string(img.record.Owner)}, id, img)
	}
	for i := range shares {
		grantee := shares[i].Grantee
		img.shares.put(&shares[i], s.tag(grantee))
		img.withOwner = img.withOwner || grantee == sharing.Grantee(img.record.Owner)
		s.sharedWith.add(grantee, id, img)
	}
}

func (s *Store) deleteShares(id sharing.ImageID, grantees []sharing.Grantee) {
	img := s.images[id]
	if img == nil || img.shares.empty() {
		return
	}
	for _, grantee := range grantees {
		if img.shares.remove(grantee) {
			s.sharedWith.remove(grantee, id)
		}
	}
	if img.shares.empty() {
		s.imagesBy.remove(attribute{fieldOwnerShared, "", string(img.record.Owner)}, id)
	}
}

func (s *Store) putInstance(rec *sharing.InstanceRecord) {
	before := instanceAttributes(s.instances[rec.ID])
	s.instances[rec.ID] = rec
	reindex(s.instancesBy, rec.ID, nothing{}, before, instanceAttributes(rec))
}

func (s *Store) putTrust(account sharing.AccountID, trust sharing.Trust) {
	if !trust.Enforce && len(trust.Owners) == 0 {
		delete(s.trust, account)
		return
	}
	s.trust[account] = trust
}

func (s *Store) appendEvents(events []sharing.Event, packed *block) {
	for i := range events {
		ev := &events[i]
		at := s.log.append(ev, packed.at(i))
		if ev.Image != "" {
			img := s.image(ev.Image)
			img.sequence, img.events = ev.Sequence, img.events.with(at, nothing{})
		}
	}
	if len(events) > 0 {
		s.log.announce()
	}
}

// A leftover is what a deleted image leaves in the index by grantee: the delete itself must not cost by its shares.
type leftover struct {
	image  sharing.ImageID
	shares shares
	swept  int // of the last chunk
}

// sweepRows is how many shares' leftovers a transaction that writes removes, having put a number of shares: one,
// so that nobody's write waits for others' deletes, and two for each share, so that leftovers don't pile up.
func sweepRows(put int) int { return 1 + 2*put }

// sweep removes some of what deleted images left.
func (s *Store) sweep(rows int) {
	for range rows {
		if len(s.leftovers) == 0 {
			return
		}
		last := &s.leftovers[len(s.leftovers)-1]
		id, grantee := last.image, last.next()
		if last.shares.empty() {
			*last = leftover{}
			s.leftovers = s.leftovers[:len(s.leftovers)-1]
		}
		// A record put in place of the tombstone may have got the same share since.
		if _, again := s.images[id].shares.find(grantee, s.tag(grantee)); !again {
			s.sharedWith.remove(grantee, id)
		}
	}
}

// next returns a grantee, and takes the chunk off if it was its last.
func (l *leftover) next() sharing.Grantee {
	n := l.shares.chunkCount() - 1
	r := row{*l.shares.chunkAt(n), l.swept}
	if l.swept++; l.swept == r.chunk.len() {
		l.shares.dropChunk(n)
		l.swept = 0
	}
	return r.grantee()
}
