package etcdstore

import (
	"slices"

	"github.com/imageshare/sharing"
)

// Images implements [sharing.ViewTx]. It walks the index that the query names, or those by which images reach the
// account, and looks at each image found there: an index selects by family or origin, the look by everything else.
func (tx *view) Images(scan sharing.ImageScan, each func(*sharing.Access)) error {
	walk := walk{view: tx, after: string(scan.After), indices: tx.imageIndices(scan)}
	for left := scan.Limit; ; {
		ids, err := walk.next(left)
		if err != nil || len(ids) == 0 {
			return err
		}
		if ids, err = tx.preselect(&scan, ids); err != nil {
			return err
		}
		page, err := tx.accesses(ids, scan.Account, scan.Organizations)
		if err != nil {
			return err
		}
		for i := range page {
			if !selects(&scan, &page[i]) {
				continue
			}
			each(&page[i])
			if left--; left == 0 {
				return nil
			}
		}
	}
}

// An index is a prefix of keys whose last of so many parts is an ID. What is read of it are its keys, but of the
// table of images itself the records too, which are needed next.
type index struct {
	table, prefix string
	parts         int
	read          mode
}

func (tx *view) index(table string, parts ...string) index {
	return index{table, tx.key(table, parts...), len(parts) + 1, keysOnly}
}

// imageIndices returns the indices in whose union every image is that scan selects.
func (tx *view) imageIndices(scan sharing.ImageScan) []index {
	q := &scan.Query
	switch {
	case q.Source != "":
		return []index{tx.index(tableSource, string(q.Source))}
	case q.Owner != "" && q.Family != "":
		return []index{tx.index(tableFamily, string(q.Owner), q.Family)}
	case q.Owner != "":
		return []index{tx.index(tableOwner, string(q.Owner))}
	case q.Origin == 0:
		all := tx.index(tableImage)
		all.read = whole
		return []index{all}
	}
	var indices []index
	if q.Origin&sharing.OriginOwn != 0 {
		indices = append(indices, tx.index(tableOwner, string(scan.Account)))
	}
	if q.Origin&sharing.OriginShared != 0 {
		indices = append(indices, tx.index(tableGrantee, string(scan.Account)))
		for _, org := range scan.Organizations {
			indices = append(indices, tx.index(tableGrantee, string(sharing.Organization(org))))
		}
	}
	if q.Origin&sharing.OriginPublic != 0 {
		indices = append(indices, tx.index(tableGrantee, string(sharing.Everyone)))
	}
	return indices
}

// preselect leaves out the images that a look at their record excludes, so that their shares need not be read.
// It costs a request, which a query that asks for no more than an owner or an origin is spared.
func (tx *view) preselect(scan *sharing.ImageScan, ids []string) ([]string, error) {
	q := scan.Query
	if q.Family == "" && q.Name == "" && q.Digest == "" && len(q.Labels) == 0 {
		return ids, nil
	}
	images, err := tx.records(ids)
	var selected []string
	for _, img := range images {
		if matches(&scan.Query, img) {
			selected = append(selected, string(img.ID))
		}
	}
	return selected, err
}

// matches reports whether q selects an image with this record, as far as the record tells.
func matches(q *sharing.ImageQuery, img *sharing.ImageRecord) bool {
	return img.DeletedAt.IsZero() &&
		(q.Region == "" || q.Region == img.Region) &&
		(q.Owner == "" || q.Owner == img.Owner) &&
		(q.Family == "" || q.Family == img.Family) &&
		(q.Name == "" || q.Name == img.Name) &&
		(q.Digest == "" || q.Digest == img.Digest) &&
		(q.Source == "" || q.Source == img.Source.Image) &&
		hasLabels(img.Labels, q.Labels)
}

// selects reports whether scan selects an image.
func selects(scan *sharing.ImageScan, a *sharing.Access) bool {
	q, img := &scan.Query, a.Image
	return img != nil && matches(q, img) &&
		(q.Origin == 0 ||
			q.Origin&sharing.OriginOwn != 0 && img.Owner == scan.Account ||
			q.Origin&sharing.OriginShared != 0 && (a.Own.Exists || a.Organization.Exists) ||
			q.Origin&sharing.OriginPublic != 0 && a.Everyone.Exists)
}

func hasLabels(labels, wanted map[string]string) bool {
	for key, value := range wanted {
		if got, ok := labels[key]; !ok || got != value {
			return false
		}
	}
	return true
}

