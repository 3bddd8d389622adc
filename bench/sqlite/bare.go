package sqlite

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/internal/packed"
)

// bare makes the reads and writes of the library's calls by hand, as somebody would who
// writes one program for these calls alone: in transactions of the same kind, with statements
// prepared beforehand, on as many connections, of which the one used last is used next. It
// judges nothing, and waits for nobody's lock but its own writer's and another process's.
type bare struct {
	writing sync.Mutex
	writer  *bareConn

	reading chan struct{}
	mu      sync.Mutex
	readers []*bareConn
}

type bareConn struct {
	db    *sqlite3.Conn
	stmts map[string]*sqlite3.Stmt
}

func openBare(path string) (*bare, error) {
	var conns []*bareConn
	for range 1 + max(4, 2*runtime.GOMAXPROCS(0)) {
		db, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READWRITE)
		if err != nil {
			return nil, err
		}
		if err := db.Exec(`PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192; PRAGMA busy_timeout = 60000`); err != nil {
			return nil, err
		}
		conns = append(conns, &bareConn{db, make(map[string]*sqlite3.Stmt)})
	}
	return &bare{writer: conns[0], readers: conns[1:], reading: make(chan struct{}, len(conns)-1)}, nil
}

func (b *bare) close() (err error) {
	for _, c := range append(b.readers, b.writer) {
		for _, s := range c.stmts {
			err = errors.Join(err, s.Close())
		}
		err = errors.Join(err, c.db.Close())
	}
	return err
}

func (b *bare) read(fn func(*bareConn) error) error {
	b.reading <- struct{}{}
	b.mu.Lock()
	c := b.readers[len(b.readers)-1]
	b.readers = b.readers[:len(b.readers)-1]
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.readers = append(b.readers, c)
		b.mu.Unlock()
		<-b.reading
	}()
	return c.transaction(`BEGIN`, fn)
}

func (b *bare) write(fn func(*bareConn) error) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	return b.writer.transaction(`BEGIN IMMEDIATE`, fn)
}

// transaction is over for good if it fails: then the work is.
func (c *bareConn) transaction(begin string, fn func(*bareConn) error) error {
	if err := c.run(begin); err != nil {
		return err
	}
	if err := fn(c); err != nil {
		return err
	}
	return c.run(`COMMIT`)
}

const (
	accessSQL = `SELECT i.record, o.status, o.expires, e.status, e.expires FROM images i
		LEFT JOIN shares o ON o.image = i.id AND o.grantee = ?2 LEFT JOIN shares e ON e.image = i.id AND e.grantee = '*' WHERE i.id = ?1`
	ownSQL = `SELECT i.record, o.status, o.expires, e.status, e.expires FROM images i
		LEFT JOIN shares o ON o.image = i.id AND o.grantee = ?1 LEFT JOIN shares e ON e.image = i.id AND e.grantee = '*'
		WHERE i.owner = ?1 AND i.deleted = 0 AND i.id > '' ORDER BY i.id LIMIT 101`
	sharedSQL = `SELECT i.record, o.status, o.expires, e.status, e.expires FROM shares o CROSS JOIN images i ON i.id = o.image
		LEFT JOIN shares e ON e.image = i.id AND e.grantee = '*'
		WHERE o.grantee = ?1 AND i.deleted = 0 AND o.image > '' ORDER BY o.image LIMIT 101`
	trustSQL    = `SELECT record FROM trust WHERE account = ?`
	sequenceSQL = `SELECT sequence FROM events WHERE image = ? ORDER BY n DESC LIMIT 1`
	granteeSQL  = `SELECT status, expires, created, updated FROM shares WHERE image = ? AND grantee = ?`
	presentSQL  = `SELECT count(*) FROM shares WHERE image = ? AND expires > ?`
	takenSQL    = `SELECT EXISTS (SELECT 1 FROM instances WHERE id = ?)`
	shareSQL    = `INSERT INTO shares VALUES (?, ?, ?, ?, ?, ?)`
	launchSQL   = `INSERT INTO instances VALUES (?, 0, ?, ?, ?, ?)`
	appendSQL   = `INSERT INTO events (operation, actor, image, sequence, record) VALUES (?, ?, ?, ?, ?)`
)

