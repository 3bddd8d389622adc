package sqlitestore_test

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/packed"
)

// A bare is what a program does that has no store and no engine, only the driver: for each call the same rows are read and
// written, in a transaction of the same kind, by statements prepared beforehand. It judges by the same rules.
type bare struct {
	writing sync.Mutex
	writer  *bareConn
	readers chan *bareConn
}

type bareConn struct {
	db    *sqlite3.Conn
	stmts map[string]*sqlite3.Stmt
	raw   bool // records are read, but not decoded
}

func openBare(b *testing.B, path string, raw bool) *bare {
	open := func() *bareConn {
		db, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READWRITE)
		if err != nil {
			b.Fatal(err)
		}
		c := &bareConn{db: db, stmts: map[string]*sqlite3.Stmt{}, raw: raw}
		if err := db.Exec(`PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192`); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			for _, s := range c.stmts {
				s.Close()
			}
			db.Close()
		})
		return c
	}
	n := max(4, 2*runtime.GOMAXPROCS(0))
	x := &bare{writer: open(), readers: make(chan *bareConn, n)}
	for range n {
		x.readers <- open()
	}
	return x
}

func (c *bareConn) stmt(sql string) *sqlite3.Stmt {
	s := c.stmts[sql]
	if s == nil {
		var err error
		if s, _, err = c.db.Prepare(sql); err != nil {
			panic(err)
		}
		c.stmts[sql] = s
	}
	return s
}

func (c *bareConn) run(sql string) error { return c.stmt(sql).Exec() }

func (x *bare) read(fn func(*bareConn) error) error {
	c := <-x.readers
	defer func() { x.readers <- c }()
	if err := c.run(`BEGIN`); err != nil {
		return err
	}
	if err := fn(c); err != nil {
		return err
	}
	return c.run(`COMMIT`)
}

func (x *bare) write(fn func(*bareConn) error) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	c := x.writer
	if err := c.run(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	if err := fn(c); err != nil {
		return err
	}
	return c.run(`COMMIT`)
}

const (
	bareImage = `SELECT i.record, o.status, o.expires, e.status, e.expires FROM images i
		LEFT JOIN shares o ON o.image = i.id AND o.grantee = ?2 LEFT JOIN shares e ON e.image = i.id AND e.grantee = '*'
		WHERE i.id = ?1 AND i.deleted = 0`
	bareImages = `SELECT i.record, o.status, o.expires, e.status, e.expires FROM images i
		LEFT JOIN shares o ON o.image = i.id AND o.grantee = ?1 LEFT JOIN shares e ON e.image = i.id AND e.grantee = '*'
		WHERE i.owner = ?1 AND i.deleted = 0 AND i.id > ?2 ORDER BY i.id LIMIT 101`
	bareShared = `SELECT i.record, o.status, o.expires, e.status, e.expires FROM shares o CROSS JOIN images i ON i.id = o.image
		LEFT JOIN shares e ON e.image = i.id AND e.grantee = '*'
		WHERE o.grantee = ?1 AND i.deleted = 0 AND o.image > ?2 ORDER BY o.image LIMIT 101`
	bareTrust    = `SELECT record FROM trust WHERE account = ?`
	bareSequence = `SELECT sequence FROM events WHERE image = ? ORDER BY n DESC LIMIT 1`
	bareShare    = `SELECT status, expires, created, updated FROM shares WHERE image = ? AND grantee = ?`
	bareCount    = `SELECT count(*) FROM shares WHERE image = ? AND expires > ?`
	bareTaken    = `SELECT EXISTS (SELECT 1 FROM instances WHERE id = ?)`
	bareAdd      = `INSERT INTO shares VALUES (?, ?, ?, ?, ?, ?)`
	bareLaunch   = `INSERT INTO instances VALUES (?, 0, ?, ?, ?, ?)`
	bareAppend   = `INSERT INTO events (operation, actor, image, sequence, record) VALUES (?, ?, ?, ?, ?)`
)

// one runs a query that gives at most one row.
func (c *bareConn) one(sql string, row func(*sqlite3.Stmt) error, args ...string) (err error) {
	s := c.stmt(sql)
	for i, arg := range args {
		if err := s.BindText(i+1, arg); err != nil {
			return err
		}
	}
	if s.Step() && row != nil {
		err = row(s)
	}
	if err == nil {
		err = s.Err()
	}
	s.Reset()
	return err
}

type bareAccess struct {
	image         sharing.ImageRecord
	own, everyone bool
	pending       int64
	expires       time.Time
}

func (c *bareConn) scan(s *sqlite3.Stmt, a *bareAccess) error {
	if data := s.ColumnRawBlob(0); !c.raw {
		r := packed.Reader(data[5:])
		packed.Image(r, &a.image)
		if err := r.End(); err != nil {
			return err
		}
	}
	if s.ColumnType(1) != sqlite3.NULL {
		a.own, a.pending = true, s.ColumnInt64(1)
		if b := s.ColumnRawBlob(2); len(b) == 12 {
			a.expires = time.Unix(int64(binary.BigEndian.Uint64(b)^1<<63), int64(binary.BigEndian.Uint32(b[8:])))
		}
	}
	a.everyone = s.ColumnType(3) != sqlite3.NULL
	return nil
}

