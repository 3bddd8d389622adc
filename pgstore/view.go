package pgstore

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/imageshare/sharing"
)

// A view is one run of a closure that reads.
//
// Most closures read once: that is one statement, which has a snapshot of its own, and one round trip.
// When a closure reads once more it is run again, in a transaction with one snapshot.
type view struct {
	reader
	ctx  context.Context
	conn *pgxpool.Conn // of the transaction, once it has begun

	snapshot bool // read in a transaction
	log      bool // whose snapshot is taken behind the closed gate
	reads    int

	otherwise bool // the closure is to be run again, as snapshot and log say by now
	failed    failure
}

// errOtherwise ends a closure that is to be run again in another way.
var errOtherwise = errors.New("pgstore: the transaction is being run again")

// Fresh implements [sharing.FreshStore].
func (*Store) Fresh() {}

// View implements [sharing.Store].
func (s *Store) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	snapshot, log := false, false
	return s.retry(ctx, func() (failure, error) {
		for {
			v := &view{ctx: ctx, snapshot: snapshot, log: log}
			v.reader = reader{store: s, ask: v.read, marked: new(mark)}
			err := v.run(fn)
			if !v.otherwise {
				return v.failed, err
			}
			snapshot, log = v.snapshot, v.log
		}
	})
}

func (v *view) run(fn func(sharing.ViewTx) error) (err error) {
	defer func() {
		if v.conn != nil {
			finish(v.ctx, v.conn)
		}
	}()
	if err := fn(v); err != nil {
		return err
	}
	return v.settleMark()
}

// Changed implements [sharing.ViewTx].
func (v *view) Changed() func(context.Context) error { return v.changed() }

// read runs the query: alone, or in the transaction. It ends the closure if that was begun in the wrong way.
func (v *view) read(q *query) ([]fact, error) {
	if err := v.ctx.Err(); err != nil {
		return nil, err
	}
	v.reads++
	doubt := v.store.doubted(q.operation)
	if doubt {
		if err := v.store.settle(v.ctx, q.operation); err != nil {
			return nil, err
		}
	}
	if v.reads > 1 && (!v.snapshot || q.log && !v.log || doubt) {
		v.otherwise, v.snapshot, v.log = true, true, v.log || q.log
		return nil, errOtherwise
	}
	conn := v.conn
	if conn == nil {
		var err error
		if conn, err = v.store.acquire(v.ctx); err != nil {
			return nil, err
		}
		if v.snapshot {
			v.conn = conn
		} else {
			defer conn.Release()
		}
	}
	facts, err := v.send(conn, q)
	if err != nil {
		v.failed = failureOf(err, conn)
		return nil, readError(v.ctx, err)
	}
	return facts, nil
}

// send makes the request: one round trip.
func (v *view) send(conn *pgxpool.Conn, q *query) (facts []fact, err error) {
	if v.reads > 1 || !v.snapshot && !q.log {
		rows, err := conn.Query(v.ctx, q.sql.String(), q.args...)
		if err != nil {
			return nil, err
		}
		return q.collect(rows)
	}
	batch := new(pgx.Batch)
	switch {
	case !v.snapshot:
		batch.Queue("BEGIN ISOLATION LEVEL READ COMMITTED")
		batch.Queue(closeGate)
	case v.log:
		batch.Queue("BEGIN ISOLATION LEVEL REPEATABLE READ")
		batch.Queue("SAVEPOINT gate")
		batch.Queue(closeGate)
	default:
		batch.Queue("BEGIN ISOLATION LEVEL REPEATABLE READ")
	}
	batch.Queue(q.sql.String(), q.args...).Query(func(rows pgx.Rows) (err error) {
		facts, err = q.collect(rows)
		return err
	})
	if !v.snapshot {
		batch.Queue("COMMIT")
	} else if v.log { // the snapshot stays, the gate opens
		batch.Queue("ROLLBACK TO SAVEPOINT gate")
	}
	err = conn.SendBatch(v.ctx, batch).Close()
	return facts, err
}

// The gate is closed before the first statement that has a snapshot. See [position].
const (
	closeGate = "LOCK TABLE sharing.gate IN SHARE MODE"
	passGate  = "LOCK TABLE sharing.gate IN ROW EXCLUSIVE MODE"
)
