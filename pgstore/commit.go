package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/imageshare/sharing"
)

// grace is how long a commit that is under way may still go on when its context has ended:
// mostly it is a matter of milliseconds, after which the outcome is known.
const grace = time.Second

// commit sends the writes and COMMIT: one round trip.
//
// From then on only an error of the server's says that nothing was changed, and not each of those: one that ends
// the session may come after the commit (R26). Whether the driver holds the request safe to repeat is never asked.
func (u *update) commit() error {
	batch := new(pgx.Batch)
	u.lack(u.writes.locks).queue(batch, instanceLock, fenceLock)
	if err := u.writes.queue(batch); err != nil {
		return err
	}
	committed := ""
	batch.Queue("COMMIT").Exec(func(tag pgconn.CommandTag) error {
		committed = tag.String()
		return nil
	})
	if len(u.writes.events) > 0 {
		batch.Queue(notify, waitingKey)
	}

	ctx, cancel := context.WithCancel(context.WithoutCancel(u.ctx))
	defer cancel()
	stop := context.AfterFunc(u.ctx, func() { time.AfterFunc(grace, cancel) })
	defer stop()
	err := u.conn.SendBatch(ctx, batch).Close()
	switch {
	case committed == "COMMIT":
		return nil
	case committed != "":
		return fmt.Errorf("pgstore: the server rolled back what it was to commit (%s), nothing was changed", committed)
	case err == nil:
		return errors.New("pgstore: the server did not answer COMMIT")
	}
	if refused(err) {
		u.failed = failureOf(err, u.conn)
		return readError(u.ctx, err)
	}
	for _, ev := range u.writes.events {
		u.store.doubts.Store(ev.Operation, u.fence)
	}
	return fmt.Errorf("pgstore: %w: the connection was lost during the commit: %w", sharing.ErrOutcomeUnknown, errors.Join(explained(err), u.ctx.Err()))
}

// refused reports whether the server says that it did not commit. Severity would not tell: the server translates it
// into the language of its messages.
func refused(err error) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && answer.SeverityUnlocalized == "ERROR"
}

// doubted reports whether this store lost the outcome of the operation.
func (s *Store) doubted(operation string) bool {
	_, ok := s.doubts.Load(operation)
	return ok
}

// settle waits until the transaction that was to commit the operation's events has ended, if this
// store lost its outcome. Its session holds the fence until then, whatever became of the connection.
// Afterwards the log tells the truth. A session that ends while it waits for a synchronous standby
// leaves a commit that the standby may lack: what is committed here, after it, waits for both.
func (s *Store) settle(ctx context.Context, operation string) error {
	fence, ok := s.doubts.Load(operation)
	if !ok { // another caller has settled it
		return nil
	}
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	batch := new(pgx.Batch)
	batch.Queue("BEGIN")
	modes{{fence.(lock), true}}.queue(batch, fenceLock, fenceLock)
	batch.Queue("SELECT pg_logical_emit_message(true, 'sharing', ''::text)")
	batch.Queue("COMMIT")
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return readError(ctx, err)
	}
	s.doubts.Delete(operation)
	return nil
}

// finish ends the transaction of a connection, if one is open, and gives the connection back.
func finish(ctx context.Context, conn *pgxpool.Conn) {
	if conn.Conn().PgConn().TxStatus() != 'I' && !conn.Conn().IsClosed() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		_, _ = conn.Exec(ctx, "ROLLBACK") // if it fails, the pool drops the connection, which ends the transaction too
	}
	conn.Release()
}
