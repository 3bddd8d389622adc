package pgstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is what writers notify after a commit. That is a hint and no more: it may come
// too late, for nothing or never, and whoever waits asks the log.
const channel = "sharing_log"

// Whoever listens holds a lock, so that nobody notifies in vain: that would cost as much as a small transaction.
// It comes after the commit and not in it, where it would hold up the commits of others.
const (
	notify   = "SELECT pg_notify('" + channel + "', '') WHERE NOT pg_try_advisory_xact_lock(hashtextextended($1, 0))"
	listen   = "SELECT pg_advisory_lock_shared(hashtextextended($1, 0))"
	unlisten = "SELECT pg_advisory_unlock_shared(hashtextextended($1, 0))"
)

const waitingKey = lockPrefix + "waiting"

// poll is how often a waiter asks the log when there is no hint.
const poll = time.Second

// A hint tells those who wait in this program that the log may have grown. One of them, the leader, listens for all,
// on one connection; when it has what it waits for, another takes its place. So nothing is kept up while nobody waits.
type hint struct {
	mu   sync.Mutex
	led  bool
	next chan struct{} // closed at the next hint, and when the leader leaves
}

// follow returns a channel that is closed at the next hint, or nil if the caller has become the leader.
func (h *hint) follow() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.led {
		h.led, h.next = true, make(chan struct{})
		return nil
	}
	return h.next
}

// give wakes the followers.
func (h *hint) give(leave bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.next)
	h.led, h.next = !leave, make(chan struct{})
}

// changed returns the function for Changed. What it waits for is noted by the end of the transaction.
func (r *reader) changed() func(context.Context) error {
	marked := r.marked
	marked.asked = true
	return func(ctx context.Context) error { return r.store.wait(ctx, marked.last) }
}

// wait waits until the log has grown beyond the position last, or the store is closed.
func (s *Store) wait(ctx context.Context, last int64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	err := s.await(ctx, last)
	if s.life.Err() != nil {
		return ErrClosed
	}
	return err
}

func (s *Store) await(ctx context.Context, last int64) error {
	for {
		grown, err := s.grown(ctx, last)
		if grown || err != nil {
			return err
		}
		hinted := s.hint.follow()
		if hinted == nil {
			failed, err := s.lead(ctx, last)
			if failed != lost || ctx.Err() != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-hinted: // never, after the lead was lost with its connection
		case <-time.After(poll):
		}
	}
}

const grownSQL = "SELECT EXISTS (SELECT FROM sharing.events WHERE position > $1)"

func (s *Store) grown(ctx context.Context, last int64) (grown bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	err = s.retry(ctx, func() (failure, error) {
		conn, err := s.acquire(ctx)
		if err != nil {
			return none, err
		}
		defer conn.Release()
		if err := conn.QueryRow(ctx, grownSQL, last).Scan(&grown); err != nil {
			return failureOf(err, conn), readError(ctx, err)
		}
		return none, nil
	})
	return grown, err
}

// lead waits as await does, and passes on the hints, for as long as it has its connection.
func (s *Store) lead(ctx context.Context, last int64) (failure, error) {
	defer s.hint.give(true)
	conn, err := s.acquire(ctx)
	if err != nil {
		return none, err
	}
	defer conn.Release()
	batch := new(pgx.Batch)
	batch.Queue("LISTEN " + channel)
	batch.Queue(listen, waitingKey)
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return failureOf(err, conn), readError(ctx, err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		batch := new(pgx.Batch)
		batch.Queue("UNLISTEN *")
		batch.Queue(unlisten, waitingKey)
		if err := conn.SendBatch(ctx, batch).Close(); err != nil {
			_ = conn.Conn().Close(ctx) // it would go on listening
		}
	}()
	for {
		var grown bool
		if err := conn.QueryRow(ctx, grownSQL, last).Scan(&grown); err != nil {
			return failureOf(err, conn), readError(ctx, err)
		}
		if grown {
			return none, nil
		}
		listening, cancel := context.WithTimeout(ctx, poll)
		_, err := conn.Conn().WaitForNotification(listening)
		cancel()
		switch {
		case ctx.Err() != nil:
			return none, ctx.Err()
		case err == nil:
			s.hint.give(false)
		case !errors.Is(err, context.DeadlineExceeded):
			return failureOf(err, conn), readError(ctx, err)
		}
	}
}
