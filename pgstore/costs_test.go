package pgstore_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/pgstore"
)

var (
	costs      = flag.Duration("costs", 0, "measure each cell of TestCosts for so long, such as 1s; 0: leave it out")
	costsNaive = flag.Bool("costs.naive", false, "compare with a program that only locks the image's row")
	costsSync  = flag.Bool("costs.sync", true, "let the server sync each commit to disk")
)

// TestCosts compares calls of the engine with the same reads and writes by the bare driver, written by hand:
// throughput by the number of callers, in turns in one run.
func TestCosts(t *testing.T) {
	if *costs == 0 {
		t.Skip("it measures: use -costs 1s")
	}
	sync := "fsync=on"
	if !*costsSync {
		sync = "fsync=off"
	}
	b := newBed(t, sync, "shared_buffers=256MB", "max_wal_size=4GB", "checkpoint_timeout=1h")
	database := b.database(t)
	b.fill(t, database, costImages)
	b.SQL(t, database, "CHECKPOINT")
	dsn := b.DSN(database) + " pool_max_conns=64"
	store, err := pgstore.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	engine := newEngine(t, store)
	bare := &bare{pool: pool, naive: *costsNaive}
	for _, c := range []struct {
		name         string
		bare, engine func(ctx context.Context, i int64) error
	}{
		{"check", bare.check, func(ctx context.Context, i int64) error {
			return engine.CanUse(ctx, granteeOf(i), imageOf(i), "here")
		}},
		{"share", bare.share, func(ctx context.Context, i int64) error {
			_, err := engine.Share(ctx, ownerOf(i), imageOf(i), sharing.Grantee(fmt.Sprint("new-", i)))
			return err
		}},
		{"launch", bare.launch, func(ctx context.Context, i int64) error {
			_, err := engine.Launch(ctx, granteeOf(i), sharing.LaunchSpec{Image: imageOf(i), Region: "here"})
			return err
		}},
		{"launch hot", func(ctx context.Context, i int64) error {
			return bare.launchFrom(ctx, "image-00000003", "grantee-00000004")
		},
			func(ctx context.Context, i int64) error {
				_, err := engine.Launch(ctx, "grantee-00000004", sharing.LaunchSpec{Image: "image-00000003", Region: "here"})
				return err
			}},
		{"page of 100", bare.page, func(ctx context.Context, i int64) error {
			items, _, err := engine.InstancesPage(ctx, machinesOwner(i), sharing.InstanceQuery{}, sharing.Page{Limit: 100})
			if err == nil && len(items) < 99 {
				err = fmt.Errorf("%d instances", len(items))
			}
			return err
		}},
	} {
		t.Logf("%-12s %8s %10s %10s %6s %9s %9s %6s", c.name, "callers", "bare/s", "engine/s", "ratio", "bare CPU", "engine", "ratio")
		for _, callers := range []int{1, 2, 4, 8, 16, 32, 64} {
			var rates, cpus [2][]float64
			for round := range 4 {
				for which, call := range []func(context.Context, int64) error{c.bare, c.engine} {
					rate, cpu, err := throughput(t.Context(), callers, *costs/4, call)
					if err != nil {
						t.Fatal(err)
					}
					if round > 0 { // the first warms up
						rates[which], cpus[which] = append(rates[which], rate), append(cpus[which], cpu)
					}
				}
			}
			x, y := slices.Max(rates[0]), slices.Max(rates[1])
			u, v := slices.Min(cpus[0]), slices.Min(cpus[1])
			t.Logf("%-12s %8d %10.0f %10.0f %6.2f %7.0fµs %7.0fµs %6.2f", c.name, callers, x, y, y/x, u, v, u/v)
		}
	}
}

const costImages = 10_000

func spread(i int64) int64            { return i * 7919 % (costImages - 10) }
func imageOf(i int64) sharing.ImageID { return sharing.ImageID(fmt.Sprintf("image-%08d", spread(i))) }
func ownerOf(i int64) sharing.AccountID {
	return sharing.AccountID(fmt.Sprintf("owner-%08d", spread(i)/10))
}
func granteeOf(i int64) sharing.AccountID {
	return sharing.AccountID(fmt.Sprintf("grantee-%08d", spread(i)+i%5))
}
func machinesOwner(i int64) sharing.AccountID {
	return sharing.AccountID(fmt.Sprintf("grantee-%08d", i*7%150))
}

