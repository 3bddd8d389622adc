package pgstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/imageshare/sharing"
)

// A query reads all that one call of a transaction's method asks for, in one statement and so at one instant:
// the union of parts, whose rows all have the form of a fact.
type query struct {
	sql   strings.Builder
	args  []any
	parts int

	// locks are what the answer depends on: a transaction that writes takes them before it reads.
	locks modes
	// instance, if not empty, adds a lock of the image that this instance's system disk is made from,
	// exclusive or not.
	instance          sharing.InstanceID
	instanceExclusive bool
	// anything: the answer depends on more than the locks name, so that nobody else may write meanwhile.
	anything bool
	// log: the answer tells of positions of the log.
	log bool
	// operation, if not empty, is that whose events the answer tells.
	operation string
}

// A fact is a row of any part of a query.
type fact struct {
	part      string
	id        string
	grantee   string
	body      []byte
	status    int64
	created   string
	updated   string
	expires   string
	n, number int64
}

// columns are the expressions that fill the fields of a fact, those that are not empty or zero.
type columns struct {
	id, grantee, body, status, created, updated, expires, n, number string
}

// add adds a part to the query: the columns of the rows that from describes, from FROM to the end of a SELECT.
func (q *query) add(part string, c columns, from string) {
	if q.parts++; q.parts > 1 {
		q.sql.WriteString(" UNION ALL ")
	}
	or := func(expr, null string) string {
		if expr == "" {
			return null
		}
		return expr
	}
	text := func(expr string) string { return or(expr, "NULL") }
	number := func(expr string) string { return or(expr, "NULL") + "::bigint" }
	for _, s := range []string{
		"(SELECT '", part, "', ", text(c.id), ", ", text(c.grantee), ", ", or(c.body, "NULL::json"), ", ", number(c.status), ", ",
		text(c.created), ", ", text(c.updated), ", ", text(c.expires), ", ", number(c.n), ", ", number(c.number), " ", from, ")",
	} {
		q.sql.WriteString(s)
	}
}

// arg adds an argument, and returns its placeholder.
func (q *query) arg(value any) string {
	q.args = append(q.args, value)
	return "$" + strconv.Itoa(len(q.args))
}

// after returns the condition that a column's text comes after a position, which may be any bytes. Where no text can be
// the position, it is compared as bytes, among the texts that the index finds after its beginning.
func (q *query) after(column, position string) string {
	text := storable(position)
	condition := column + " > " + q.arg(text)
	if text != position {
		condition += " AND " + encoded(column) + " > " + q.arg([]byte(position))
	}
	return condition
}

// afterShare returns the condition that a share comes after a position.
func (q *query) afterShare(position sharing.ShareKey) string {
	image, grantee := string(position.Image), string(position.Grantee)
	from := q.arg(storable(image))
	if image == storable(image) && grantee == storable(grantee) {
		return "i.id >= " + from + " AND (s.image, s.grantee) > (" + from + ", " + q.arg(grantee) + ")"
	}
	return "i.id >= " + from + " AND s.image >= " + from +
		" AND (" + encoded("s.image") + ", " + encoded("s.grantee") + ")" +
		" > (" + q.arg([]byte(image)) + ", " + q.arg([]byte(grantee)) + ")"
}

// encoded is an expression for the bytes of a column's text.
func encoded(column string) string { return "convert_to(" + column + ", 'UTF8')" }

// storable returns the longest beginning of text that a column can hold: valid UTF-8 without zero bytes.
func storable(text string) string {
	text, _, _ = strings.Cut(strings.ToValidUTF8(text, "\x00"), "\x00")
	return text
}

// collect returns the facts that the rows hold, read as they came: a page has many.
func (q *query) collect(rows pgx.Rows) ([]fact, error) {
	defer rows.Close()
	facts := make([]fact, 0, max(1, q.parts)) // most parts have one row
	for rows.Next() {
		raw, fields := rows.RawValues(), rows.FieldDescriptions()
		f := fact{
			part: string(raw[0]), id: string(raw[1]), grantee: string(raw[2]), body: bytes.Clone(raw[3]),
			created: string(raw[5]), updated: string(raw[6]), expires: string(raw[7]),
		}
		var wrong [3]error
		f.status, wrong[0] = integer(raw[4], fields[4].Format)
		f.n, wrong[1] = integer(raw[8], fields[8].Format)
		f.number, wrong[2] = integer(raw[9], fields[9].Format)
		if err := errors.Join(wrong[:]...); err != nil {
			return nil, err
		}
		facts = append(facts, f)
	}
	return facts, rows.Err()
}

// integer reads a bigint. NULL, in which a part leaves what it does not fill, is 0.
func integer(raw []byte, format int16) (int64, error) {
	if raw == nil {
		return 0, nil
	}
	if format == pgx.BinaryFormatCode && len(raw) == 8 {
		return int64(binary.BigEndian.Uint64(raw)), nil
	}
	return strconv.ParseInt(string(raw), 10, 64)
}

// A conditions collects what must hold in a WHERE clause.
type conditions []string

func (c *conditions) add(format string, args ...any) {
	*c = append(*c, fmt.Sprintf(format, args...))
}

func (c conditions) String() string { return strings.Join(c, " AND ") }