func (c *bareConn) canUse(account, image string) (a bareAccess, err error) {
	if err = c.one(bareImage, func(s *sqlite3.Stmt) error { return c.scan(s, &a) }, image, account); err != nil {
		return a, err
	}
	err = c.one(bareTrust, func(s *sqlite3.Stmt) error { return packed.Reader(s.ColumnRawBlob(0)[5:]).End() }, account)
	if err == nil && (!a.own || a.pending != 0 || !a.expires.IsZero() && !time.Now().Before(a.expires)) {
		err = fmt.Errorf("%s may not use %s", account, image)
	}
	return a, err
}

func (x *bare) check(account, image string) error {
	return x.read(func(c *bareConn) error {
		_, err := c.canUse(account, image)
		return err
	})
}

// exec runs a statement that writes, with texts, bytes and numbers.
func (c *bareConn) exec(sql string, args ...any) error {
	s := c.stmt(sql)
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			s.BindText(i+1, arg)
		case []byte:
			s.BindBlob(i+1, arg)
		case int64:
			s.BindInt64(i+1, arg)
		}
	}
	return s.Exec()
}

func (c *bareConn) sequence(image string) (n int64, err error) {
	err = c.one(bareSequence, func(s *sqlite3.Stmt) error { n = s.ColumnInt64(0); return nil }, image)
	return n, err
}

func (c *bareConn) append(ev sharing.Event) error {
	text, err := json.Marshal(ev)
	if err != nil {
		return err
	}
	return c.exec(bareAppend, ev.Operation, string(ev.Actor), string(ev.Image), ev.Sequence, string(text))
}

func (x *bare) share(owner, image, grantee string) error {
	return x.write(func(c *bareConn) error {
		var a bareAccess
		if err := c.one(bareImage, func(s *sqlite3.Stmt) error { return c.scan(s, &a) }, image, owner); err != nil {
			return err
		}
		n, err := c.sequence(image)
		if err != nil {
			return err
		}
		if err := c.one(bareShare, nil, image, grantee); err != nil {
			return err
		}
		now, never := time.Now().UTC(), []byte{0xff}
		stamp := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, uint64(now.Unix())^1<<63), uint32(now.Nanosecond()))
		count := c.stmt(bareCount)
		count.BindText(1, image)
		count.BindBlob(2, stamp)
		if !count.Step() || count.ColumnInt(0) > 1<<30 {
			return fmt.Errorf("%s has too many shares", image)
		}
		count.Reset()
		if err := c.exec(bareAdd, image, grantee, int64(0), never, stamp, stamp); err != nil {
			return err
		}
		s := sharing.Share{Image: sharing.ImageID(image), Grantee: sharing.Grantee(grantee), CreatedAt: now, UpdatedAt: now}
		return c.append(sharing.Event{Operation: rand.Text(), At: now, Actor: sharing.AccountID(owner), Kind: sharing.EventShared,
			Image: s.Image, Sequence: n + 1, Shares: []sharing.Share{s}})
	})
}

func (x *bare) launch(account, image string) error {
	return x.write(func(c *bareConn) error {
		if _, err := c.canUse(account, image); err != nil {
			return err
		}
		n, err := c.sequence(image)
		if err != nil {
			return err
		}
		now, id := time.Now().UTC(), strings.ToLower(rand.Text())
		if err := c.one(bareTaken, nil, id); err != nil {
			return err
		}
		rec := sharing.InstanceRecord{Instance: sharing.Instance{ID: sharing.InstanceID(id), Owner: sharing.AccountID(account), Region: "eu",
			Image: sharing.ImageID(image), DiskGeneration: 1, LaunchedAt: now}}
		w := packed.Writer(make([]byte, 5, 256))
		packed.Instance(w, &rec)
		if err := c.exec(bareLaunch, id, account, "eu", image, w.Bytes()); err != nil {
			return err
		}
		return c.append(sharing.Event{Operation: rand.Text(), At: now, Actor: rec.Owner, Kind: sharing.EventLaunched,
			Image: sharing.ImageID(image), Instance: rec.ID, Sequence: n + 1, InstanceRecord: &rec})
	})
}

func (x *bare) page(account string) error {
	return x.read(func(c *bareConn) error {
		var page []bareAccess
		for _, sql := range []string{bareImages, bareShared} {
			s := c.stmt(sql)
			s.BindText(1, account)
			s.BindText(2, "")
			for s.Step() {
				var a bareAccess
				if err := c.scan(s, &a); err != nil {
					return err
				}
				page = append(page, a)
			}
			if err := s.Reset(); err != nil {
				return err
			}
		}
		if len(page) < 100 {
			return fmt.Errorf("a page has %d images", len(page))
		}
		return nil
	})
}
