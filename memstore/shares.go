package memstore

import (
	"iter"
	"slices"
	"time"

	"github.com/imageshare/sharing"
)

// shares are the shares of one image, in ascending order of grantee.
//
// Few images have more than fit into one chunk, so the first is at hand without a further step:
// finding a share is what every decision waits for.
type shares struct {
	first    chunk                 // nil if there are no shares
	more     *moreShares           // nil if one chunk is enough, as it is for nearly all
	expiring *set[string, nothing] // the expiryKeys of those that expire, or nil
	everyone bool                  // whether one is with sharing.Everyone: few are, and every decision asks
}

// moreShares are the chunks after the first, of which none is empty.
type moreShares struct {
	chunks []chunk
	bounds []sharing.Grantee // of each chunk: none of its grantees is less, and all in the chunks before it are
}

func (s *shares) empty() bool { return s.first == nil }

// chunkAt returns the place of a chunk by its number; there are chunkCount.
func (s *shares) chunkAt(n int) *chunk {
	if n == 0 {
		return &s.first
	}
	return &s.more.chunks[n-1]
}

func (s *shares) chunkCount() int {
	if s.more == nil {
		return 1
	}
	return 1 + len(s.more.chunks)
}

// chunkOf returns the number of the only chunk that may hold grantee.
func (s *shares) chunkOf(grantee sharing.Grantee) int {
	low, high := 0, s.chunkCount()
	for high-low > 1 {
		if mid := (low + high) / 2; s.more.bounds[mid-1] <= grantee {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// find returns the share with grantee, which has the given tag.
func (s *shares) find(grantee sharing.Grantee, tag byte) (row, bool) {
	if s.more == nil {
		return s.first.find(grantee, tag)
	}
	return s.chunkAt(s.chunkOf(grantee)).find(grantee, tag)
}

// from yields the shares with grantees from the given one on, or, with after, those after it.
func (s *shares) from(grantee sharing.Grantee, after bool) iter.Seq[row] {
	return func(yield func(row) bool) {
		n := s.chunkOf(grantee)
		i, found := s.chunkAt(n).search(grantee)
		if found && after {
			i++
		}
		for ; n < s.chunkCount(); n, i = n+1, 0 {
			for c := *s.chunkAt(n); i < c.len(); i++ {
				if !yield(row{c, i}) {
					return
				}
			}
		}
	}
}

func (s *shares) count() int {
	count := 0
	for n := range s.chunkCount() {
		count += s.chunkAt(n).len()
	}
	return count
}

// presentAt returns how many shares have not expired at the instant now.
func (s *shares) presentAt(now time.Time) int {
	if s.expiring == nil {
		return s.count()
	}
	return s.count() - s.expiring.countBefore(expiryKey(now.Add(1), ""))
}

// put stores share, whose grantee has the given tag, in place of that with the same grantee, if there is one.
func (s *shares) put(share *sharing.Share, tag byte) {
	s.everyone = s.everyone || share.Grantee == sharing.Everyone
	n := s.chunkOf(share.Grantee)
	c := s.chunkAt(n)
	i, found := c.search(share.Grantee)
	rest := i
	if found {
		s.forgetExpiry(row{*c, i})
		rest++
	}
	if !share.Expires.IsZero() {
		if s.expiring == nil {
			s.expiring = new(set[string, nothing])
		}
		s.expiring.add(expiryKey(share.Expires, share.Grantee), nothing{})
	}
	var memory [256]byte // enough for one share
	before, added, after := part{*c, 0, i}, part{appendShare(memory[:0], share, tag), 0, 1}, part{*c, rest, c.len()}
	switch {
	case found || c.len() < maxRows:
		*c = join(before, added, after)
	case i == maxRows:
		// Shares that come in ascending order fill their chunks.
		s.insertChunk(n+1, join(added))
	default:
		*c = join(before, added)
		s.insertChunk(n+1, join(after))
	}
}

// remove removes the share with grantee and reports whether there was one.
func (s *shares) remove(grantee sharing.Grantee) bool {
	n := s.chunkOf(grantee)
	c := s.chunkAt(n)
	i, found := c.search(grantee)
	if !found {
		return false
	}
	s.everyone = s.everyone && grantee != sharing.Everyone
	s.forgetExpiry(row{*c, i})
	before, after := part{*c, 0, i}, part{*c, i + 1, c.len()}
	if n+1 < s.chunkCount() {
		if next := *s.chunkAt(n + 1); c.len()-1+next.len() <= maxRows/2 {
			*c = join(before, after, part{next, 0, next.len()})
			s.dropChunk(n + 1)
			return true
		}
	}
	if *c = join(before, after); *c == nil {
		s.dropChunk(n)
	}
	return true
}

func (s *shares) forgetExpiry(r row) {
	if expires := r.expires(); !expires.IsZero() {
		s.expiring.remove(expiryKey(expires, r.grantee()))
	}
}

// insertChunk makes c the n-th chunk, which is not the first.
func (s *shares) insertChunk(n int, c chunk) {
	if s.more == nil {
		s.more = new(moreShares)
	}
	s.more.chunks = slices.Insert(s.more.chunks, n-1, c)
	s.more.bounds = slices.Insert(s.more.bounds, n-1, row{c, 0}.grantee())
}

func (s *shares) dropChunk(n int) {
	switch {
	case s.more == nil:
		s.first = nil
		return
	case n == 0:
		s.first = s.more.chunks[0]
		n = 1
	}
	s.more.chunks = slices.Delete(s.more.chunks, n-1, n)
	s.more.bounds = slices.Delete(s.more.bounds, n-1, n)
	if len(s.more.chunks) == 0 {
		s.more = nil
	}
}
