package pgstore

import (
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/imageshare/sharing"
)

// writes are what a transaction writes, kept until it commits. One statement writes many records of a kind,
// so that the number of statements grows with how often the kinds alternate, and not with that of the records.
type writes struct {
	locks modes // that they need

	// Images and shares are written in their order: a record that is a tombstone ends the shares before it, and not those after.
	runs      []run
	instances map[sharing.InstanceID]sharing.InstanceRecord
	trust     map[sharing.AccountID]sharing.Trust
	events    []sharing.Event
}

// A run is writes of one kind that follow each other, and are made by one statement.
type run struct {
	sql  string
	keys map[string]bool // of the records, none of which may come twice
	rows [][]any
}

func (w *writes) empty() bool {
	return len(w.runs)+len(w.instances)+len(w.trust)+len(w.events) == 0
}

func (w *writes) lock(kind lockKind, id string, exclusive bool) {
	if w.locks == nil {
		w.locks = make(modes)
	}
	w.locks.add(lock{kind, id}, exclusive)
}

// add adds a row of a record with this key to the last run, or to a new one.
func (w *writes) add(sql, key string, row ...any) {
	last := len(w.runs) - 1
	if last < 0 || w.runs[last].sql != sql || w.runs[last].keys[key] {
		w.runs = append(w.runs, run{sql: sql, keys: make(map[string]bool)})
		last++
	}
	w.runs[last].keys[key] = true
	w.runs[last].rows = append(w.runs[last].rows, row)
}

// PutImage implements [sharing.UpdateTx].
func (u *update) PutImage(rec sharing.ImageRecord) error {
	body, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("pgstore: image %q can't be encoded: %w", rec.ID, err)
	}
	u.writes.lock(imageLock, string(rec.ID), true)
	u.writes.lock(quotaLock, string(rec.Owner), false)
	u.writes.add(putImages, string(rec.ID), string(rec.ID), string(rec.Owner), string(rec.Region), rec.Family, string(rec.Source.Image),
		!rec.DeletedAt.IsZero(), string(body))
	return u.ctx.Err()
}

// PutShares implements [sharing.UpdateTx].
func (u *update) PutShares(shares []sharing.Share) error {
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
		u.writes.add(putShares, string(s.Image)+" "+string(s.Grantee), string(s.Image), string(s.Grantee), int16(s.Status), created, updated, expires)
	}
	return u.ctx.Err()
}

// DeleteShares implements [sharing.UpdateTx].
func (u *update) DeleteShares(image sharing.ImageID, grantees []sharing.Grantee) error {
	for _, g := range grantees {
		u.writes.lock(imageLock, string(image), true)
		u.writes.add(deleteShares, string(image)+" "+string(g), string(image), string(g))
	}
	return u.ctx.Err()
}

// PutInstance implements [sharing.UpdateTx].
func (u *update) PutInstance(rec sharing.InstanceRecord) error {
	if u.writes.instances == nil {
		u.writes.instances = make(map[sharing.InstanceID]sharing.InstanceRecord)
	}
	u.writes.lock(instanceLock, string(rec.ID), true)
	u.writes.lock(machinesLock, string(rec.Owner), false)
	u.writes.instances[rec.ID] = rec
	return u.ctx.Err()
}

// PutTrust implements [sharing.UpdateTx].
func (u *update) PutTrust(account sharing.AccountID, trust sharing.Trust) error {
	if u.writes.trust == nil {
		u.writes.trust = make(map[sharing.AccountID]sharing.Trust)
	}
	u.writes.lock(trustLock, string(account), true)
	u.writes.trust[account] = trust
	return u.ctx.Err()
}

// Append implements [sharing.UpdateTx].
func (u *update) Append(events []sharing.Event) error {
	for _, ev := range events {
		u.writes.lock(operationLock, ev.Operation, true)
		if ev.Image != "" {
			u.writes.lock(imageLock, string(ev.Image), true)
		}
		u.writes.events = append(u.writes.events, ev)
	}
	return u.ctx.Err()
}

