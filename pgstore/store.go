package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/imageshare/sharing"
)

// A Store keeps an engine's state in a Postgres database. Make one with [Open]. It is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	life context.Context // ends when the store is closed
	end  context.CancelFunc
	id   string // of the database's log, so that cursors of another are told from its own

	doubts sync.Map // of operation to fence: what this store lost the outcome of, and was not asked for yet (R26)
	hint   hint
}

var _ sharing.FreshStore = (*Store)(nil)

// Open opens the store in the database that dsn names, a URL or a list of keywords as libpq takes them:
//
//	postgres://user:password@host:5432/database?sslmode=verify-full&pool_max_conns=20
//
// It creates what the store needs, in the schema "sharing", or brings that up to date; many
// programs may do so at once. It refuses a schema that is newer than this package or belongs
// to another program, a database whose encoding is not UTF8, a server older than Postgres 14,
// and a server that only reads. Where dsn names several hosts, it takes the first that is fit.
//
// pool_max_conns is how many transactions may be under way at once: at least 2, and by default
// the number of CPUs, but at least 4.
func Open(ctx context.Context, dsn string) (*Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("pgstore: %w", err)
	}
	config.MaxConns = max(config.MaxConns, 2) // one may be waiting for the log to grow
	connection := &config.ConnConfig.Config
	demanded := connection.ValidateConnect
	connection.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if demanded != nil {
			if err := demanded(ctx, conn); err != nil {
				return err
			}
		}
		return prepare(ctx, conn)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("pgstore: %w", err)
	}
	s := &Store{pool: pool}
	s.life, s.end = context.WithCancel(context.Background())
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// ErrClosed is wrapped by the errors of calls that begin after [Store.Close], and of a wait for events that Close ends.
var ErrClosed = errors.New("pgstore: the store is closed")

// Close closes all connections, after the transactions under way have ended. Calls that begin later, and all waiting
// for events, fail with [ErrClosed].
func (s *Store) Close() error {
	s.end()
	s.pool.Close()
	return nil
}

// acquire takes a connection from the pool.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	conn, err := s.pool.Acquire(ctx)
	switch {
	case err == nil:
		return conn, nil
	case s.life.Err() != nil:
		return nil, ErrClosed
	case ctx.Err() != nil:
		return nil, readError(ctx, err)
	}
	return nil, connectError(&s.pool.Config().ConnConfig.Config, err)
}

const oldestServer = 14

// prepare checks that a new connection leads to a server that the store can trust, and sets up the session.
//
// A session that lost its client holds its locks until idle_in_transaction_session_timeout if it waits for the next
// statement. In the middle of a statement the server notices that the network or the machine is gone by TCP alone,
// which takes hours by default; for what comes by a Unix socket these settings mean nothing. synchronous_commit may
// be stronger than on, but not off: what a call acknowledges is durable (R26). Each statement is planned once a
// session, for any arguments and by an index: planning takes longer than running it, and a plan that was made while a
// table was small would read it from end to end when it no longer is. For the few rows that have one of some keys a
// bitmap does not pay.
func prepare(ctx context.Context, conn *pgconn.PgConn) error {
	version := conn.ParameterStatus("server_version")
	if major, err := strconv.Atoi(strings.FieldsFunc(version+" 0", notDigit)[0]); err != nil || major < oldestServer {
		return unfit("the server is of version %q: it has to be Postgres %d or later", version, oldestServer)
	}
	result := conn.ExecParams(ctx, `SELECT current_setting('transaction_read_only'), pg_is_in_recovery(), current_setting('server_encoding'),
		set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
		set_config('client_encoding', 'UTF8', false),
		set_config('search_path', 'pg_catalog', false),
		set_config('idle_in_transaction_session_timeout', '5s', false),
		set_config('lock_timeout', '10s', false),
		set_config('tcp_keepalives_idle', '5s', false),
		set_config('tcp_keepalives_interval', '1s', false),
		set_config('tcp_keepalives_count', '5', false),
		set_config('tcp_user_timeout', '10s', false),
		set_config('jit', 'off', false),
		set_config('plan_cache_mode', 'force_generic_plan', false),
		set_config('enable_seqscan', 'off', false),
		set_config('enable_bitmapscan', 'off', false),
		set_config('client_connection_check_interval', '1s', false)`,
		nil, nil, nil, nil).Read()
	if result.Err != nil {
		return result.Err
	}
	if len(result.Rows) != 1 {
		return errors.New("the server did not answer what it is")
	}
	row := result.Rows[0]
	readOnly, standby, encoding := string(row[0]), string(row[1]), string(row[2])
	switch {
	case standby == "t":
		return unfit("the server is a standby, which only reads: name the primary, since no permission may be read from a copy")
	case readOnly == "on":
		return unfit("the server or the user's default is read-only (default_transaction_read_only): the store has to write")
	case encoding != "UTF8":
		return unfit("the database's encoding is %s: create one with ENCODING 'UTF8'", encoding)
	}
	return nil
}

func notDigit(r rune) bool { return r < '0' || r > '9' }
