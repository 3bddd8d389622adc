package postgres

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/world"
)

// bare makes the reads and writes of the library's calls by hand, as somebody would who writes one program
// for these calls alone, for the same guarantees: the same locks, the same log in the order of the
// commits, and the same records, which it decodes and encodes. It judges nothing, and retries nothing.
type bare struct{ pool *pgxpool.Pool }

// bareSettings are those of the store's sessions: nobody waits for ever for the locks of one that lost its client.
const bareSettings = " idle_in_transaction_session_timeout=5s lock_timeout=10s client_connection_check_interval=1s plan_cache_mode=force_generic_plan"

const (
	accessSQL = `SELECT i.body::text, i.epoch, coalesce(s.status, -1), coalesce(s.expires, ''), coalesce(e.status, -1), t.body::text
	FROM sharing.images i
	LEFT JOIN sharing.shares s ON s.image = i.id AND s.grantee = $2 AND s.epoch = i.epoch
	LEFT JOIN sharing.shares e ON e.image = i.id AND e.grantee = '*' AND e.epoch = i.epoch
	LEFT JOIN sharing.trust t ON t.account = $2
	WHERE i.id = $1`
	granteeSQL = "SELECT status, expires, epoch FROM sharing.shares WHERE image = $1 AND grantee = $2"
	presentSQL = `SELECT count(*) FROM sharing.shares s JOIN sharing.images i ON i.id = s.image AND i.epoch = s.epoch
		WHERE s.image = $1 AND (s.expires = '' OR s.expires > $2)`
	takenSQL    = "SELECT 1 FROM sharing.instances WHERE id = $1"
	sequenceSQL = "SELECT sequence FROM sharing.events WHERE image <> '' AND image = $1 ORDER BY position DESC, number DESC LIMIT 1"
	pageSQL     = "SELECT id, body::text FROM sharing.instances WHERE NOT terminated AND owner = $1 AND id > $2 ORDER BY id LIMIT $3"

	lockSQL   = "SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest($1::text[]) key"
	appendSQL = `WITH passed AS (DELETE FROM sharing.gate),
		locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended($6, 0)) IS NULL)
		INSERT INTO sharing.events (position, number, operation, image, actor, sequence, body)
		SELECT nextval('sharing.positions'), 1, $1, $2, $3, $4, $5::text::json FROM locked`
	notifySQL = "SELECT pg_notify('sharing_log', '') WHERE NOT pg_try_advisory_xact_lock(hashtextextended('sharing waiting', 0))"
)

func (b bare) check(ctx context.Context, q world.Question) error {
	_, err := access(b.pool.QueryRow(ctx, accessSQL, string(q.Image), string(q.Account)))
	return err
}

// access reads an image and what is shared of it, and returns the epoch of its shares.
func access(row pgx.Row) (epoch int64, err error) {
	var img, expires string
	var own, everyone int
	var trust *string
	if err := row.Scan(&img, &epoch, &own, &expires, &everyone, &trust); err != nil {
		return 0, err
	}
	var rec sharing.ImageRecord
	return epoch, json.Unmarshal([]byte(img), &rec)
}

// change makes a change of an image, of two round trips: read queues its reads, and write
// its write, and answers with its event.
func (b bare) change(ctx context.Context, image, account string, read func(*pgx.Batch), write func(*pgx.Batch) (sharing.Event, error)) error {
	conn, err := b.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	first, second := new(pgx.Batch), new(pgx.Batch)
	first.Queue("BEGIN")
	first.Queue(lockSQL, []string{"image " + image, "account " + account, rand.Text()})
	read(first)
	var sequence int64
	first.Queue(sequenceSQL, image).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := rows.Scan(&sequence); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err := conn.SendBatch(ctx, first).Close(); err != nil {
		return err
	}
	ev, err := write(second)
	if err != nil {
		return err
	}
	ev.Operation, ev.At, ev.Image, ev.Sequence = rand.Text(), time.Now().UTC(), sharing.ImageID(image), sequence+1
	body, err := json.Marshal(ev)
	if err != nil {
		return err
	}
	second.Queue(appendSQL, ev.Operation, image, string(ev.Actor), ev.Sequence, string(body), "operation "+ev.Operation)
	second.Queue("COMMIT")
	second.Queue(notifySQL)
	return conn.SendBatch(ctx, second).Close()
}

func (b bare) share(ctx context.Context, img *world.Image, grantee string) error {
	image := string(img.ID)
	var epoch int64
	return b.change(ctx, image, string(img.Owner), func(batch *pgx.Batch) {
		batch.Queue(accessSQL, image, string(img.Owner)).QueryRow(func(row pgx.Row) (err error) {
			epoch, err = access(row)
			return err
		})
		batch.Queue(granteeSQL, image, grantee)
		batch.Queue(presentSQL, image, "2026")
	}, func(batch *pgx.Batch) (sharing.Event, error) {
		share := sharing.Share{Image: img.ID, Grantee: sharing.Grantee(grantee), CreatedAt: time.Now().UTC()}
		share.UpdatedAt = share.CreatedAt
		batch.Queue("INSERT INTO sharing.shares VALUES ($1, $2, $3, 0, $4, '', '')", image, grantee, epoch,
			share.CreatedAt.Format("2006-01-02T15:04:05.000000000Z"))
		return sharing.Event{Kind: sharing.EventShared, Actor: img.Owner, Shares: []sharing.Share{share}}, nil
	})
}

func (b bare) launch(ctx context.Context, q world.Question) error {
	rec := sharing.InstanceRecord{Instance: sharing.Instance{ID: sharing.InstanceID(strings.ToLower(rand.Text())), Owner: q.Account,
		Region: q.Region, Image: q.Image, DiskGeneration: 1, LaunchedAt: time.Now().UTC()}}
	return b.change(ctx, string(q.Image), string(q.Account), func(batch *pgx.Batch) {
		batch.Queue(accessSQL, string(q.Image), string(q.Account)).QueryRow(func(row pgx.Row) error {
			_, err := access(row)
			return err
		})
		batch.Queue(takenSQL, string(rec.ID))
	}, func(batch *pgx.Batch) (sharing.Event, error) {
		body, err := json.Marshal(rec)
		batch.Queue("INSERT INTO sharing.instances VALUES ($1, $2, $3, false, $4::text::json)", string(rec.ID), string(rec.Owner), string(rec.Image), string(body))
		return sharing.Event{Kind: sharing.EventLaunched, Actor: rec.Owner, Instance: rec.ID, InstanceRecord: &rec}, err
	})
}

func (b bare) page(ctx context.Context, owner sharing.AccountID) error {
	rows, err := b.pool.Query(ctx, pageSQL, string(owner), "", limit+1)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (rec sharing.InstanceRecord, err error) {
		var id, body string
		if err := row.Scan(&id, &body); err != nil {
			return rec, err
		}
		return rec, json.Unmarshal([]byte(body), &rec)
	})
	return complete(len(found), err)
}
