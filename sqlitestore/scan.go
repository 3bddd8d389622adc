package sqlitestore

import (
	"strings"

	"github.com/imageshare/sharing"
)

// A selection is a query in the making: conditions with their arguments.
// The SQL depends on which conditions there are, not on the arguments, so that few statements are prepared.
type selection struct {
	sql  strings.Builder
	args []any
}

func selecting(sql string, args ...any) *selection {
	s := &selection{args: args}
	s.sql.WriteString(sql)
	return s
}

// and adds a condition on one argument.
func (s *selection) and(condition, arg string) {
	s.sql.WriteString(" AND " + condition)
	s.args = append(s.args, arg)
}

// equal adds the condition that column is value, if value is not empty.
func (s *selection) equal(column, value string) {
	if value != "" {
		s.and(column+" = ?", value)
	}
}

func (s *selection) orderedBy(columns string) *selection {
	s.sql.WriteString(" ORDER BY " + columns)
	return s
}

func (tx *view) start(s *selection) *query { return tx.conn.query(s.sql.String(), s.args...) }

func hasLabels(labels, wanted map[string]string) bool {
	for key, value := range wanted {
		if got, ok := labels[key]; !ok || got != value {
			return false
		}
	}
	return true
}

const selectDerived = `SELECT id, record FROM images WHERE source = ? AND id > ? ORDER BY id`

// Derived implements [sharing.ViewTx].
func (tx *view) Derived(source, after sharing.ImageID, limit int) (found []*sharing.ImageRecord, err error) {
	q := tx.conn.query(selectDerived, string(source), string(after))
	for err == nil && len(found) < limit && q.next() {
		record := new(sharing.ImageRecord)
		if err = decodeImage(q.ColumnRawBlob(0), q.ColumnRawBlob(1), record); err == nil {
			found = append(found, record)
		}
	}
	return found, tx.end(q, err)
}

// Instances implements [sharing.ViewTx].
func (tx *view) Instances(scan sharing.InstanceScan, each func(*sharing.InstanceRecord)) (err error) {
	q := tx.start(instanceSelection(&scan))
	defer func() { err = tx.end(q, err) }()
	var record sharing.InstanceRecord
	for left := scan.Limit; left > 0 && q.next(); {
		record = sharing.InstanceRecord{}
		if err := decodeInstance(q.ColumnRawBlob(0), q.ColumnRawBlob(1), &record); err != nil {
			return err
		}
		if hasLabels(record.Labels, scan.Query.Labels) {
			each(&record)
			left--
		}
	}
	return nil
}

func instanceSelection(scan *sharing.InstanceScan) *selection {
	s := selecting(`SELECT id, record FROM instances WHERE terminated = 0 AND id > ?`, string(scan.After))
	s.equal("owner", string(scan.Owner))
	s.equal("image", string(scan.Query.Image))
	s.equal("region", string(scan.Query.Region))
	return s.orderedBy("id")
}

const selectSharedImages = `SELECT` + shareColumns + `, i.id, i.record FROM `

// Shares implements [sharing.ViewTx].
func (tx *view) Shares(scan sharing.ShareScan, each func(*sharing.SharedImage)) error {
	left := scan.Limit
	for _, s := range shareSelections(&scan) {
		if err := tx.eachShare(s, &left, each); err != nil {
			return err
		}
	}
	return nil
}

// eachShare calls each for the shares that s selects, at most as many as are left.
func (tx *view) eachShare(s *selection, left *int, each func(*sharing.SharedImage)) (err error) {
	q := tx.start(s)
	defer func() { err = tx.end(q, err) }()
	var record sharing.ImageRecord
	var shared sharing.SharedImage
	for *left > 0 && q.next() {
		record, shared = sharing.ImageRecord{}, sharing.SharedImage{Record: &record}
		if err := decodeImage(q.ColumnRawBlob(5), q.ColumnRawBlob(6), &record); err != nil {
			return err
		}
		if shared.Share, err = scanShare(q, record.ID); err != nil {
			return err
		}
		each(&shared)
		*left--
	}
	return nil
}

// shareSelections returns the queries that give what scan selects, one after the other.
func shareSelections(scan *sharing.ShareScan) []*selection {
	after := scan.After
	switch {
	case scan.Image != "" && scan.Image < after.Image:
		return nil
	case scan.Image != "" && scan.Image > after.Image:
		return []*selection{sharesOfImage(scan, scan.Image, "")}
	case scan.Image != "":
		return []*selection{sharesOfImage(scan, scan.Image, after.Grantee)}
	}
	account := false
	if scan.Grantee != "" {
		_, account = scan.Grantee.Account()
	}
	var rest *selection
	var order string
	if account || scan.Owner == "" {
		order = "s.image"
		rest = selecting(selectSharedImages+`shares s CROSS JOIN images i ON i.id = s.image WHERE i.deleted = 0 AND s.image > ?`, string(after.Image))
	} else {
		// An owner has few images beside those that are shared with everyone.
		order = "i.id, s.grantee"
		rest = selecting(selectSharedImages+`images i CROSS JOIN shares s ON s.image = i.id WHERE i.deleted = 0 AND i.id > ?`, string(after.Image))
	}
	rest.equal("i.owner", string(scan.Owner))
	rest.equal("s.grantee", string(scan.Grantee))
	rest.orderedBy(order)
	if after.Image == "" {
		return []*selection{rest}
	}
	return []*selection{sharesOfImage(scan, after.Image, after.Grantee), rest}
}

func sharesOfImage(scan *sharing.ShareScan, image sharing.ImageID, after sharing.Grantee) *selection {
	s := selecting(selectSharedImages+`shares s CROSS JOIN images i ON i.id = s.image WHERE i.deleted = 0 AND s.image = ? AND s.grantee > ?`,
		string(image), string(after))
	s.equal("i.owner", string(scan.Owner))
	s.equal("s.grantee", string(scan.Grantee))
	return s.orderedBy("s.grantee")
}
