// Package packed is the binary form of records, in which stores keep what decisions read:
// it is read some twenty times faster than JSON, and takes a third of the space.
//
// Fields have neither names nor numbers: they are read in the order in which they were written. A new field of a record is a new
// layout: the store has to tell by which one a record was written, and read the older ones too.
package packed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// A Codec writes fields to bytes, or reads them from bytes: the same calls do either, so that both agree.
type Codec struct {
	data    []byte // what was written, or is yet to be read
	texts   string // what is yet to be read, as a string of which all texts are parts: one allocation for all
	reading bool
	err     error
}

// Writer returns a codec that appends to data.
func Writer(data []byte) *Codec { return &Codec{data: data} }

// Reader returns a codec that reads data, and keeps none of it.
func Reader(data []byte) *Codec { return &Codec{data: data, texts: string(data), reading: true} }

// Reading reports whether the codec reads.
func (c *Codec) Reading() bool { return c.reading }

// Bytes returns what was written.
func (c *Codec) Bytes() []byte { return c.data }

// End returns why what was read is not what was written, as far as that can be told.
func (c *Codec) End() error {
	if c.err == nil && len(c.data) > 0 {
		c.err = fmt.Errorf("%d bytes are left over", len(c.data))
	}
	return c.err
}

var errCutOff = errors.New("it is cut off")

// Number passes an integer.
func (c *Codec) Number(n *int64) {
	if !c.reading {
		c.data = binary.AppendVarint(c.data, *n)
		return
	}
	got, size := binary.Varint(c.data)
	if size <= 0 {
		c.fail(errCutOff)
		return
	}
	*n = got
	c.skip(size)
}

func (c *Codec) skip(n int) { c.data, c.texts = c.data[n:], c.texts[n:] }

func (c *Codec) fail(err error) {
	if c.err == nil {
		c.err, c.data, c.texts = err, nil, ""
	}
}

// Length passes the number of things of which each takes a byte at least.
func (c *Codec) Length(n int) int {
	long := int64(n)
	c.Number(&long)
	if c.reading && (c.err != nil || long < 0 || long > int64(len(c.data))) {
		c.fail(errCutOff)
		return 0
	}
	return int(long)
}

// Flag passes a truth.
func (c *Codec) Flag(b *bool) {
	n := int64(0)
	if *b {
		n = 1
	}
	c.Number(&n)
	*b = n != 0
}

// Instant passes a time, to the nanosecond and in UTC.
func (c *Codec) Instant(t *time.Time) {
	zero := t.IsZero()
	c.Flag(&zero)
	if zero {
		*t = time.Time{}
		return
	}
	seconds, nanoseconds := t.Unix(), int64(t.Nanosecond())
	c.Number(&seconds)
	c.Number(&nanoseconds)
	if c.reading {
		*t = time.Unix(seconds, nanoseconds).UTC()
	}
}

// Text passes a string.
func Text[T ~string](c *Codec, s *T) {
	n := c.Length(len(*s))
	if !c.reading {
		c.data = append(c.data, *s...)
		return
	}
	*s = T(c.texts[:n])
	c.skip(n)
}

// State passes a state or status.
func State[T ~uint8](c *Codec, s *T) {
	n := int64(*s)
	c.Number(&n)
	if n < 0 || n > math.MaxUint8 {
		c.fail(errors.New("it has an unknown state"))
	}
	*s = T(n)
}

// Labels passes labels: none and no map are one.
func (c *Codec) Labels(labels *map[string]string) {
	n := c.Length(len(*labels))
	if !c.reading {
		for _, key := range slices.Sorted(maps.Keys(*labels)) {
			value := (*labels)[key]
			Text(c, &key)
			Text(c, &value)
		}
		return
	}
	*labels = nil
	if n > 0 {
		*labels = make(map[string]string, n)
	}
	for range n {
		var key, value string
		Text(c, &key)
		Text(c, &value)
		(*labels)[key] = value
	}
}
