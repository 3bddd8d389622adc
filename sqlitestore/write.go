package sqlitestore

import (
	"encoding/json"
	"fmt"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/packed"
)

// An update is a transaction that writes. It keeps what it is told to write until its closure has returned,
// so that its reads see the state before it.
type update struct {
	view
	writes   []func(*conn) error
	appended bool // some of it are events
}

// flush writes, in order, what was kept.
func (tx *update) flush() error {
	if len(tx.writes) == 0 {
		return nil
	}
	for _, write := range tx.writes {
		if err := write(tx.conn); err != nil {
			return err
		}
	}
	return tx.conn.sweep()
}

func (tx *update) write(do func(*conn) error) error {
	tx.writes = append(tx.writes, do)
	return tx.ctx.Err()
}

const upsertImage = `INSERT INTO images (id, deleted, owner, region, name, family, digest, source, record)
	VALUES (?1, ?2, ?3, ?4, nullif(?5, ''), nullif(?6, ''), nullif(?7, ''), nullif(?8, ''), ?9)
	ON CONFLICT (id) DO UPDATE SET deleted = ?2, owner = ?3, region = ?4, name = nullif(?5, ''), family = nullif(?6, ''),
	digest = nullif(?7, ''), source = nullif(?8, ''), record = ?9`

// PutImage implements [sharing.UpdateTx].
func (tx *update) PutImage(record sharing.ImageRecord) error {
	data := encode(packed.Image, &record)
	deleted := !record.DeletedAt.IsZero()
	return tx.write(func(c *conn) error {
		id := string(record.ID)
		if err := c.endShares(id, deleted); err != nil {
			return err
		}
		return c.run(upsertImage, id, flag(deleted), string(record.Owner), string(record.Region), record.Name, record.Family,
			record.Digest, string(record.Source.Image), data)
	})
}

// endShares ends the shares of an image that is deleted: they are left for sweep. If another image takes
// its place, those that are still there are removed at once, since nothing would tell them from the new one's.
func (c *conn) endShares(image string, deleted bool) error {
	if deleted {
		return c.run(`INSERT OR IGNORE INTO leftovers SELECT ?1 WHERE EXISTS (SELECT 1 FROM shares WHERE image = ?1)`, image)
	}
	was, err := c.integer(`SELECT deleted FROM images WHERE id = ?`, image)
	if err != nil || was == 0 {
		return err
	}
	if err := c.run(`DELETE FROM leftovers WHERE image = ?`, image); err != nil {
		return err
	}
	return c.run(`DELETE FROM shares WHERE image = ?`, image)
}

// sweepShares is how many shares of deleted images a transaction that writes removes.
const sweepShares = 16

// sweep removes some of the shares that deleted images left.
func (c *conn) sweep() error {
	image, err := c.text(`SELECT image FROM leftovers LIMIT 1`)
	if err != nil || image == "" {
		return err
	}
	const some = `SELECT grantee FROM shares WHERE image = ?1 LIMIT ?2`
	if err := c.run(`DELETE FROM shares WHERE image = ?1 AND grantee IN (`+some+`)`, image, int64(sweepShares)); err != nil {
		return err
	}
	return c.run(`DELETE FROM leftovers WHERE image = ?1 AND NOT EXISTS (SELECT 1 FROM shares WHERE image = ?1)`, image)
}

const (
	upsertShare = `INSERT INTO shares (image, grantee, status, expires, created, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
	ON CONFLICT (image, grantee) DO UPDATE SET status = ?3, expires = ?4, created = ?5, updated = ?6`
	deleteShare = `DELETE FROM shares WHERE image = ? AND grantee = ?`
)

// PutShares implements [sharing.UpdateTx].
func (tx *update) PutShares(shares []sharing.Share) error {
	return tx.write(func(c *conn) error {
		for _, s := range shares {
			if err := c.run(upsertShare, string(s.Image), string(s.Grantee), int64(s.Status),
				encodeTime(s.Expires), encodeTime(s.CreatedAt), encodeTime(s.UpdatedAt)); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteShares implements [sharing.UpdateTx].
func (tx *update) DeleteShares(image sharing.ImageID, grantees []sharing.Grantee) error {
	return tx.write(func(c *conn) error {
		for _, g := range grantees {
			if err := c.run(deleteShare, string(image), string(g)); err != nil {
				return err
			}
		}
		return nil
	})
}

const upsertInstance = `INSERT INTO instances (id, terminated, owner, region, image, record) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
	ON CONFLICT (id) DO UPDATE SET terminated = ?2, owner = ?3, region = ?4, image = ?5, record = ?6`

// PutInstance implements [sharing.UpdateTx].
func (tx *update) PutInstance(record sharing.InstanceRecord) error {
	data := encode(packed.Instance, &record)
	return tx.write(func(c *conn) error {
		return c.run(upsertInstance, string(record.ID), flag(!record.TerminatedAt.IsZero()), string(record.Owner),
			string(record.Region), string(record.Image), data)
	})
}

// PutTrust implements [sharing.UpdateTx].
func (tx *update) PutTrust(account sharing.AccountID, trust sharing.Trust) error {
	if !trust.Enforce && len(trust.Owners) == 0 {
		return tx.write(func(c *conn) error { return c.run(`DELETE FROM trust WHERE account = ?`, string(account)) })
	}
	data := encode(packed.Trust, &trust)
	return tx.write(func(c *conn) error { return c.run(`INSERT OR REPLACE INTO trust VALUES (?, ?)`, string(account), data) })
}

const insertEvent = `INSERT INTO events (operation, actor, image, sequence, record) VALUES (?, ?, nullif(?, ''), ?, ?)`

// Append implements [sharing.UpdateTx].
func (tx *update) Append(events []sharing.Event) error {
	tx.appended = tx.appended || len(events) > 0
	for _, ev := range events {
		ev.Cursor = ""
		text, err := json.Marshal(ev)
		if err != nil {
			return fmt.Errorf("sqlitestore: an event that can't be stored: %w", err)
		}
		if err := tx.write(func(c *conn) error {
			return c.run(insertEvent, ev.Operation, string(ev.Actor), string(ev.Image), ev.Sequence, string(text))
		}); err != nil {
			return err
		}
	}
	return nil
}

// flag returns a truth as SQLite stores it.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
