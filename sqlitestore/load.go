package sqlitestore

import (
	"context"
	"errors"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"github.com/imageshare/sharing"
)

// A view is a transaction that reads.
type view struct {
	store     *Store
	conn      *conn
	ctx       context.Context
	unsettled bool // an operation was asked for while the store was not settled
}

// end returns the error that a query ended with, as the caller is to see it.
func (tx *view) end(q *query, err error) error {
	if closed := q.close(); err == nil {
		err = closed
	}
	if err == nil {
		err = tx.ctx.Err()
	}
	return explain(tx.ctx, err)
}

// Images are read in the eyes of an account: with the account's own share and that with everyone beside the record.
const (
	accessColumns  = ` i.record, o.status, o.expires, e.status, e.expires `
	accessShares   = ` LEFT JOIN shares o ON o.image = i.id AND o.grantee = ?1` + everyonesShare
	everyonesShare = ` LEFT JOIN shares e ON e.image = i.id AND e.grantee = '*' `
	selectAccess   = `SELECT` + accessColumns + `FROM images i` + accessShares + `WHERE i.id = ?2`
	selectTrust    = `SELECT record FROM trust WHERE account = ?`
)

// Access implements [sharing.ViewTx].
func (tx *view) Access(account sharing.AccountID, organizations []sharing.OrganizationID, image sharing.ImageID) (
	access sharing.Access, trust sharing.Trust, err error) {
	if err = tx.access(account, organizations, image, &access); err == nil {
		trust, err = tx.trust(account)
	}
	return access, trust, err
}

// access reads what account has of an image into to.
func (tx *view) access(account sharing.AccountID, organizations []sharing.OrganizationID, image sharing.ImageID, to *sharing.Access) error {
	q := tx.conn.query(selectAccess, string(account), string(image))
	var err error
	if q.next() {
		to.Image = new(sharing.ImageRecord)
		err = tx.scanAccess(q, []byte(image), to)
	}
	if err := tx.end(q, err); err != nil {
		return err
	}
	return tx.organizations(organizations, image, to)
}

// scanAccess reads the columns of access, which a query begins with. There is room for the image's record.
func (tx *view) scanAccess(q *query, image []byte, to *sharing.Access) (err error) {
	if err := decodeImage(image, q.ColumnRawBlob(0), to.Image); err != nil {
		return err
	}
	if !hasShares(to.Image) {
		return nil
	}
	if to.Own, err = scanGrant(q, 1, to.Image.ID); err != nil {
		return err
	}
	to.Everyone, err = scanGrant(q, 3, to.Image.ID)
	return err
}

// scanGrant reads the status and the expiry of a share, which are NULL if there is none.
func scanGrant(q *query, column int, image sharing.ImageID) (sharing.Grant, error) {
	if q.ColumnType(column) == sqlite3.NULL {
		return sharing.Grant{}, nil
	}
	status, expires := q.ColumnInt64(column), q.ColumnRawBlob(column+1)
	at, err := decodeTime(expires)
	if status < 0 || status > int64(sharing.ShareRejected) {
		err = errors.New("it has an unknown status")
	}
	if err != nil {
		return sharing.Grant{}, corrupt("shares", string(image), err)
	}
	return sharing.Grant{Exists: true, Status: sharing.ShareStatus(status), Expires: at}, nil
}

// organizations adds the share that lasts longest of those with the organizations. It looks for them also where
// there is no image: who does not see one that is there is not to find out by how long the answer takes (R20).
func (tx *view) organizations(organizations []sharing.OrganizationID, image sharing.ImageID, to *sharing.Access) error {
	for _, id := range organizations {
		q := tx.conn.query(`SELECT status, expires FROM shares WHERE image = ? AND grantee = ?`,
			string(image), string(sharing.Organization(id)))
		var grant sharing.Grant
		var err error
		if q.next() {
			grant, err = scanGrant(q, 0, image)
		}
		if err := tx.end(q, err); err != nil {
			return err
		}
		if hasShares(to.Image) && lastsLonger(grant, to.Organization) {
			to.Organization = grant
		}
	}
	return nil
}

// hasShares reports whether the shares that lie there are the image's: those of a tombstone have ended.
func hasShares(img *sharing.ImageRecord) bool { return img != nil && img.DeletedAt.IsZero() }

func lastsLonger(a, b sharing.Grant) bool {
	if !a.Exists || !b.Exists {
		return a.Exists
	}
	return !b.Expires.IsZero() && (a.Expires.IsZero() || a.Expires.After(b.Expires))
}

func (tx *view) trust(account sharing.AccountID) (trust sharing.Trust, err error) {
	q := tx.conn.query(selectTrust, string(account))
	if q.next() {
		trust, err = decodeTrust(string(account), q.ColumnRawBlob(0))
	}
	return trust, tx.end(q, err)
}

func (tx *view) instance(id sharing.InstanceID) (instance *sharing.InstanceRecord, err error) {
	q := tx.conn.query(`SELECT record FROM instances WHERE id = ?`, string(id))
	if q.next() {
		instance = new(sharing.InstanceRecord)
		err = decodeInstance([]byte(id), q.ColumnRawBlob(0), instance)
	}
	return instance, tx.end(q, err)
}

// Load implements [sharing.ViewTx].
func (tx *view) Load(need sharing.Need) (state sharing.State, err error) {
	l := loader{view: tx, need: &need, state: &state}
	for _, load := range []func() error{l.instances, l.image, l.shares, l.images, l.counts, l.operation} {
		if err := load(); err != nil {
			return sharing.State{}, err
		}
	}
	return state, tx.ctx.Err()
}

// A loader answers one Load.
type loader struct {
	*view
	need  *sharing.Need
	state *sharing.State
	id    sharing.ImageID // of State.Image
}