// queue adds the statements of all writes to the batch.
func (w *writes) queue(batch *pgx.Batch) error {
	for _, r := range w.runs {
		queueRows(batch, r.sql, r.rows)
	}
	var rows, none [][]any
	for id, rec := range w.instances {
		body, err := json.Marshal(rec)
		if err != nil {
			return fmt.Errorf("pgstore: instance %q can't be encoded: %w", id, err)
		}
		rows = append(rows, []any{string(id), string(rec.Owner), string(rec.Image), !rec.TerminatedAt.IsZero(), string(body)})
	}
	queueRows(batch, putInstances, rows)
	rows = nil
	for account, trust := range w.trust {
		if isZero(trust) {
			none = append(none, []any{string(account)})
			continue
		}
		body, err := json.Marshal(trust)
		if err != nil {
			return fmt.Errorf("pgstore: the trust policy of %q can't be encoded: %w", account, err)
		}
		rows = append(rows, []any{string(account), string(body)})
	}
	queueRows(batch, putTrust, rows)
	queueRows(batch, deleteTrust, none)
	rows = nil
	for _, ev := range w.events {
		ev.Cursor = ""
		body, err := json.Marshal(ev)
		if err != nil {
			return fmt.Errorf("pgstore: an event of operation %q can't be encoded: %w", ev.Operation, err)
		}
		rows = append(rows, []any{ev.Operation, string(ev.Image), string(ev.Actor), ev.Sequence, string(body)})
	}
	queueRows(batch, appendEvents, rows)
	return nil
}

// queueRows adds a statement whose arguments are the columns of the rows, each an array.
func queueRows(batch *pgx.Batch, sql string, rows [][]any) {
	if len(rows) == 0 {
		return
	}
	args := make([]any, len(rows[0]))
	for i := range args {
		args[i] = column(rows, i)
	}
	batch.Queue(sql, args...)
}

// column returns the values of one column, as an array of their type.
func column(rows [][]any, i int) any {
	switch rows[0][i].(type) {
	case string:
		return columnOf[string](rows, i)
	case bool:
		return columnOf[bool](rows, i)
	case int16:
		return columnOf[int16](rows, i)
	default:
		return columnOf[int64](rows, i)
	}
}

func columnOf[T any](rows [][]any, i int) []T {
	values := make([]T, len(rows))
	for n, row := range rows {
		values[n] = row[i].(T)
	}
	return values
}

// An image's epoch is raised by each record that is or was a tombstone, so that no share made before it comes back;
// and to what is a tombstone no share is added.
const (
	putImages = `INSERT INTO sharing.images AS i (id, owner, region, family, source, deleted, epoch, body)
		SELECT id, owner, region, family, source, deleted, deleted::int, body::json
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[])
			AS t(id, owner, region, family, source, deleted, body)
		ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, region = excluded.region, family = excluded.family,
			source = excluded.source, deleted = excluded.deleted, epoch = i.epoch + (i.deleted OR excluded.deleted)::int, body = excluded.body`

	putShares = `INSERT INTO sharing.shares (image, grantee, epoch, status, created, updated, expires)
		SELECT t.image, t.grantee, coalesce(i.epoch, 0), t.status, t.created, t.updated, t.expires
		FROM unnest($1::text[], $2::text[], $3::smallint[], $4::text[], $5::text[], $6::text[])
			AS t(image, grantee, status, created, updated, expires)
		LEFT JOIN sharing.images i ON i.id = t.image
		WHERE i.deleted IS NOT TRUE
		ON CONFLICT (image, grantee) DO UPDATE SET epoch = excluded.epoch, status = excluded.status,
			created = excluded.created, updated = excluded.updated, expires = excluded.expires`

	deleteShares = `DELETE FROM sharing.shares s USING unnest($1::text[], $2::text[]) AS t(image, grantee)
		WHERE s.image = t.image AND s.grantee = t.grantee`

	putInstances = `INSERT INTO sharing.instances (id, owner, image, terminated, body)
		SELECT id, owner, image, terminated, body::json
		FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::text[]) AS t(id, owner, image, terminated, body)
		ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, image = excluded.image, terminated = excluded.terminated, body = excluded.body`

	putTrust = `INSERT INTO sharing.trust (account, body)
		SELECT account, body::json FROM unnest($1::text[], $2::text[]) AS t(account, body)
		ON CONFLICT (account) DO UPDATE SET body = excluded.body`

	deleteTrust = `DELETE FROM sharing.trust WHERE account = ANY($1::text[])`

	appendEvents = `WITH drawn AS MATERIALIZED (SELECT nextval('sharing.positions') AS position)
		INSERT INTO sharing.events (position, number, operation, image, actor, sequence, body)
		SELECT position, number, operation, image, actor, sequence, body::json
		FROM drawn, unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[])
			WITH ORDINALITY AS t(operation, image, actor, sequence, body, number)`
)
