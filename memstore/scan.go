package memstore

import "github.com/imageshare/sharing"

// Images implements [sharing.ViewTx].
func (tx *view) Images(scan sharing.ImageScan, each func(*sharing.Access)) error {
	s, q := tx.store, &scan.Query
	wanted := s.selectImages(scan)
	var images [readAhead]*image
	var access sharing.Access
	next, ok := wanted.seek(scan.After, true)
	for left := scan.Limit; ok && left > 0; {
		if err := tx.ctx.Err(); err != nil {
			return err
		}
		batch := images[:0]
		for ; ok && len(batch) < min(readAhead, left); next, ok = wanted.seek(next.key, true) {
			batch = append(batch, next.value)
		}
		prefetch(batch)
		for _, img := range batch {
			if !img.live() || q.Region != "" && q.Region != img.record.Region {
				continue
			}
			access = sharing.Access{}
			s.access(img, scan.Account, scan.Organizations, &access)
			if q.Origin == 0 || q.Origin&origin(&access, scan.Account) != 0 {
				each(&access)
				left--
			}
		}
	}
	return tx.ctx.Err()
}

// readAhead is how many images a scan fetches at once.
const readAhead = 32

// prefetch reads a little of each image, of its shares and of its owner's name. In loops that do nothing else, the processor
// waits for the memory of many images at once; judging them, it would wait for one after the other.
//
//go:noinline
func prefetch(images []*image) (read int) {
	for _, img := range images {
		if rec := img.record; img.live() {
			read += int(rec.State) + int(rec.Size) + rec.CreatedAt.Nanosecond() // which lie apart
		}
	}
	for _, img := range images {
		read += img.shares.first.len()
		if owner := img.record.Owner; owner != "" {
			read += int(owner[0])
		}
	}
	return read
}

// origin returns the ways by which an image that is not deleted reaches account, whatever
// the shares' status and expiry.
func origin(access *sharing.Access, account sharing.AccountID) sharing.Origin {
	var by sharing.Origin
	if access.Image.Owner == account {
		by |= sharing.OriginOwn
	}
	if access.Own.Exists || access.Organization.Exists {
		by |= sharing.OriginShared
	}
	if access.Everyone.Exists {
		by |= sharing.OriginPublic
	}
	return by
}

// selectImages finds the images that scan selects, and maybe some in other regions or that no share reaches any more.
func (s *Store) selectImages(scan sharing.ImageScan) seeker[sharing.ImageID, *image] {
	q := &scan.Query
	var wanted intersection[sharing.ImageID, *image]
	if q.Origin != 0 {
		wanted = append(wanted, s.reached(scan))
	}
	for _, a := range []attribute{
		{fieldOwner, "", string(q.Owner)},
		{fieldFamily, "", q.Family},
		{fieldName, "", q.Name},
		{fieldDigest, "", q.Digest},
		{fieldSource, "", string(q.Source)},
	} {
		if a.value != "" {
			wanted = append(wanted, s.imagesBy[a].cursor())
		}
	}
	if q.Owner != "" && q.Region != "" {
		wanted = append(wanted, s.imagesBy[attribute{fieldOwnerRegion, string(q.Owner), string(q.Region)}].cursor())
	}
	for key, value := range q.Labels {
		wanted = append(wanted, s.imagesBy[attribute{fieldLabel, key, value}].cursor())
	}
	if len(wanted) == 0 {
		// The engine always asks by origin, so no index serves this.
		var every set[sharing.ImageID, *image]
		for id, img := range s.images {
			every.add(id, img)
		}
		return every.cursor()
	}
	if len(wanted) == 1 {
		return wanted[0]
	}
	return wanted
}

// reached finds the images that reach the account by the origins of the query.
func (s *Store) reached(scan sharing.ImageScan) seeker[sharing.ImageID, *image] {
	var reached union[sharing.ImageID, *image]
	by := func(set *set[sharing.ImageID, *image]) {
		if set != nil {
			reached = append(reached, set.cursor())
		}
	}
	if scan.Query.Origin&sharing.OriginOwn != 0 {
		by(s.imagesBy[attribute{fieldOwner, "", string(scan.Account)}])
	}
	if scan.Query.Origin&sharing.OriginShared != 0 {
		by(s.sharedWith[sharing.Grantee(scan.Account)])
		for _, id := range scan.Organizations {
			by(s.sharedWith[sharing.Organization(id)])
		}
	}
	if scan.Query.Origin&sharing.OriginPublic != 0 {
		by(s.sharedWith[sharing.Everyone])
	}
	if len(reached) == 1 {
		return reached[0]
	}
	return reached
}