func (l *loader) instances() (err error) {
	if l.need.Instance != "" {
		if l.state.Instance, err = l.instance(l.need.Instance); err != nil {
			return err
		}
	}
	for _, id := range l.need.Instances {
		instance, err := l.instance(id)
		if err != nil {
			return err
		}
		l.state.Instances = append(l.state.Instances, instance)
	}
	return nil
}

const selectSequence = `SELECT sequence FROM events WHERE image = ? ORDER BY n DESC LIMIT 1`

func (l *loader) image() (err error) {
	if l.need.Trust {
		if l.state.Trust, err = l.trust(l.need.Account); err != nil {
			return err
		}
	}
	l.id = l.need.Image
	if l.id == "" && l.state.Instance != nil {
		l.id = l.state.Instance.Image
	}
	if l.id == "" {
		return nil
	}
	if err := l.access(l.need.Account, l.need.Organizations, l.id, &l.state.Image); err != nil {
		return err
	}
	l.state.Sequence, err = l.count(selectSequence, string(l.id))
	return err
}

func (l *loader) images() error {
	if len(l.need.Images) > 0 {
		l.state.Images = make([]sharing.Access, len(l.need.Images))
	}
	for i, id := range l.need.Images {
		if err := l.access(l.need.Account, l.need.Organizations, id, &l.state.Images[i]); err != nil {
			return err
		}
	}
	return nil
}

const (
	shareColumns      = ` s.grantee, s.status, s.expires, s.created, s.updated `
	selectShare       = `SELECT` + shareColumns + `FROM shares s WHERE s.image = ? AND s.grantee = ?`
	selectShares      = `SELECT` + shareColumns + `FROM shares s WHERE s.image = ? ORDER BY s.grantee`
	countPresent      = `SELECT count(*) FROM shares WHERE image = ? AND expires > ?`
	countImages       = `SELECT count(*) FROM images WHERE deleted = 0 AND owner = ? AND region = ?`
	countOwnInstances = `SELECT count(*) FROM instances WHERE terminated = 0 AND owner = ? AND image = ?`
	imageExists       = `SELECT EXISTS (SELECT 1 FROM images WHERE id = ?)`
	instanceExists    = `SELECT EXISTS (SELECT 1 FROM instances WHERE id = ?)`
)

func (l *loader) shares() (err error) {
	for _, g := range slices.Sorted(slices.Values(l.need.Grantees)) { // also where there is no image, as in organizations
		if err := l.addShares(selectShare, string(l.id), string(g)); err != nil {
			return err
		}
	}
	img := l.state.Image.Image
	if !hasShares(img) {
		l.state.Shares = nil
		return nil
	}
	owned := l.need.Account != "" && l.need.Account == img.Owner
	if owned && l.need.AllShares {
		if err := l.addShares(selectShares, string(l.id)); err != nil {
			return err
		}
	}
	if owned && !l.need.PresentAt.IsZero() {
		var n int64
		n, err = l.count(countPresent, string(l.id), encodeTime(l.need.PresentAt))
		l.state.PresentShares = int(n)
	}
	return err
}

func (l *loader) addShares(sql string, args ...any) (err error) {
	q := l.conn.query(sql, args...)
	for err == nil && q.next() {
		var share sharing.Share
		if share, err = scanShare(q, l.id); err == nil {
			l.state.Shares = append(l.state.Shares, share)
		}
	}
	return l.end(q, err)
}

// scanShare reads the columns of a share of image, which a query begins with.
func scanShare(q *query, image sharing.ImageID) (sharing.Share, error) {
	share := sharing.Share{Image: image, Grantee: sharing.Grantee(q.ColumnText(0))}
	grant, err := scanGrant(q, 1, image)
	if err != nil {
		return share, err
	}
	share.Status, share.Expires = grant.Status, grant.Expires
	if share.CreatedAt, err = decodeTime(q.ColumnRawBlob(3)); err == nil {
		share.UpdatedAt, err = decodeTime(q.ColumnRawBlob(4))
	}
	if err != nil {
		return share, corrupt("shares", string(image)+" "+string(share.Grantee), err)
	}
	return share, nil
}

func (l *loader) counts() (err error) {
	region := l.need.ImagesIn
	if l.need.ImagesBeside && l.state.Instance != nil {
		region = l.state.Instance.Region
	}
	var owned, instances, taken int64
	if region != "" {
		owned, err = l.count(countImages, string(l.need.Account), string(region))
	}
	if err == nil && l.need.OwnInstances {
		instances, err = l.count(countOwnInstances, string(l.need.Account), string(l.id))
	}
	if err == nil && l.need.NewImage != "" {
		taken, err = l.count(imageExists, string(l.need.NewImage))
	}
	if err == nil && taken == 0 && l.need.NewInstance != "" {
		taken, err = l.count(instanceExists, string(l.need.NewInstance))
	}
	l.state.ImagesOwned, l.state.OwnInstances, l.state.Taken = int(owned), int(instances), taken != 0
	return err
}

// count returns the one integer that a query gives.
func (tx *view) count(sql string, args ...any) (int64, error) {
	n, err := tx.conn.integer(sql, args...)
	return n, explain(tx.ctx, err)
}

// errUnsettled ends a closure that is run again once the store is settled.
var errUnsettled = errors.New("sqlitestore: a commit that failed is not settled yet")

func (l *loader) operation() (err error) {
	if l.need.Operation == "" {
		return nil
	}
	if l.store.unsettled.Load() {
		l.unsettled = true
		return errUnsettled
	}
	l.state.Operation, err = l.events(`SELECT n, operation, record FROM events WHERE operation = ? ORDER BY n`, l.need.Operation)
	return err
}
