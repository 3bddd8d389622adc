package memstore

import (
	"cmp"
	"iter"
	"slices"
)

// maxChunk is how many items a chunk of a set holds at most: few enough to move them for an insertion,
// so many that the list of chunks stays short.
const maxChunk = 256

// A set is a set of items in the order of their keys: a sorted list of sorted chunks. A nil set is empty.
type set[K cmp.Ordered, V any] struct {
	chunks [][]item[K, V] // none is empty
	length int
}

// An item is a key, with what it stands for.
type item[K cmp.Ordered, V any] struct {
	value V // first, where nothing takes no space
	key   K
}

// nothing is the value of a key that stands for itself.
type nothing struct{}

// single returns a set of one item, in one piece of memory: many never get another.
func single[K cmp.Ordered, V any](one item[K, V]) *set[K, V] {
	s := &struct {
		set[K, V]
		chunks [1][]item[K, V]
		items  [1]item[K, V]
	}{items: [1]item[K, V]{one}}
	s.chunks[0] = s.items[:]
	s.set = set[K, V]{chunks: s.chunks[:], length: 1}
	return &s.set
}

func (s *set[K, V]) len() int {
	if s == nil {
		return 0
	}
	return s.length
}

// chunkOf returns the index of the only chunk that may hold key: the last that begins with it or before it,
// or else the first.
func (s *set[K, V]) chunkOf(key K) int {
	low, high := 0, len(s.chunks)
	if last := high - 1; last > 0 && s.chunks[last][0].key <= key { // where positions in the log, which only grow, are added
		return last
	}
	for high-low > 1 {
		if mid := (low + high) / 2; s.chunks[mid][0].key <= key {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

func (s *set[K, V]) add(key K, value V) {
	one := item[K, V]{value, key}
	if len(s.chunks) == 0 {
		s.chunks, s.length = [][]item[K, V]{{one}}, 1
		return
	}
	c := s.chunkOf(key)
	chunk := s.chunks[c]
	i := search(chunk, key, false)
	if i < len(chunk) && chunk[i].key == key {
		return
	}
	s.length++
	switch {
	case len(chunk) < maxChunk:
		s.chunks[c] = slices.Insert(chunk, i, one)
	case i == maxChunk && c == len(s.chunks)-1:
		// Items that come in ascending order fill their chunks.
		s.chunks = append(s.chunks, []item[K, V]{one})
	default:
		left, right := chunk[:maxChunk/2], slices.Clone(chunk[maxChunk/2:])
		clear(chunk[maxChunk/2:])
		if i <= len(left) {
			left = slices.Insert(left, i, one)
		} else {
			right = slices.Insert(right, i-len(left), one)
		}
		s.chunks[c] = left
		s.chunks = slices.Insert(s.chunks, c+1, right)
	}
}

// with returns s with an item added, or, if s is nil, a new set of the item.
func (s *set[K, V]) with(key K, value V) *set[K, V] {
	if s == nil {
		return single(item[K, V]{value, key})
	}
	s.add(key, value)
	return s
}

func (s *set[K, V]) remove(key K) {
	if s.len() == 0 {
		return
	}
	c := s.chunkOf(key)
	chunk := s.chunks[c]
	i := search(chunk, key, false)
	if i == len(chunk) || chunk[i].key != key {
		return
	}
	s.length--
	s.chunks[c] = slices.Delete(chunk, i, i+1)
	switch rest := len(chunk) - 1; {
	case rest == 0:
		s.chunks = slices.Delete(s.chunks, c, c+1)
	case c+1 < len(s.chunks) && rest+len(s.chunks[c+1]) <= maxChunk/2:
		s.chunks[c] = append(s.chunks[c], s.chunks[c+1]...)
		s.chunks = slices.Delete(s.chunks, c+1, c+2)
	}
}

// countBefore returns how many keys are less than key.
func (s *set[K, V]) countBefore(key K) int {
	if s.len() == 0 {
		return 0
	}
	c := s.chunkOf(key)
	count := search(s.chunks[c], key, false)
	for _, chunk := range s.chunks[:c] {
		count += len(chunk)
	}
	return count
}

// search returns the index of the first item whose key is at least at, or, with after, greater.
func search[K cmp.Ordered, V any](items []item[K, V], at K, after bool) int {
	low, high := 0, len(items)
	for low < high {
		if mid := (low + high) / 2; items[mid].key < at || after && items[mid].key == at {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// A seeker finds items in the order of their keys. Calls must not go back to lesser keys than the last call's.
type seeker[K cmp.Ordered, V any] interface {
	// seek returns the first item whose key is at least at, or, with after, greater; false if there is none.
	seek(at K, after bool) (item[K, V], bool)
}

// all yields the keys of in, and what they stand for, from at on, or, with after, those after at.
func all[K cmp.Ordered, V any](in seeker[K, V], at K, after bool) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for found, ok := in.seek(at, after); ok && yield(found.key, found.value); {
			found, ok = in.seek(found.key, true)
		}
	}
}

// A cursor is a place in a set, which must not change meanwhile.
type cursor[K cmp.Ordered, V any] struct {
	chunks      [][]item[K, V]
	chunk, next int
	set         *set[K, V]
}

func (s *set[K, V]) cursor() seeker[K, V] {
	if s == nil {
		s = new(set[K, V])
	}
	return &cursor[K, V]{set: s, chunks: s.chunks}
}

func (c *cursor[K, V]) seek(at K, after bool) (item[K, V], bool) {
	if after && c.chunk < len(c.chunks) && c.chunks[c.chunk][c.next].key == at {
		return c.step()
	}
	for c.chunk < len(c.chunks) {
		chunk := c.chunks[c.chunk]
		if last := chunk[len(chunk)-1].key; last > at || last == at && !after {
			// Most often it is this one or the next.
			for tries := 0; chunk[c.next].key < at || after && chunk[c.next].key == at; tries++ {
				if c.next++; tries > 0 {
					c.next += search(chunk[c.next:], at, after)
					break
				}
			}
			return chunk[c.next], true
		}
		c.chunk = max(c.chunk+1, c.set.chunkOf(at))
		c.next = 0
	}
	return item[K, V]{}, false
}

// step returns the item after the one that was found last.
func (c *cursor[K, V]) step() (item[K, V], bool) {
	if c.next++; c.next == len(c.chunks[c.chunk]) {
		c.chunk, c.next = c.chunk+1, 0
	}
	if c.chunk == len(c.chunks) {
		return item[K, V]{}, false
	}
	return c.chunks[c.chunk][c.next], true
}

// A union finds the items that any of the seekers finds.
type union[K cmp.Ordered, V any] []seeker[K, V]

func (u union[K, V]) seek(at K, after bool) (item[K, V], bool) {
	var first item[K, V]
	var found bool
	for _, in := range u {
		if one, ok := in.seek(at, after); ok && (!found || one.key < first.key) {
			first, found = one, true
		}
	}
	return first, found
}

// An intersection finds the items that all of the seekers find; there must be at least one.
// Each leaps to where the one before stands, so that the rarest sets the pace.
type intersection[K cmp.Ordered, V any] []seeker[K, V]

func (x intersection[K, V]) seek(at K, after bool) (item[K, V], bool) {
	found, ok := x[0].seek(at, after)
	for i := 1; ok && i < len(x); i++ {
		var other item[K, V]
		if other, ok = x[i].seek(found.key, false); ok && other.key != found.key {
			found, ok = x[0].seek(other.key, false)
			i = 0
		}
	}
	return found, ok
}

// An index holds a set for every attribute that has items.
type index[A comparable, K cmp.Ordered, V any] map[A]*set[K, V]

func (x index[A, K, V]) add(of A, key K, value V) {
	before := x[of]
	if s := before.with(key, value); s != before {
		x[of] = s
	}
}

func (x index[A, K, V]) remove(of A, key K) {
	s := x[of]
	s.remove(key)
	if s.len() == 0 {
		delete(x, of)
	}
}
