package pgstore

import (
	"context"
	"crypto/rand"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/imageshare/sharing"
)

// An update is one run of a closure that reads and writes.
//
// Its first read is the first round trip: BEGIN, the locks of all that the answer depends on, and then the query.
// Under READ COMMITTED each statement has a snapshot of its own, so that the query sees
// what those wrote who had the locks before. The writes are kept, and sent together with COMMIT: the second round trip.
type update struct {
	reader
	writes
	ctx   context.Context
	conn  *pgxpool.Conn // of the transaction, once it has begun
	fence lock

	held modes // sorted
	// wanted are the locks that this run or an earlier one had shared when it found out that it needs them exclusive.
	wanted modes
	alone  bool // nobody else may write

	failed failure
}

// Update implements [sharing.Store].
func (s *Store) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var wanted modes
	return s.retry(ctx, func() (failure, error) {
		u := &update{ctx: ctx, fence: lock{fenceLock, rand.Text()}, wanted: wanted}
		u.reader = reader{store: s, ask: u.read, marked: new(mark)}
		err := u.run(fn)
		wanted = u.wanted
		return u.failed, err
	})
}

func (u *update) run(fn func(sharing.UpdateTx) error) error {
	defer func() {
		if u.conn != nil {
			finish(u.ctx, u.conn)
		}
	}()
	if err := fn(u); err != nil {
		return err
	}
	if err := u.settleMark(); err != nil {
		return err
	}
	if err := u.ctx.Err(); err != nil {
		return err
	}
	if u.writes.empty() {
		return nil
	}
	if u.conn == nil { // it has read nothing, but has to be known before it may commit (R26)
		if err := u.lockOnly(); err != nil {
			return err
		}
	}
	return u.commit()
}

// Changed implements [sharing.ViewTx].
func (u *update) Changed() func(context.Context) error { return u.changed() }

// read locks what the answer to the query depends on, and runs it: one round trip.
func (u *update) read(q *query) (facts []fact, err error) {
	if err := u.ctx.Err(); err != nil {
		return nil, err
	}
	if u.store.doubted(q.operation) {
		if err := u.store.settle(u.ctx, q.operation); err != nil {
			return nil, err
		}
	}
	if q.sql.Len() == 0 { // nothing is asked
		return nil, nil
	}
	batch, err := u.begin()
	if err != nil {
		return nil, err
	}
	if q.anything && !u.alone {
		batch.Queue("LOCK TABLE sharing.gate IN EXCLUSIVE MODE")
		u.alone = true
	}
	late := u.lack(q.locks)
	first := instanceLock
	if q.instance != "" {
		late.queue(batch, instanceLock, instanceLock)
		queueImageOf(batch, q.instance, q.instanceExclusive)
		first = imageLock
	}
	late.queue(batch, first, fenceLock)
	batch.Queue(q.sql.String(), q.args...).Query(func(rows pgx.Rows) (err error) {
		facts, err = q.collect(rows)
		return err
	})
	if err := u.send(batch); err != nil {
		return nil, err
	}
	if q.instance != "" {
		u.holdImageOf(q, facts)
	}
	return facts, nil
}

// holdImageOf notes the lock of the image that the instance's system disk is made from.
func (u *update) holdImageOf(q *query, facts []fact) {
	for i := range facts {
		if f := &facts[i]; f.part == "instance" && f.id == string(q.instance) {
			if inst, err := decodeInstance(f.id, f.body); err == nil {
				u.held.add(lock{imageLock, string(inst.Image)}, q.instanceExclusive)
				u.held.sort()
			}
		}
	}
}

func (u *update) lockOnly() error {
	batch, err := u.begin()
	if err != nil {
		return err
	}
	u.lack(u.writes.locks).queue(batch, instanceLock, fenceLock)
	return u.send(batch)
}

// begin returns a batch for the transaction, which begins it if that is yet to be done.
func (u *update) begin() (*pgx.Batch, error) {
	batch := new(pgx.Batch)
	if u.conn == nil {
		conn, err := u.store.acquire(u.ctx)
		if err != nil {
			return nil, err
		}
		u.conn = conn
		batch.Queue("BEGIN ISOLATION LEVEL READ COMMITTED")
	}
	return batch, nil
}

// lack returns those of the locks that are not held, in their order, and notes them as
// held. The first time, the fence is one of them.
func (u *update) lack(needed modes) (late modes) {
	needed = append(needed, mode{u.fence, true})
	needed.sort()
	for _, l := range needed {
		_, wanted := u.wanted.find(l.lock)
		l.exclusive = l.exclusive || wanted
		i, held := u.held.find(l.lock)
		switch {
		case !held:
			late = append(late, l)
		case l.exclusive && !u.held[i].exclusive:
			u.wanted.add(l.lock, true)
			u.wanted.sort()
			late = append(late, l)
		}
	}
	u.held = append(u.held, late...)
	u.held.sort()
	return late
}

// send sends a batch that commits nothing.
func (u *update) send(batch *pgx.Batch) error {
	if err := u.conn.SendBatch(u.ctx, batch).Close(); err != nil {
		u.failed = failureOf(err, u.conn)
		return readError(u.ctx, err)
	}
	return nil
}