// accesses returns what account has of each of the images.
func (tx *view) accesses(ids []string, account sharing.AccountID, organizations []sharing.OrganizationID) (found []sharing.Access, err error) {
	found = make([]sharing.Access, 0, len(ids))
	err = tx.assemble(func() error {
		found = found[:0]
		for _, id := range ids {
			access, err := tx.access(sharing.ImageID(id), account, organizations)
			if err != nil {
				return err
			}
			found = append(found, access)
		}
		return nil
	})
	return found, err
}

// records returns the records of images, in their order, those that there are.
func (tx *view) records(ids []string) (found []*sharing.ImageRecord, err error) {
	err = tx.assemble(func() error {
		found = found[:0]
		for _, id := range ids {
			img, err := tx.image(sharing.ImageID(id))
			if err != nil {
				return err
			}
			if img != nil {
				found = append(found, &img.ImageRecord)
			}
		}
		return nil
	})
	return found, err
}

// Derived implements [sharing.ViewTx].
func (tx *view) Derived(source, after sharing.ImageID, limit int) ([]*sharing.ImageRecord, error) {
	walk := walk{view: tx, after: string(after), indices: []index{tx.index(tableSource, string(source))}}
	var found []*sharing.ImageRecord
	for len(found) < limit {
		ids, err := walk.next(limit - len(found))
		if err != nil || len(ids) == 0 {
			return found, err
		}
		page, err := tx.records(ids[:min(limit-len(found), len(ids))])
		if err != nil {
			return nil, err
		}
		found = append(found, page...)
	}
	return found, nil
}

// Instances implements [sharing.ViewTx].
func (tx *view) Instances(scan sharing.InstanceScan, each func(*sharing.InstanceRecord)) error {
	q := &scan.Query
	by := tx.index(tableHas, string(scan.Owner))
	if q.Image != "" {
		by = tx.index(tableFrom, string(q.Image))
		if scan.Owner != "" {
			by = tx.index(tableUses, string(scan.Owner), string(q.Image))
		}
	}
	walk := walk{view: tx, after: string(scan.After), indices: []index{by}}
	for left := scan.Limit; ; {
		ids, err := walk.next(left)
		if err != nil || len(ids) == 0 {
			return err
		}
		var page []*sharing.InstanceRecord
		err = tx.assemble(func() error {
			page = page[:0]
			for _, id := range ids {
				rec, err := tx.instance(sharing.InstanceID(id))
				if err != nil {
					return err
				}
				page = append(page, rec)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, rec := range page {
			if rec == nil || q.Region != "" && q.Region != rec.Region || !hasLabels(rec.Labels, q.Labels) {
				continue
			}
			each(rec)
			if left--; left == 0 {
				return nil
			}
		}
	}
}

// A walk goes through the IDs in some indices, in ascending order, each once.
type walk struct {
	*view
	indices []index
	after   string // the ID after which to go on
	fewest  int    // how many IDs to read next, at least
	ended   bool
}

// The number of IDs that a walk reads at a time is that which the caller still needs, within these bounds,
// and twice as many each time, since a caller that goes on has found few that it wants.
const (
	fewestIDs = 32
	mostIDs   = 1000
)

// next returns the next IDs, about as many as wanted, and none after the last.
func (w *walk) next(wanted int) ([]string, error) {
	if w.ended {
		return nil, w.ctx.Err()
	}
	wanted = min(max(wanted, w.fewest, fewestIDs), mostIDs)
	w.fewest = 2 * wanted
	spans := make([]span, len(w.indices))
	for i, index := range w.indices {
		from := index.prefix
		if w.after != "" {
			from = past(index.entry(w.after))
		}
		spans[i] = span{key: from, end: past(index.prefix), limit: wanted, read: index.read}
	}
	if err := w.ensure(spans...); err != nil {
		return nil, err
	}
	var ids []string
	complete, last := true, "" // up to last, if not all IDs were found
	for i, index := range w.indices {
		found := w.ranges[spans[i]]
		var id string
		for _, kv := range found.items {
			var err error
			if id, err = w.lastPart(index.table, index.parts, string(kv.Key)); err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
		if found.more && (complete || id < last) {
			complete, last = false, id
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if w.ended = complete; !complete {
		n, _ := slices.BinarySearch(ids, last)
		ids = ids[:n+1]
	}
	if len(ids) > 0 {
		w.after = ids[len(ids)-1]
	}
	return ids, nil
}

// entry returns the key of an ID in the index.
func (i index) entry(id string) string {
	return i.prefix + escape(id) + terminator
}
