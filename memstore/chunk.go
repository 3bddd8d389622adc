package memstore

import (
	"bytes"
	"encoding/binary"
	"strings"
	"time"

	"github.com/imageshare/sharing"
)

// maxRows is how many shares a chunk holds at most.
const maxRows = 128

// A chunk is a number of shares of one image, in ascending order of grantee, packed into one piece of memory
// so that finding one of them touches little of it. It never changes. An empty one is nil. In it are
//
//	the number of shares, in one byte,
//	their tags, each one byte of the grantee's hash, by which they are found,
//	their heads, of headSize bytes each: all that most decisions read,
//	their names: the grantees,
//	their times, of timesSize bytes each.
type chunk []byte

// Where in a head the values are.
const (
	headName    = 0 // where its name ends, from where the first one begins, in four bytes
	headStatus  = 4
	headExpires = 5 // whether it expires
	headSize    = 6
)

// Where in the times the values are.
const (
	timesExpires = 0
	timesCreated = timesExpires + timeSize
	timesUpdated = timesCreated + timeSize
	timesSize    = timesUpdated + timeSize

	// A time is a number of seconds and one of nanoseconds: it has to hold the years 1 to 9999.
	timeSize = 8 + 4
)

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

// headAt returns where the i-th head begins, or the heads end.
func (c chunk) headAt(i int) int { return 1 + int(c[0]) + i*headSize }

// nameAt returns where the i-th name begins, or the names end, from where the first one begins.
func (c chunk) nameAt(i int) int {
	if i == 0 {
		return 0
	}
	return int(binary.LittleEndian.Uint32(c[c.headAt(i-1)+headName:]))
}

// names returns the names from the i-th up to that before the j-th.
func (c chunk) names(i, j int) []byte {
	first := c.headAt(int(c[0]))
	return c[first+c.nameAt(i) : first+c.nameAt(j)]
}

func (c chunk) name(i int) []byte { return c.names(i, i+1) }

// times returns the times from the i-th share's up to those before the j-th's.
func (c chunk) times(i, j int) []byte {
	n := int(c[0])
	first := c.headAt(n) + c.nameAt(n)
	return c[first+i*timesSize : first+j*timesSize]
}

// find returns the share with grantee, which has the given tag.
func (c chunk) find(grantee sharing.Grantee, tag byte) (row, bool) {
	n := c.len()
	for i := 0; i < n; i++ {
		next := bytes.IndexByte(c[1+i:1+n], tag)
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

func (r row) head() []byte { return r.chunk[r.chunk.headAt(r.index):] }

func (r row) status() sharing.ShareStatus { return sharing.ShareStatus(r.head()[headStatus]) }

func (r row) expires() time.Time {
	if r.head()[headExpires] == 0 {
		return time.Time{}
	}
	return r.time(timesExpires)
}

func (r row) time(at int) time.Time {
	v := r.chunk.times(r.index, r.index+1)[at:]
	return time.Unix(int64(binary.LittleEndian.Uint64(v)), int64(binary.LittleEndian.Uint32(v[8:]))).UTC()
}

func (r row) grantee() sharing.Grantee { return sharing.Grantee(r.chunk.name(r.index)) }

func (r row) grant() sharing.Grant {
	return sharing.Grant{Exists: true, Status: r.status(), Expires: r.expires()}
}

func (r row) share(image sharing.ImageID) sharing.Share {
	return sharing.Share{
		Image:     image,
		Grantee:   r.grantee(),
		Status:    r.status(),
		CreatedAt: r.time(timesCreated),
		UpdatedAt: r.time(timesUpdated),
		Expires:   r.expires(),
	}
}

// appendShare appends a chunk of one share, whose grantee has the given tag, to c.
func appendShare(c chunk, share *sharing.Share, tag byte) chunk {
	c = append(c, 1, tag)
	c = binary.LittleEndian.AppendUint32(c, uint32(len(share.Grantee)))
	c = append(c, byte(share.Status), 0)
	if !share.Expires.IsZero() {
		c[len(c)-1] = 1
	}
	c = append(c, share.Grantee...)
	c = appendTime(c, share.Expires)
	c = appendTime(c, share.CreatedAt)
	return appendTime(c, share.UpdatedAt)
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
	count, names := 0, 0
	for _, p := range parts {
		if p.from < p.to {
			count += p.to - p.from
			names += p.chunk.nameAt(p.to) - p.chunk.nameAt(p.from)
		}
	}
	if count == 0 {
		return nil
	}
	c := make(chunk, 0, 1+count*(1+headSize+timesSize)+names)
	c = append(c, byte(count))
	for _, p := range parts {
		if p.from < p.to {
			c = append(c, p.chunk[1+p.from:1+p.to]...)
		}
	}
	name := 0
	for _, p := range parts {
		if p.from < p.to {
			moved, begin := name-p.chunk.nameAt(p.from), len(c)
			c = append(c, p.chunk[p.chunk.headAt(p.from):p.chunk.headAt(p.to)]...)
			for ; moved != 0 && begin < len(c); begin += headSize {
				at := c[begin+headName:]
				binary.LittleEndian.PutUint32(at, binary.LittleEndian.Uint32(at)+uint32(moved))
			}
			name += p.chunk.nameAt(p.to) - p.chunk.nameAt(p.from)
		}
	}
	for _, p := range parts {
		if p.from < p.to {
			c = append(c, p.chunk.names(p.from, p.to)...)
		}
	}
	for _, p := range parts {
		if p.from < p.to {
			c = append(c, p.chunk.times(p.from, p.to)...)
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
