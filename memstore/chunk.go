package memstore

import (
	"bytes"
	"encoding/binary"
	"strings"
	"time"

	"github.com/imageshare/sharing"
)

// maxRows is how many shares a chunk holds at most: more than images usually have, since a check finds its share in one
// chunk, and few, since each change of a share copies one.
const maxRows = 64

// A chunk is a number of shares of one image, in ascending order of grantee, packed into one piece of memory
// so that finding one of them touches little of it. It never changes. An empty one is nil. In it are
//
//	the number of shares, in one byte,
//	their tags, each one byte of the grantee's hash, by which they are found,
//	their flags, each in one byte,
//	where their entries begin, and where the last one ends, each in two bytes, counted from where the first begins,
//	their entries: the grantee and the times, of which the flags tell how many there are.
type chunk []byte

// The flags of a share: its status, and which times its entry has beside that of its creation.
const (
	flagUpdated byte = 1 << 6 // if it was not only created
	flagExpires byte = 1 << 7
	flagsStatus      = flagUpdated - 1
)

// timeSize is what a time takes: a number of seconds and one of nanoseconds, since it has to hold the years 1 to 9999.
const timeSize = 8 + 4

// A row is a share in a chunk.
type row struct {
	chunk chunk
	index int
}

func (c chunk) len() int {
	if c == nil {
		return 0
	}
	return int(c[0])
}

// tags, flags and entries return those of the shares from the i-th to before the j-th.
func (c chunk) tags(i, j int) []byte { return c[1+i : 1+j] }

func (c chunk) flags(i, j int) []byte {
	n := int(c[0])
	return c[1+n+i : 1+n+j]
}

func (c chunk) entries(i, j int) []byte { return c[c.entryAt(i):c.entryAt(j)] }

// entryAt returns where the i-th entry begins, or the last one ends.
func (c chunk) entryAt(i int) int {
	n := int(c[0])
	return overhead(n) + int(binary.LittleEndian.Uint16(c[1+2*n+2*i:]))
}

// overhead returns what a chunk of n shares takes beside their entries.
func overhead(n int) int { return 1 + 2*n + 2*(n+1) }

// name returns the i-th grantee.
func (c chunk) name(i int) []byte {
	times := timesOf(c.flags(i, i+1)[0])
	return c[c.entryAt(i) : c.entryAt(i+1)-times*timeSize]
}

// timesOf returns how many times an entry with these flags has.
func timesOf(flags byte) int { return 1 + int(flags&flagUpdated/flagUpdated) + int(flags/flagExpires) }

// find returns the share with grantee, which has the given tag.
func (c chunk) find(grantee sharing.Grantee, tag byte) (row, bool) {
	n := c.len()
	for i := 0; i < n; i++ {
		next := bytes.IndexByte(c.tags(i, n), tag)
		if next < 0 {
			break
		}
		if i += next; string(c.name(i)) == string(grantee) {
			return row{c, i}, true
		}
	}
	return row{}, false
}

