package sqlitestore

import (
	"bytes"
	"encoding/json"

	"github.com/imageshare/sharing"
)

// Images implements [sharing.ViewTx].
//
// It merges the results of one or several queries, each in ascending order of ID.
func (tx *view) Images(scan sharing.ImageScan, each func(*sharing.Access)) (err error) {
	var from merge
	for _, s := range imageSelections(&scan) {
		from = append(from, &source{query: tx.start(s)})
	}
	defer func() {
		for _, source := range from {
			err = tx.end(source.query, err)
		}
	}()
	from.start()
	var record sharing.ImageRecord
	var access sharing.Access
	for left := scan.Limit; left > 0; {
		next := from.least()
		if next == nil {
			break
		}
		record, access = sharing.ImageRecord{}, sharing.Access{Image: &record}
		if err := tx.scanAccess(next.query, next.id, &access); err != nil {
			return err
		}
		if hasLabels(record.Labels, scan.Query.Labels) {
			if err := tx.organizations(scan.Organizations, record.ID, &access); err != nil {
				return err
			}
			if reaches(&access, &scan) {
				each(&access)
				left--
			}
		}
		from.after(record.ID)
	}
	return nil
}

// reaches reports whether an image reaches the account by an origin that scan asks for.
func reaches(access *sharing.Access, scan *sharing.ImageScan) bool {
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
	imagesAlone  = `SELECT` + accessColumns + `, i.id FROM images i` + accessShares + `WHERE i.deleted = 0 AND i.id > ?2`
	imagesShared = `SELECT` + accessColumns + `, i.id FROM shares s CROSS JOIN images i ON i.id = s.image` + accessShares +
		`WHERE i.deleted = 0 AND s.image > ?2`
	// The account's own shares lead to the images, and are not looked up again.
	imagesReceived = `SELECT` + accessColumns + `, i.id FROM shares o CROSS JOIN images i ON i.id = o.image` + everyonesShare +
		`WHERE i.deleted = 0 AND o.image > ?2`
)

// imageSelections returns the queries that together give what scan selects, and maybe more, but for labels.
func imageSelections(scan *sharing.ImageScan) []*selection {
	query := &scan.Query
	const byOwner, byGrantee, byGrantees = "i.owner = ?", "s.grantee = ?", "s.grantee IN (SELECT value FROM json_each(?))"
	add := func(sql, order, condition, value string) *selection {
		s := selecting(sql, string(scan.Account), string(scan.After))
		if value != "" {
			s.and(condition, value)
		}
		if condition != byOwner {
			s.equal("i.owner", string(query.Owner))
		}
		s.equal("i.region", string(query.Region))
		s.equal("i.family", query.Family)
		s.equal("i.name", query.Name)
		s.equal("i.digest", query.Digest)
		s.equal("i.source", string(query.Source))
		return s.orderedBy(order)
	}
	// Where everyone's images are asked for, those of one owner are fewer.
	if query.Origin == 0 || query.Source != "" || query.Owner != "" && (query.Origin&sharing.OriginPublic != 0 || query.Owner == scan.Account) {
		return []*selection{add(imagesAlone, "i.id", byOwner, string(query.Owner))}
	}
	var all []*selection
	if query.Origin&sharing.OriginOwn != 0 && query.Owner == "" {
		all = append(all, add(imagesAlone, "i.id", byOwner, string(scan.Account)))
	}
	if query.Origin&sharing.OriginShared != 0 {
		all = append(all, add(imagesReceived, "o.image", "o.grantee = ?", string(scan.Account)))
		if len(scan.Organizations) > fewOrganizations {
			all = append(all, add(imagesShared, "s.image", byGrantees, grantees(scan.Organizations)))
		} else {
			for _, id := range scan.Organizations {
				all = append(all, add(imagesShared, "s.image", byGrantee, string(sharing.Organization(id))))
			}
		}
	}
	if query.Origin&sharing.OriginPublic != 0 {
		all = append(all, add(imagesShared, "s.image", byGrantee, string(sharing.Everyone)))
	}
	return all
}

// fewOrganizations is how many organizations have a query each, whose rows come in order by an index.
// More have one together, which sorts, since each query at work takes memory, and SQLite has little.
const fewOrganizations = 32

// grantees returns the organizations as grantees, in JSON.
func grantees(organizations []sharing.OrganizationID) string {
	all := make([]sharing.Grantee, len(organizations))
	for i, id := range organizations {
		all[i] = sharing.Organization(id)
	}
	text, _ := json.Marshal(all) // strings can always be encoded
	return string(text)
}

// A source is one of the queries that are merged.
type source struct {
	*query
	id []byte // of the row that it is at; empty at the end
}

func (s *source) advance() {
	s.id = s.id[:0]
	if s.next() {
		s.id = append(s.id, s.ColumnRawBlob(5)...)
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
		if len(s.id) > 0 && (least == nil || bytes.Compare(s.id, least.id) < 0) {
			least = s
		}
	}
	return least
}

// after advances the sources that are at id, some of which have it several times.
func (m merge) after(id sharing.ImageID) {
	for _, s := range m {
		for string(s.id) == string(id) {
			s.advance()
		}
	}
}
