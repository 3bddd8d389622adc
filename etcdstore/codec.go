package etcdstore

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/imageshare/sharing"
)

// A packed value is stored in a binary form, since decisions read it: some ten times faster than JSON and a third of its size.
// Its fields have neither names nor numbers: a change of them is a change of the layout.
type packed interface {
	// fields passes the address of each field to c, which writes it, or reads it.
	fields(c *codec)
}

// A codec writes the fields of a value to data, or reads them from it.
type codec struct {
	data    []byte
	reading bool
	content string // all that is read: texts are parts of it, since one string is cheaper than many
	err     error
}

func reader(content []byte) codec {
	return codec{data: content, content: string(content), reading: true}
}

var errCutOff = errors.New("it is cut off")

// number passes an integer.
func (c *codec) number(n *int64) {
	if !c.reading {
		c.data = binary.AppendVarint(c.data, *n)
		return
	}
	got, size := binary.Varint(c.data)
	if size <= 0 {
		c.fail(errCutOff)
		return
	}
	*n, c.data = got, c.data[size:]
}

// length passes the number of things of which each takes a byte at least.
func (c *codec) length(n int) int {
	long := int64(n)
	c.number(&long)
	if c.reading && (long < 0 || long > int64(len(c.data))) {
		c.fail(errCutOff)
		return 0
	}
	return int(long)
}

func (c *codec) fail(err error) {
	if c.err == nil {
		c.err, c.data = err, nil
	}
}

func (c *codec) flag(b *bool) {
	n := int64(0)
	if *b {
		n = 1
	}
	c.number(&n)
	*b = n != 0
}

// instant passes a time, to the nanosecond and in UTC.
func (c *codec) instant(t *time.Time) {
	zero := t.IsZero()
	c.flag(&zero)
	if zero {
		*t = time.Time{}
		return
	}
	seconds, nanoseconds := t.Unix(), int64(t.Nanosecond())
	c.number(&seconds)
	c.number(&nanoseconds)
	if c.reading {
		*t = time.Unix(seconds, nanoseconds).UTC()
	}
}

// text passes a string.
func text[T ~string](c *codec, s *T) {
	n := c.length(len(*s))
	if !c.reading {
		c.data = append(c.data, *s...)
		return
	}
	*s, c.data = T(c.content[len(c.content)-len(c.data):][:n]), c.data[n:]
}

// state passes a state or status.
func state[T ~uint8](c *codec, s *T) {
	n := int64(*s)
	c.number(&n)
	if n < 0 || n > math.MaxUint8 {
		c.fail(errors.New("it has an unknown state"))
	}
	*s = T(n)
}

func (c *codec) labels(labels *map[string]string) {
	n := c.length(len(*labels))
	if !c.reading {
		for _, key := range slices.Sorted(maps.Keys(*labels)) {
			value := (*labels)[key]
			text(c, &key)
			text(c, &value)
		}
		return
	}
	if n > 0 {
		*labels = make(map[string]string, n)
	}
	for range n {
		var key, value string
		text(c, &key)
		text(c, &value)
		(*labels)[key] = value
	}
}

func (v *aboutValue) fields(c *codec) {
	c.number(&v.Sequence)
	shares := int64(v.Shares)
	c.number(&shares)
	v.Shares = int(shares)
}

func (v *shareValue) fields(c *codec) {
	c.number(&v.Generation)
	text(c, &v.Image)
	text(c, &v.Grantee)
	state(c, &v.Status)
	c.instant(&v.CreatedAt)
	c.instant(&v.UpdatedAt)
	c.instant(&v.Expires)
}

func (v *imageValue) fields(c *codec) {
	c.number(&v.Generation)
	c.instant(&v.DeletedAt)
	text(c, &v.ID)
	text(c, &v.Owner)
	text(c, &v.Region)
	text(c, &v.Name)
	text(c, &v.Description)
	text(c, &v.Family)
	text(c, &v.Architecture)
	text(c, &v.Digest)
	c.number(&v.Size)
	c.labels(&v.Labels)
	state(c, &v.State)
	deprecated := v.Deprecation != nil
	if c.flag(&deprecated); deprecated {
		if c.reading {
			v.Deprecation = new(sharing.Deprecation)
		}
		text(c, &v.Deprecation.Notice)
		text(c, &v.Deprecation.Replacement)
		c.instant(&v.Deprecation.At)
	}
	c.flag(&v.Protected)
	c.flag(&v.Sealed)
	text(c, &v.Source.Image)
	text(c, &v.Source.Instance)
	c.instant(&v.CreatedAt)
}

func (v *instanceValue) fields(c *codec) {
	c.instant(&v.TerminatedAt)
	text(c, &v.ID)
	text(c, &v.Owner)
	text(c, &v.Region)
	text(c, &v.Image)
	c.number(&v.DiskGeneration)
	c.labels(&v.Labels)
	c.instant(&v.LaunchedAt)
}
