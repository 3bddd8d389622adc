package pgstore

import (
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/imageshare/sharing"
)

// writes are what a transaction writes, kept in order until it commits: a statement for each record.
type writes struct {
	locks  modes // that they need
	batch  []pgx.QueuedQuery
	events []sharing.Event
}

func (w *writes) empty() bool { return len(w.batch)+len(w.events) == 0 }

func (w *writes) lock(kind lockKind, id string, exclusive bool) {
	w.locks.add(lock{kind, id}, exclusive)
}

func (w *writes) add(sql string, args ...any) {
	w.batch = append(w.batch, pgx.QueuedQuery{SQL: sql, Arguments: args})
}

// queue adds the statements to the batch, and those of the events last: between what draws a position and the commit
// there is nothing that waits.
func (w *writes) queue(batch *pgx.Batch) error {
	for _, statement := range w.batch {
		batch.Queue(statement.SQL, statement.Arguments...)
	}
	if len(w.events) == 0 {
		batch.Queue(passGate)
	}
	for i, ev := range w.events {
		ev.Cursor = ""
		body, err := json.Marshal(ev)
		if err != nil {
			return fmt.Errorf("pgstore: an event of operation %q can't be encoded: %w", ev.Operation, err)
		}
		args := []any{i + 1, ev.Operation, string(ev.Image), string(ev.Actor), ev.Sequence, string(body)}
		if i == 0 {
			batch.Queue(appendFirst, append(args, lock{operationLock, ev.Operation}.key())...)
		} else {
			batch.Queue(appendNext, args...)
		}
	}
	return nil
}

// first reports whether the transaction has written nothing so far. Then all is as its Load found it, and locked since.
func (u *update) first() bool { return len(u.writes.batch) == 0 }

// PutImage implements [sharing.UpdateTx].
func (u *update) PutImage(rec sharing.ImageRecord) error {
	body, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("pgstore: image %q can't be encoded: %w", rec.ID, err)
	}
	u.writes.lock(imageLock, string(rec.ID), true)
	u.writes.lock(quotaLock, string(rec.Owner), false)
	put := putImage
	if u.first() && rec.ID == u.known.newImage {
		put = insertImage
	}
	u.writes.add(put, string(rec.ID), string(rec.Owner), string(rec.Region), rec.Family, string(rec.Source.Image), !rec.DeletedAt.IsZero(), string(body))
	return u.ctx.Err()
}

// PutShares implements [sharing.UpdateTx].
func (u *update) PutShares(shares []sharing.Share) error {
	epoch, epochKnown := int64(0), false
	if len(shares) > 0 && u.first() {
		epoch, epochKnown = u.known.epochs[string(shares[0].Image)]
		epochKnown = epochKnown && epoch >= 0 // not that of a deleted image
	}
	for _, s := range shares {
		u.writes.lock(imageLock, string(s.Image), true)
		created, err := encodeTime(s.CreatedAt)
		if err != nil {
			return err
		}
		updated, expires := "", ""
		if !s.UpdatedAt.Equal(s.CreatedAt) {
			if updated, err = encodeTime(s.UpdatedAt); err != nil {
				return err
			}
		}
		if !s.Expires.IsZero() {
			if expires, err = encodeTime(s.Expires); err != nil {
				return err
			}
		}
		if epochKnown {
			u.writes.add(putShareIn, string(s.Image), string(s.Grantee), int16(s.Status), created, updated, expires, epoch)
		} else {
			u.writes.add(putShare, string(s.Image), string(s.Grantee), int16(s.Status), created, updated, expires)
		}
	}
	return u.ctx.Err()
}

// DeleteShares implements [sharing.UpdateTx].
func (u *update) DeleteShares(image sharing.ImageID, grantees []sharing.Grantee) error {
	if len(grantees) > 0 {
		u.writes.lock(imageLock, string(image), true)
		u.writes.add(deleteShares, string(image), texts(grantees))
	}
	return u.ctx.Err()
}