// throughput returns how many calls a second so many callers make, and the microseconds of processor time
// that client and server take for each.
func throughput(ctx context.Context, callers int, d time.Duration, call func(context.Context, int64) error) (rate, cpu float64, err error) {
	var done atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	begin, busy := time.Now(), processorTime()
	for range callers {
		all.Go(func() {
			for time.Since(begin) < d && failed.Load() == nil {
				if err := call(ctx, nextCall.Add(1)); err != nil {
					failed.Store(&err)
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return 0, 0, *err
	}
	n := float64(done.Load())
	return n / time.Since(begin).Seconds(), float64((processorTime() - busy).Microseconds()) / n, nil
}

// processorTime is what this process and the sessions of its server have used. It is known on Linux only.
func processorTime() time.Duration {
	var self syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &self)
	total := time.Duration(self.Utime.Nano() + self.Stime.Nano())
	processes, _ := filepath.Glob("/proc/[0-9]*/schedstat")
	for _, path := range processes {
		title, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if err != nil || !strings.HasPrefix(string(title), "postgres: sharing db") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		used, _, _ := strings.Cut(string(text), " ")
		nanoseconds, _ := strconv.ParseInt(used, 10, 64)
		total += time.Duration(nanoseconds)
	}
	return total
}

var nextCall atomic.Int64

// bare makes the reads and writes of some calls by hand: naive, with no more than a lock of the image's row,
// or with the same statements as the store, for the same guarantees.
type bare struct {
	pool  *pgxpool.Pool
	naive bool
}

const bareAccess = `SELECT i.body::text, coalesce(s.status, -1), coalesce(s.expires, ''), coalesce(e.status, -1), t.body::text
	FROM sharing.images i
	LEFT JOIN sharing.shares s ON s.image = i.id AND s.grantee = $2 AND s.epoch = i.epoch
	LEFT JOIN sharing.shares e ON e.image = i.id AND e.grantee = '*' AND e.epoch = i.epoch
	LEFT JOIN sharing.trust t ON t.account = $2
	WHERE i.id = $1`

func (b *bare) check(ctx context.Context, i int64) error {
	return b.access(b.pool.QueryRow(ctx, bareAccess, string(imageOf(i)), string(granteeOf(i))))
}

func (b *bare) access(row pgx.Row) error {
	var img, expires string
	var own, everyone int
	var trust *string
	if err := row.Scan(&img, &own, &expires, &everyone, &trust); err != nil {
		return err
	}
	var rec sharing.ImageRecord
	return json.Unmarshal([]byte(img), &rec)
}

const (
	bareSequence = "SELECT sequence FROM sharing.events WHERE image <> '' AND image = $1 ORDER BY position DESC, number DESC LIMIT 1"
	bareLock     = "SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest($1::text[]) key"
	bareRowLock  = "SELECT 1 FROM sharing.images WHERE id = $1 FOR UPDATE"
	bareAppend   = `INSERT INTO sharing.events (position, number, operation, image, actor, sequence, body)
		VALUES (nextval('sharing.positions'), 1, $1, $2, $3, $4, $5::text::json)`
	bareAppendInOrder = `WITH passed AS (DELETE FROM sharing.gate),
		locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended($6, 0)) IS NULL)
		INSERT INTO sharing.events (position, number, operation, image, actor, sequence, body)
		SELECT nextval('sharing.positions'), 1, $1, $2, $3, $4, $5::text::json FROM locked`
	bareNotify = "SELECT pg_notify('sharing_log', '') WHERE NOT pg_try_advisory_xact_lock(hashtextextended('sharing waiting', 0))"
)

// change makes a change of an image, of two round trips: read queues its reads, and write its writes, and answers with its event.
func (b *bare) change(ctx context.Context, image, account string, read func(*pgx.Batch), write func(batch *pgx.Batch, sequence int64) sharing.Event) error {
	conn, err := b.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	first, second := new(pgx.Batch), new(pgx.Batch)
	first.Queue("BEGIN")
	if b.naive {
		first.Queue(bareRowLock, image)
	} else {
		first.Queue(bareLock, []string{"image " + image, "account " + account, rand.Text()})
	}
	read(first)
	var sequence int64
	first.Queue(bareSequence, image).QueryRow(func(row pgx.Row) error { return row.Scan(&sequence) })
	if err := conn.SendBatch(ctx, first).Close(); err != nil {
		return err
	}
	ev := write(second, sequence+1)
	ev.Operation, ev.At, ev.Image, ev.Sequence = rand.Text(), time.Now().UTC(), sharing.ImageID(image), sequence+1
	body, err := json.Marshal(ev)
	if err != nil {
		return err
	}
	args := []any{ev.Operation, image, string(ev.Actor), ev.Sequence, string(body)}
	if b.naive {
		second.Queue(bareAppend, args...)
		second.Queue("COMMIT")
	} else {
		second.Queue(bareAppendInOrder, append(args, "operation "+ev.Operation)...)
		second.Queue("COMMIT")
		second.Queue(bareNotify)
	}
	return conn.SendBatch(ctx, second).Close()
}

func (b *bare) share(ctx context.Context, i int64) error {
	image, grantee := string(imageOf(i)), fmt.Sprint("bare-", i)
	return b.change(ctx, image, string(ownerOf(i)), func(batch *pgx.Batch) {
		batch.Queue(bareAccess, image, string(ownerOf(i))).QueryRow(b.access)
		batch.Queue("SELECT grantee, status, expires FROM sharing.shares WHERE image = $1 AND grantee = $2", image, grantee)
		batch.Queue("SELECT count(*) FROM sharing.shares WHERE image = $1 AND (expires = '' OR expires > $2)", image, "2024")
	}, func(batch *pgx.Batch, sequence int64) sharing.Event {
		share := sharing.Share{Image: sharing.ImageID(image), Grantee: sharing.Grantee(grantee), CreatedAt: time.Now().UTC()}
		share.UpdatedAt = share.CreatedAt
		batch.Queue("INSERT INTO sharing.shares VALUES ($1, $2, 0, 0, $3, '', '')", image, grantee, share.CreatedAt.Format("2006-01-02T15:04:05.000000000Z"))
		return sharing.Event{Kind: sharing.EventShared, Actor: ownerOf(i), Shares: []sharing.Share{share}}
	})
}

func (b *bare) launch(ctx context.Context, i int64) error {
	return b.launchFrom(ctx, imageOf(i), granteeOf(i))
}

func (b *bare) launchFrom(ctx context.Context, image sharing.ImageID, account sharing.AccountID) error {
	rec := sharing.InstanceRecord{Instance: sharing.Instance{ID: sharing.InstanceID(strings.ToLower(rand.Text())), Owner: account, Region: "here",
		Image: image, DiskGeneration: 1, LaunchedAt: time.Now().UTC()}}
	return b.change(ctx, string(image), string(rec.ID), func(batch *pgx.Batch) {
		batch.Queue(bareAccess, string(image), string(account)).QueryRow(b.access)
		batch.Queue("SELECT 1 FROM sharing.instances WHERE id = $1", string(rec.ID))
	}, func(batch *pgx.Batch, sequence int64) sharing.Event {
		body, _ := json.Marshal(rec)
		batch.Queue("INSERT INTO sharing.instances VALUES ($1, $2, $3, false, $4::text::json)", string(rec.ID), string(account), string(image), string(body))
		return sharing.Event{Kind: sharing.EventLaunched, Actor: account, Instance: rec.ID, InstanceRecord: &rec}
	})
}

func (b *bare) page(ctx context.Context, i int64) error {
	rows, err := b.pool.Query(ctx, "SELECT id, body::text FROM sharing.instances WHERE NOT terminated AND owner = $1 AND id > $2 ORDER BY id LIMIT $3",
		string(machinesOwner(i)), "", 101)
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
	if err == nil && len(found) < 99 {
		err = fmt.Errorf("%d instances", len(found))
	}
	return err
}
