package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"

	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/bench/zanzibar/openfga"
	"github.com/imageshare/sharing/bench/zanzibar/relation"
	"github.com/imageshare/sharing/bench/zanzibar/spicedb"
	"github.com/imageshare/sharing/internal/pgtest"
	"github.com/imageshare/sharing/pgstore"
)

// connections is how many connections each contestant may have to the server.
const connections = 32

// runPostgres compares those that can keep their data in Postgres, on one server, each in a database of its own.
func runPostgres(ctx context.Context, scale contest.Scale, rows *[]contest.Row) (err error) {
	server, err := pgtest.New("shared_buffers=256MB", "max_wal_size=4GB", "checkpoint_timeout=1h", "max_connections=400", "track_commit_timestamp=on")
	if err != nil {
		return err
	}
	defer server.Remove()
	shares := contest.Pick(scale, 200, 10_000, 100_000)
	w := world.New(shares)
	f, err := newPostgresField(ctx, server, w)
	defer func() { err = errors.Join(err, f.close()) }()
	if err != nil {
		return err
	}
	for _, callers := range []int{1, 16} {
		if err := f.contest(ctx, scale, w, "on Postgres", shares, callers, rows); err != nil {
			return err
		}
	}
	return nil
}

func newPostgresField(ctx context.Context, server *pgtest.Server, w *world.World) (*field, error) {
	f := new(field)
	databases := []string{"sharing", "openfga", "spicedb", "spicedb_accounts"}
	for _, name := range databases {
		if err := execute(ctx, server, "postgres", "CREATE DATABASE "+name); err != nil {
			return f, err
		}
	}
	store, err := pgstore.Open(ctx, fmt.Sprintf("%s pool_max_conns=%d", server.DSN("sharing"), connections))
	if err != nil {
		return f, err
	}
	f.closers = append(f.closers, store.Close)
	if err := f.addLibrary(ctx, w, store); err != nil {
		return f, err
	}
	all := relation.Of(w)
	datastore, err := openfga.Postgres(address(server, "openfga"), connections)
	if err != nil {
		return f, err
	}
	fga, err := openfga.New(ctx, datastore)
	if err != nil {
		return f, err
	}
	f.closers = append(f.closers, fga.Close)
	if err := fga.Write(ctx, all, nil); err != nil {
		return f, err
	}
	if err := f.addOpenFGA(ctx, fga, nameOpenFGA, openfga.Grantees, false); err != nil {
		return f, err
	}
	if err := f.addOpenFGA(ctx, fga, nameOpenFGAAccounts, openfga.Accounts, false); err != nil {
		return f, err
	}
	for _, c := range []struct {
		name, database string
		schema         spicedb.Schema
	}{{nameSpiceDB, "spicedb", spicedb.Grantees}, {nameSpiceDBAccounts, "spicedb_accounts", spicedb.Accounts}} {
		checker, err := spicedb.Postgres(ctx, address(server, c.database), connections, c.schema)
		if err != nil {
			return f, err
		}
		if err := f.addSpiceDB(ctx, all, c.name, checker); err != nil {
			return f, err
		}
	}
	for _, name := range databases { // so that the server knows what is in it, and does nothing of its own during the contest
		if err := execute(ctx, server, name, "VACUUM ANALYZE"); err != nil {
			return f, err
		}
	}
	return f, execute(ctx, server, "postgres", "CHECKPOINT")
}

// address names a database of the server as a URL, in which form the peers want it.
func address(server *pgtest.Server, database string) string {
	query := url.Values{"host": {server.Host()}, "sslmode": {"disable"}}
	return "postgres://sharing@/" + database + "?" + query.Encode()
}

func execute(ctx context.Context, server *pgtest.Server, database, sql string) error {
	conn, err := pgx.Connect(ctx, server.DSN(database))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}