// PutInstance implements [sharing.UpdateTx].
func (u *update) PutInstance(rec sharing.InstanceRecord) error {
	body, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("pgstore: instance %q can't be encoded: %w", rec.ID, err)
	}
	u.writes.lock(instanceLock, string(rec.ID), true)
	u.writes.lock(machinesLock, string(rec.Owner), false)
	put := putInstance
	if u.first() && rec.ID == u.known.newInstance {
		put = insertInstance
	}
	u.writes.add(put, string(rec.ID), string(rec.Owner), string(rec.Image), !rec.TerminatedAt.IsZero(), string(body))
	return u.ctx.Err()
}

// PutTrust implements [sharing.UpdateTx]. The zero policy is none.
func (u *update) PutTrust(account sharing.AccountID, trust sharing.Trust) error {
	u.writes.lock(trustLock, string(account), true)
	if isZero(trust) {
		u.writes.add(deleteTrust, string(account))
		return u.ctx.Err()
	}
	body, err := json.Marshal(trust)
	if err != nil {
		return fmt.Errorf("pgstore: the trust policy of %q can't be encoded: %w", account, err)
	}
	u.writes.add(putTrust, string(account), string(body))
	return u.ctx.Err()
}

// Append implements [sharing.UpdateTx].
func (u *update) Append(events []sharing.Event) error {
	u.writes.events = append(u.writes.events, events...)
	for _, ev := range events {
		if ev.Operation != u.writes.events[0].Operation { // which the first event locks itself
			u.writes.lock(operationLock, ev.Operation, true)
		}
		if ev.Image != "" {
			u.writes.lock(imageLock, string(ev.Image), true)
		}
	}
	return u.ctx.Err()
}

// An image's epoch is raised by each record that is or was a tombstone, so that no share made before it comes back;
// and to what is a tombstone no share is added.
const (
	putImage = insertImage + ` ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, region = excluded.region, family = excluded.family,
			source = excluded.source, deleted = excluded.deleted, epoch = i.epoch + (i.deleted OR excluded.deleted)::int, body = excluded.body`

	putShare = insertShare + `SELECT $1, $2, $3, $4, $5, $6, coalesce(i.epoch, 0) FROM (SELECT) AS one LEFT JOIN sharing.images i ON i.id = $1
		WHERE i.deleted IS NOT TRUE` + replaceShare
	putShareIn   = insertShare + `VALUES ($1, $2, $3, $4, $5, $6, $7)` + replaceShare // in a known epoch: a look at the image costs as much as the rest
	insertShare  = `INSERT INTO sharing.shares (image, grantee, status, created, updated, expires, epoch) `
	replaceShare = ` ON CONFLICT (image, grantee) DO UPDATE SET epoch = excluded.epoch, status = excluded.status,
			created = excluded.created, updated = excluded.updated, expires = excluded.expires`

	deleteShares = `DELETE FROM sharing.shares WHERE image = $1 AND grantee = ANY($2)`

	putInstance = insertInstance + ` ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, image = excluded.image, terminated = excluded.terminated, body = excluded.body`

	putTrust = `INSERT INTO sharing.trust (account, body) VALUES ($1, $2::text::json) ON CONFLICT (account) DO UPDATE SET body = excluded.body`

	deleteTrust = `DELETE FROM sharing.trust WHERE account = $1`

	insertImage = `INSERT INTO sharing.images AS i (id, owner, region, family, source, deleted, epoch, body)
		VALUES ($1, $2, $3, $4, $5, $6::boolean, $6::boolean::int, $7::text::json)`
	insertInstance = `INSERT INTO sharing.instances (id, owner, image, terminated, body) VALUES ($1, $2, $3, $4, $5::text::json)`

	// The first event passes the gate, by a delete of none of its rows, and locks its
	// operation, before it draws the position. See [position].
	appendFirst = `WITH passed AS (DELETE FROM sharing.gate)
		INSERT INTO sharing.events (position, number, operation, image, actor, sequence, body)
		SELECT nextval('sharing.positions'), $1, $2, $3, $4, $5, $6::text::json
		WHERE pg_advisory_xact_lock(hashtextextended($7, 0)) IS NOT NULL`

	appendNext = `INSERT INTO sharing.events (position, number, operation, image, actor, sequence, body)
		VALUES (currval('sharing.positions'), $1, $2, $3, $4, $5, $6::text::json)`
)
