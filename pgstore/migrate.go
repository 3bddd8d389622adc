package pgstore

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// migrations are the steps that make the schema, in the order of their names. A step that
// was released is never changed.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date, in one transaction under a lock, and reads the store's ID.
func (s *Store) migrate(ctx context.Context) error {
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if done, err := s.readSchema(ctx, conn, len(steps)); err != nil || done == len(steps) {
		return schemaError(err)
	}
	return schemaError(pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = 0"); err != nil { // another program's step may take long
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", lockPrefix+"schema"); err != nil {
			return err
		}
		done, err := s.readSchema(ctx, tx, len(steps)) // another program may have done it meanwhile
		if err != nil {
			return err
		}
		if done == 0 {
			if err := s.createSchema(ctx, tx); err != nil {
				return err
			}
		}
		for _, step := range steps[done:] {
			sql, err := migrations.ReadFile(step)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, string(sql)); err != nil {
				return fmt.Errorf("%s: %w", step, err)
			}
		}
		_, err = tx.Exec(ctx, "UPDATE sharing.store SET version = $1", len(steps))
		return err
	}))
}

// A querier is a connection or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// readSchema returns how many steps the schema has behind it, of the known ones.
func (s *Store) readSchema(ctx context.Context, db querier, known int) (done int, err error) {
	var exists, ours, empty bool
	err = db.QueryRow(ctx, `SELECT to_regnamespace('sharing') IS NOT NULL, to_regclass('sharing.store') IS NOT NULL,
		NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('sharing'))`).Scan(&exists, &ours, &empty)
	switch {
	case err != nil:
		return 0, err
	case !ours && exists && !empty:
		return 0, unfit("the database has a schema \"sharing\" that is another program's: take another database")
	case !ours:
		return 0, nil
	}
	if err := db.QueryRow(ctx, "SELECT version, id FROM sharing.store").Scan(&done, &s.id); err != nil {
		if errors.Is(err, pgx.ErrNoRows) {
			return 0, unfit("the table sharing.store is empty: the schema is damaged")
		}
		return 0, err
	}
	if done > known {
		return 0, unfit("the schema has version %d, and this program knows %d: it needs a newer release", done, known)
	}
	return done, nil
}

// createSchema makes what the steps build on.
func (s *Store) createSchema(ctx context.Context, db querier) error {
	s.id = strings.ToLower(rand.Text()[:10])
	for _, sql := range []string{
		"CREATE SCHEMA IF NOT EXISTS sharing",
		"CREATE TABLE sharing.store (id text NOT NULL, version integer NOT NULL)",
		"INSERT INTO sharing.store VALUES ('" + s.id + "', 0)",
	} {
		if _, err := db.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

func schemaError(err error) error {
	if err == nil {
		return nil
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.Code {
		case "42501":
			return fmt.Errorf("pgstore: the user may not use or create the schema \"sharing\": grant it CREATE on the database once, or USAGE and all on the schema: %w", err)
		case "42703", "42P01":
			return fmt.Errorf("pgstore: the schema \"sharing\" is another program's, or damaged: take another database: %w", err)
		}
	}
	return fmt.Errorf("pgstore: %w", explained(err))
}
