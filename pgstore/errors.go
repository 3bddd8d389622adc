package pgstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/imageshare/sharing"
)

// A failure says what became of a run of a closure, as far as the store is concerned.
type failure int

const (
	none     failure = iota // the store did what it was asked to, or the error is one that lasts
	conflict                // others were in the way
	lost                    // the connection was dead, and nothing was changed
)

// failureOf classifies an error of a request that changed nothing.
func failureOf(err error, conn *pgxpool.Conn) failure {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.Code {
		case "40001", "40P01", "55P03": // serialization failure, deadlock, lock timeout
			return conflict
		}
	}
	if conn.Conn().IsClosed() {
		return lost
	}
	return none
}

const (
	mostConflicts = 12 // runs of one transaction that conflict
	mostLost      = 4  // runs of one transaction on connections that turn out to be dead
	firstBackoff  = 2 * time.Millisecond
)

// retry runs a transaction again while it fails for reasons that pass, after waits of random length that get longer.
func (s *Store) retry(ctx context.Context, run func() (failure, error)) error {
	backoff := firstBackoff
	for n := 1; ; n++ {
		failed, err := run()
		if failed == none {
			return err
		}
		if ctx.Err() != nil {
			return readError(ctx, err)
		}
		if failed == conflict && n >= mostConflicts {
			return fmt.Errorf("pgstore: %w: gave up after %d attempts: %w", sharing.ErrConflict, n, err)
		}
		if failed == lost && n >= mostLost {
			return err
		}
		select {
		case <-ctx.Done():
			return readError(ctx, err)
		case <-time.After(rand.N(backoff)):
			backoff = min(2*backoff, time.Second)
		}
	}
}

// readError is the error of a request that changed nothing. If the context has ended, it says so.
func readError(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("pgstore: %w: %w", ended, err)
	}
	return fmt.Errorf("pgstore: %w", explained(err))
}

// explained adds to an error of the server's what to do, where that does not follow from it.
func explained(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "53100" {
		return fmt.Errorf("the server's disk is full: make room on it: %w", err)
	}
	return err
}

// connectError says in one line what is wrong with the way to the server, and what to do.
func connectError(config *pgconn.Config, err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.Code {
		case "28P01", "28000":
			return fmt.Errorf("pgstore: the server refuses user %q: check the password and pg_hba.conf: %w", config.User, err)
		case "3D000":
			return fmt.Errorf("pgstore: there is no database %q: create it first: %w", config.Database, err)
		case "53300":
			return fmt.Errorf("pgstore: the server has no connection left: lower pool_max_conns or raise max_connections: %w", err)
		}
		return fmt.Errorf("pgstore: the server refuses the connection: %w", err)
	}
	var unfit *unfitError
	if errors.As(err, &unfit) {
		return fmt.Errorf("pgstore: %w", err)
	}
	return fmt.Errorf("pgstore: no server at %s port %d: is it running, and are host and port right? %w", config.Host, config.Port, err)
}

// An unfitError says why a server or a database can't be used.
type unfitError struct{ reason string }

func (e *unfitError) Error() string { return e.reason }

func unfit(format string, args ...any) error { return &unfitError{fmt.Sprintf(format, args...)} }
