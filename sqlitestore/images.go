package sqlitestore

import (
	"errors"

	"github.com/imageshare/sharing"
)

// usualPage is how many images a scan makes room for: those of a page by default, and the one that tells whether there are more.
const usualPage = 101

// Images implements [sharing.ViewTx].
//
// The images come from one or several queries, each in ascending order of ID, which are merged.
func (tx *view) Images(scan sharing.ImageScan) (found []sharing.Access, err error) {
	found = make([]sharing.Access, 0, min(scan.Limit, usualPage))
	var from merge
	for _, s := range imageSelections(&scan) {
		from = append(from, &source{query: tx.start(s)})
	}
	from.start()
	for err == nil && len(found) < scan.Limit {
		next := from.least()
		if next == nil {
			break
		}
		var access sharing.Access
		if err = tx.scanAccess(next.query, next.id, &access); err == nil && hasLabels(access.Image.Labels, scan.Query.Labels) {
			if err = tx.organizations(scan.Organizations, &access); err == nil && reaches(access, &scan) {
				found = append(found, access)
			}
		}
		from.after(next.id)
	}
	for _, source := range from {
		err = errors.Join(err, tx.end(source.query, nil))
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// reaches reports whether an image reaches the account by an origin that scan asks for.
func reaches(access sharing.Access, scan *sharing.ImageScan) bool {
	var by sharing.Origin
	if access.Image.Owner == scan.Account {
		by |= sharing.OriginOwn
	}
	if access.Own.Exists || access.Organization.Exists {
		by |= sharing.OriginShared
	}
	if access.Everyone.Exists {
		by |= sharing.OriginPublic
	}
	return scan.Query.Origin == 0 || scan.Query.Origin&by != 0
}

const (
	imagesAlone  = `SELECT` + accessColumns + `, i.id FROM images i` + accessShares + `WHERE i.deleted = 0 AND i.id > ?`
	imagesShared = `SELECT` + accessColumns + `, i.id FROM shares s CROSS JOIN images i ON i.id = s.image` + accessShares +
		`WHERE i.deleted = 0 AND s.image > ?`
)

// imageSelections returns the queries that together give what scan selects, and maybe more, but for labels.
func imageSelections(scan *sharing.ImageScan) []*selection {
	query := &scan.Query
	add := func(sql, column, value string) *selection {
		s := selecting(sql, string(scan.Account), string(scan.After))
		s.equal(column, value)
		if column != "i.owner" {
			s.equal("i.owner", string(query.Owner))
		}
		s.equal("i.region", string(query.Region))
		s.equal("i.family", query.Family)
		s.equal("i.name", query.Name)
		s.equal("i.digest", query.Digest)
		s.equal("i.source", string(query.Source))
		if sql == imagesShared {
			return s.orderedBy("s.image")
		}
		return s.orderedBy("i.id")
	}
	// Where everyone's images are asked for, those of one owner are fewer.
	if query.Origin == 0 || query.Source != "" || query.Owner != "" && (query.Origin&sharing.OriginPublic != 0 || query.Owner == scan.Account) {
		return []*selection{add(imagesAlone, "i.owner", string(query.Owner))}
	}
	var all []*selection
	if query.Origin&sharing.OriginOwn != 0 && query.Owner == "" {
		all = append(all, add(imagesAlone, "i.owner", string(scan.Account)))
	}
	if query.Origin&sharing.OriginShared != 0 {
		all = append(all, add(imagesShared, "s.grantee", string(scan.Account)))
		for _, id := range scan.Organizations {
			all = append(all, add(imagesShared, "s.grantee", string(sharing.Organization(id))))
		}
	}
	if query.Origin&sharing.OriginPublic != 0 {
		all = append(all, add(imagesShared, "s.grantee", string(sharing.Everyone)))
	}
	return all
}

// A source is one of the queries that are merged.
type source struct {
	*query
	id string // of the row that it is at; empty at the end
}

func (s *source) advance() {
	s.id = ""
	if s.next() {
		s.id = s.ColumnText(6)
	}
}

// A merge gives the rows of several sources in ascending order of ID.
type merge []*source

func (m merge) start() {
	for _, s := range m {
		s.advance()
	}
}

// least returns a source that is at the least ID, or nil at the end.
func (m merge) least() (least *source) {
	for _, s := range m {
		if s.id != "" && (least == nil || s.id < least.id) {
			least = s
		}
	}
	return least
}

// after advances the sources that are at id.
func (m merge) after(id string) {
	for _, s := range m {
		if s.id == id {
			s.advance()
		}
	}
}