// search returns the index of the first share whose grantee is not less, and whether it is equal.
func (c chunk) search(grantee sharing.Grantee) (int, bool) {
	low, high := 0, c.len()
	for low < high {
		if mid := (low + high) / 2; string(c.name(mid)) < string(grantee) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, low < c.len() && string(c.name(low)) == string(grantee)
}

func (r row) flags() byte { return r.chunk.flags(r.index, r.index+1)[0] }

func (r row) status() sharing.ShareStatus { return sharing.ShareStatus(r.flags() & flagsStatus) }

func (r row) grantee() sharing.Grantee { return sharing.Grantee(r.chunk.name(r.index)) }

// time returns one of the entry's times, counted from its end.
func (r row) time(last int) time.Time {
	v := r.chunk[r.chunk.entryAt(r.index+1)-(1+last)*timeSize:]
	return time.Unix(int64(binary.LittleEndian.Uint64(v)), int64(binary.LittleEndian.Uint32(v[8:]))).UTC()
}

func (r row) created() time.Time { return r.time(0) }

func (r row) updated() time.Time { return r.time(int(r.flags() & flagUpdated / flagUpdated)) }

func (r row) expires() time.Time {
	if r.flags()&flagExpires == 0 {
		return time.Time{}
	}
	return r.time(timesOf(r.flags()) - 1)
}

func (r row) grant() sharing.Grant {
	return sharing.Grant{Exists: true, Status: r.status(), Expires: r.expires()}
}

func (r row) share(image sharing.ImageID) sharing.Share {
	return sharing.Share{
		Image:     image,
		Grantee:   r.grantee(),
		Status:    r.status(),
		CreatedAt: r.created(),
		UpdatedAt: r.updated(),
		Expires:   r.expires(),
	}
}

// appendShare appends a chunk of one share, whose grantee has the given tag, to c, which is empty.
func appendShare(c chunk, share *sharing.Share, tag byte) chunk {
	flags := byte(share.Status)
	if !share.UpdatedAt.Equal(share.CreatedAt) {
		flags |= flagUpdated
	}
	if !share.Expires.IsZero() {
		flags |= flagExpires
	}
	c = append(c, 1, tag, flags, 0, 0)
	c = binary.LittleEndian.AppendUint16(c, uint16(len(share.Grantee)+timesOf(flags)*timeSize))
	c = append(c, share.Grantee...)
	if flags&flagExpires != 0 {
		c = appendTime(c, share.Expires)
	}
	if flags&flagUpdated != 0 {
		c = appendTime(c, share.UpdatedAt)
	}
	return appendTime(c, share.CreatedAt)
}

func appendTime(c chunk, t time.Time) chunk {
	c = binary.LittleEndian.AppendUint64(c, uint64(t.Unix()))
	return binary.LittleEndian.AppendUint32(c, uint32(t.Nanosecond()))
}

// A part is those shares of a chunk that have the indexes from from to before to.
type part struct {
	chunk    chunk
	from, to int
}

// join returns a chunk of the parts, one after the other.
func join(parts ...part) chunk {
	count, size := 0, 0
	for _, p := range parts {
		if p.from < p.to {
			count += p.to - p.from
			size += p.chunk.entryAt(p.to) - p.chunk.entryAt(p.from)
		}
	}
	if count == 0 {
		return nil
	}
	c := make(chunk, 0, overhead(count)+size)
	c = append(c, byte(count))
	for _, p := range parts {
		if p.from < p.to {
			c = append(c, p.chunk.tags(p.from, p.to)...)
		}
	}
	for _, p := range parts {
		if p.from < p.to {
			c = append(c, p.chunk.flags(p.from, p.to)...)
		}
	}
	at := 0
	for _, p := range parts {
		if p.from < p.to {
			moved := at - p.chunk.entryAt(p.from)
			for i := p.from; i < p.to; i++ {
				at = p.chunk.entryAt(i) + moved
				c = binary.LittleEndian.AppendUint16(c, uint16(at))
			}
			at = p.chunk.entryAt(p.to) + moved
		}
	}
	c = binary.LittleEndian.AppendUint16(c, uint16(at))
	for _, p := range parts {
		if p.from < p.to {
			c = append(c, p.chunk.entries(p.from, p.to)...)
		}
	}
	return c
}

// expiryKey returns a key that orders shares by expiry.
func expiryKey(expires time.Time, grantee sharing.Grantee) string {
	var key strings.Builder
	key.Grow(timeSize + len(grantee))
	var at [timeSize]byte
	binary.BigEndian.PutUint64(at[:], uint64(expires.Unix())^1<<63)
	binary.BigEndian.PutUint32(at[8:], uint32(expires.Nanosecond()))
	key.Write(at[:])
	key.WriteString(string(grantee))
	return key.String()
}
