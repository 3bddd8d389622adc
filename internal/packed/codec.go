// Package packed is the binary form of records, in which stores keep what decisions read:
// it is read some twenty times faster than JSON, and takes a third of the space.
//
// Fields have neither names nor numbers: they are read in the order in which they were written. A new field in a
// record therefore makes a new layout: a store has to know in which layout a record was written, and still read the
// older ones.
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
	data    []byte // what was written
	rest    string // what is yet to be read
	reading bool
	err     error
}

// Writer returns a codec that appends to data.
func Writer(data []byte) *Codec { return &Codec{data: data} }

// Reader returns a codec that reads data. The texts that it reads are parts of it.
func Reader(data string) *Codec { return &Codec{rest: data, reading: true} }

// Reading reports whether the codec reads.
func (c *Codec) Reading() bool { return c.reading }

// Bytes returns what was written.
func (c *Codec) Bytes() []byte { return c.data }

// End returns why what was read is not what was written, as far as that can be told.
func (c *Codec) End() error {
	if c.err == nil && c.rest != "" {
		c.err = fmt.Errorf("%d bytes are left over", len(c.rest))
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
	var got uint64
	for i := 0; i < len(c.rest) && i < binary.MaxVarintLen64; i++ {
		b := c.rest[i]
		got |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			*n = int64(got>>1) ^ -int64(got&1)
			c.rest = c.rest[i+1:]
			return
		}
	}
	c.fail(errCutOff)
}

func (c *Codec) fail(err error) {
	if c.err == nil {
		c.err, c.rest = err, ""
	}
}

// Length passes the number of things of which each takes a byte at least.
func (c *Codec) Length(n int) int {
	long := int64(n)
	c.Number(&long)
	if c.reading && (c.err != nil || long < 0 || long > int64(len(c.rest))) {
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
	*s, c.rest = T(c.rest[:n]), c.rest[n:]
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
	if c.reading {
		*labels = nil
	}
	if n == 0 { // most often: what sorts keys takes memory even for none
		return
	}
	if !c.reading {
		for _, key := range slices.Sorted(maps.Keys(*labels)) {
			value := (*labels)[key]
			Text(c, &key)
			Text(c, &value)
		}
		return
	}
	*labels = make(map[string]string, n)
	for range n {
		var key, value string
		Text(c, &key)
		Text(c, &value)
		(*labels)[key] = value
	}
}