// start binds the arguments of a statement.
func (c *bareConn) start(sql string, args ...any) (*sqlite3.Stmt, error) {
	s := c.stmts[sql]
	if s == nil {
		var err error
		if s, _, err = c.db.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT); err != nil {
			return nil, err
		}
		c.stmts[sql] = s
	}
	for i, arg := range args {
		var err error
		switch arg := arg.(type) {
		case string:
			err = s.BindText(i+1, arg)
		case []byte:
			err = s.BindBlob(i+1, arg)
		case int64:
			err = s.BindInt64(i+1, arg)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (c *bareConn) run(sql string, args ...any) error {
	s, err := c.start(sql, args...)
	if err != nil {
		return err
	}
	return s.Exec()
}

// rows calls row for each row of a query.
func (c *bareConn) rows(row func(*sqlite3.Stmt) error, sql string, args ...any) error {
	s, err := c.start(sql, args...)
	if err != nil {
		return err
	}
	for err == nil && s.Step() {
		err = row(s)
	}
	return errors.Join(err, s.Err(), s.Reset())
}

func nothing(*sqlite3.Stmt) error { return nil }

// An access is what an account has of an image. The record is decoded if decodes says so.
type access struct {
	decodes bool
	record  sharing.ImageRecord

	own, everyone               bool
	ownStatus, everyoneStatus   int64
	ownExpires, everyoneExpires time.Time
}

// headSize is how many bytes stand before a record's fields: a layout and a checksum.
const headSize = 5

func (a *access) scan(s *sqlite3.Stmt) error {
	if data := s.ColumnRawBlob(0); a.decodes {
		r := packed.Reader(string(data[headSize:]))
		packed.Image(r, &a.record)
		if err := r.End(); err != nil {
			return err
		}
	}
	if a.own = s.ColumnType(1) != sqlite3.NULL; a.own {
		a.ownStatus, a.ownExpires = s.ColumnInt64(1), instant(s.ColumnRawBlob(2))
	}
	if a.everyone = s.ColumnType(3) != sqlite3.NULL; a.everyone {
		a.everyoneStatus, a.everyoneExpires = s.ColumnInt64(3), instant(s.ColumnRawBlob(4))
	}
	return nil
}

// A stored time is 12 bytes that sort as times do, or one for never.
func instant(b []byte) time.Time {
	if len(b) != 12 {
		return time.Time{}
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b)^1<<63), int64(binary.BigEndian.Uint32(b[8:]))).UTC()
}

func stored(t time.Time) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, uint64(t.Unix())^1<<63), uint32(t.Nanosecond()))
}

func (c *bareConn) access(account sharing.AccountID, image sharing.ImageID, decodes bool) (a access, err error) {
	a.decodes = decodes
	return a, c.rows(a.scan, accessSQL, string(image), string(account))
}

func (c *bareConn) canUse(q world.Question, decodes bool) error {
	a, err := c.access(q.Account, q.Image, decodes)
	if err == nil && !a.own {
		err = fmt.Errorf("%s is not shared with %s", q.Image, q.Account)
	}
	return errors.Join(err, c.rows(nothing, trustSQL, string(q.Account)))
}

func (b *bare) check(q world.Question, decodes bool) error {
	return b.read(func(c *bareConn) error { return c.canUse(q, decodes) })
}

func (b *bare) page(owner sharing.AccountID, decodes bool) (page []access, err error) {
	err = b.read(func(c *bareConn) error {
		page = make([]access, 0, limit+1)
		for _, sql := range []string{ownSQL, sharedSQL} {
			if err := c.rows(func(s *sqlite3.Stmt) error {
				page = append(page, access{decodes: decodes})
				return page[len(page)-1].scan(s)
			}, sql, string(owner)); err != nil {
				return err
			}
		}
		return nil
	})
	return page, err
}

// append appends an event about the image.
func (c *bareConn) append(image sharing.ImageID, ev sharing.Event) error {
	var sequence int64
	if err := c.rows(func(s *sqlite3.Stmt) error { sequence = s.ColumnInt64(0); return nil }, sequenceSQL, string(image)); err != nil {
		return err
	}
	ev.Operation, ev.Image, ev.Sequence = rand.Text(), image, sequence+1
	text, err := json.Marshal(ev)
	if err != nil {
		return err
	}
	return c.run(appendSQL, ev.Operation, string(ev.Actor), string(image), ev.Sequence, string(text))
}

func (b *bare) share(_ context.Context, img *world.Image, grantee string) error {
	return b.write(func(c *bareConn) error {
		if _, err := c.access(img.Owner, img.ID, true); err != nil {
			return err
		}
		now, never := time.Now().UTC(), []byte{0xff}
		if err := errors.Join(c.rows(nothing, granteeSQL, string(img.ID), grantee), c.rows(nothing, presentSQL, string(img.ID), stored(now))); err != nil {
			return err
		}
		if err := c.run(shareSQL, string(img.ID), grantee, int64(0), never, stored(now), stored(now)); err != nil {
			return err
		}
		return c.append(img.ID, sharing.Event{At: now, Actor: img.Owner, Kind: sharing.EventShared,
			Shares: []sharing.Share{{Image: img.ID, Grantee: sharing.Grantee(grantee), CreatedAt: now, UpdatedAt: now}}})
	})
}

func (b *bare) launch(_ context.Context, q world.Question) error {
	return b.write(func(c *bareConn) error {
		rec := sharing.InstanceRecord{Instance: sharing.Instance{ID: sharing.InstanceID(strings.ToLower(rand.Text())), Owner: q.Account,
			Region: q.Region, Image: q.Image, DiskGeneration: 1, LaunchedAt: time.Now().UTC()}}
		if err := errors.Join(c.canUse(q, true), c.rows(nothing, takenSQL, string(rec.ID))); err != nil {
			return err
		}
		w := packed.Writer(make([]byte, headSize, 256))
		packed.Instance(w, &rec)
		if err := c.run(launchSQL, string(rec.ID), string(rec.Owner), string(rec.Region), string(rec.Image), w.Bytes()); err != nil {
			return err
		}
		return c.append(q.Image, sharing.Event{At: rec.LaunchedAt, Actor: q.Account, Kind: sharing.EventLaunched, Instance: rec.ID, InstanceRecord: &rec})
	})
}