// Derived implements [sharing.ViewTx].
func (tx *view) Derived(source, after sharing.ImageID, limit int) ([]*sharing.ImageRecord, error) {
	s := tx.store
	var found []*sharing.ImageRecord
	for _, img := range all(s.imagesBy[attribute{fieldDerived, "", string(source)}].cursor(), after, true) {
		if found = append(found, img.record); len(found) == limit {
			break
		}
	}
	return found, tx.ctx.Err()
}

// Shares implements [sharing.ViewTx].
func (tx *view) Shares(scan sharing.ShareScan, each func(*sharing.SharedImage)) error {
	page := sharePage{store: tx.store, scan: scan, left: scan.Limit, each: each}
	if scan.Image != "" {
		if scan.Image >= scan.After.Image {
			page.add(scan.Image, tx.store.images[scan.Image])
		}
		return tx.ctx.Err()
	}
	var wanted intersection[sharing.ImageID, *image]
	if scan.Owner != "" {
		wanted = append(wanted, tx.store.imagesBy[attribute{fieldOwnerShared, "", string(scan.Owner)}].cursor())
	}
	if scan.Grantee != "" {
		wanted = append(wanted, tx.store.sharedWith[scan.Grantee].cursor())
	}
	if len(wanted) == 0 {
		return tx.ctx.Err()
	}
	for id, img := range all(wanted, scan.After.Image, false) {
		if err := tx.ctx.Err(); err != nil {
			return err
		}
		if page.add(id, img); page.left == 0 {
			break
		}
	}
	return tx.ctx.Err()
}

// A sharePage hands out what a scan of shares selects, image by image.
type sharePage struct {
	store *Store
	scan  sharing.ShareScan
	left  int // of the limit
	each  func(*sharing.SharedImage)
	item  sharing.SharedImage // that is handed out
}

// add hands out the shares of the image that are selected, until the page is full.
func (p *sharePage) add(id sharing.ImageID, img *image) {
	if !img.live() || p.scan.Owner != "" && p.scan.Owner != img.record.Owner {
		return
	}
	after := sharing.Grantee("")
	if id == p.scan.After.Image {
		after = p.scan.After.Grantee
	}
	if g := p.scan.Grantee; g != "" {
		if r, ok := img.shares.find(g, p.store.tag(g)); ok && g > after {
			p.hand(r.share(id), img)
		}
		return
	}
	for r := range img.shares.from(after, true) {
		if p.left == 0 {
			return
		}
		p.hand(r.share(id), img)
	}
}

func (p *sharePage) hand(share sharing.Share, of *image) {
	p.item = sharing.SharedImage{Share: share, Record: of.record}
	p.each(&p.item)
	p.left--
}

// Instances implements [sharing.ViewTx].
func (tx *view) Instances(scan sharing.InstanceScan, each func(*sharing.InstanceRecord)) error {
	s, q := tx.store, &scan.Query
	by := func(f field, name, value string) seeker[sharing.InstanceID, nothing] {
		return s.instancesBy[attribute{f, name, value}].cursor()
	}
	var wanted intersection[sharing.InstanceID, nothing]
	switch {
	case scan.Owner != "" && q.Image != "":
		wanted = append(wanted, by(fieldOwnerImage, string(scan.Owner), string(q.Image)))
	case scan.Owner != "":
		wanted = append(wanted, by(fieldOwner, "", string(scan.Owner)))
	default:
		wanted = append(wanted, by(fieldImage, "", string(q.Image)))
	}
	for key, value := range q.Labels {
		wanted = append(wanted, by(fieldLabel, key, value))
	}
	left := scan.Limit
	for id := range all(wanted, scan.After, true) {
		if err := tx.ctx.Err(); err != nil {
			return err
		}
		rec := s.instances[id]
		if q.Region != "" && q.Region != rec.Region {
			continue
		}
		each(rec)
		if left--; left == 0 {
			break
		}
	}
	return tx.ctx.Err()
}
