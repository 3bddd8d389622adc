package memstore

import (
	"cmp"
	"iter"
	"slices"
)

// maxChunk is how many items a chunk of a set holds at most: few enough to move them for an insertion,
// so many that the list of chunks stays short.
const maxChunk = 256

// A set is an ordered set: a sorted list of sorted chunks. A nil set is empty.
type set[T cmp.Ordered] struct {
	chunks [][]T // none is empty
	length int
}

// newSet returns a set of items, which are in ascending order.
func newSet[T cmp.Ordered](items []T) *set[T] {
	s := &set[T]{length: len(items)}
	for chunk := range slices.Chunk(items, maxChunk) {
		s.chunks = append(s.chunks, chunk)
	}
	return s
}

// single returns a set of one item, in one piece of memory: many never get another.
func single[T cmp.Ordered](item T) *set[T] {
	s := &struct {
		set[T]
		chunks [1][]T
		items  [1]T
	}{items: [1]T{item}}
	s.chunks[0] = s.items[:]
	s.set = set[T]{chunks: s.chunks[:], length: 1}
	return &s.set
}

func (s *set[T]) len() int {
	if s == nil {
		return 0
	}
	return s.length
}

// chunkOf returns the index of the only chunk that may hold item: the last that begins with it or before it,
// or else the first.
func (s *set[T]) chunkOf(item T) int {
	low, high := 0, len(s.chunks)
	for high-low > 1 {
		if mid := (low + high) / 2; s.chunks[mid][0] <= item {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

func (s *set[T]) add(item T) {
	if len(s.chunks) == 0 {
		s.chunks, s.length = [][]T{{item}}, 1
		return
	}
	c := s.chunkOf(item)
	chunk := s.chunks[c]
	i := search(chunk, item, false)
	if i < len(chunk) && chunk[i] == item {
		return
	}
	s.length++
	switch {
	case len(chunk) < maxChunk:
		s.chunks[c] = slices.Insert(chunk, i, item)
	case i == maxChunk && c == len(s.chunks)-1:
		// Items that come in ascending order fill their chunks.
		s.chunks = append(s.chunks, []T{item})
	default:
		left, right := chunk[:maxChunk/2], slices.Clone(chunk[maxChunk/2:])
		clear(chunk[maxChunk/2:])
		if i <= len(left) {
			left = slices.Insert(left, i, item)
		} else {
			right = slices.Insert(right, i-len(left), item)
		}
		s.chunks[c] = left
		s.chunks = slices.Insert(s.chunks, c+1, right)
	}
}

func (s *set[T]) remove(item T) {
	if s.len() == 0 {
		return
	}
	c := s.chunkOf(item)
	chunk := s.chunks[c]
	i := search(chunk, item, false)
	if i == len(chunk) || chunk[i] != item {
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

// countBefore returns how many items are less than item.
func (s *set[T]) countBefore(item T) int {
	if s.len() == 0 {
		return 0
	}
	c := s.chunkOf(item)
	count := search(s.chunks[c], item, false)
	for _, chunk := range s.chunks[:c] {
		count += len(chunk)
	}
	return count
}

// search returns the index of the first item that is at least at, or, with after, greater.
func search[T cmp.Ordered](items []T, at T, after bool) int {
	low, high := 0, len(items)
	for low < high {
		if mid := (low + high) / 2; items[mid] < at || after && items[mid] == at {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// A seeker finds items in ascending order. Calls must not go back to lesser items than the last call's.
type seeker[T cmp.Ordered] interface {
	// seek returns the first item that is at least at, or, with after, greater; false if there is none.
	seek(at T, after bool) (T, bool)
	// most is how many items it finds at most.
	most() int
}

// all yields the items of in from at on, or, with after, those after at.
func all[T cmp.Ordered](in seeker[T], at T, after bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		for item, ok := in.seek(at, after); ok && yield(item); {
			item, ok = in.seek(item, true)
		}
	}
}

// A cursor is a place in a set, which must not change meanwhile.
type cursor[T cmp.Ordered] struct {
	chunks      [][]T
	chunk, next int
	set         *set[T]
}

func (s *set[T]) cursor() seeker[T] {
	if s == nil {
		s = new(set[T])
	}
	return &cursor[T]{set: s, chunks: s.chunks}
}

func (c *cursor[T]) seek(at T, after bool) (T, bool) {
	for c.chunk < len(c.chunks) {
		chunk := c.chunks[c.chunk]
		if last := chunk[len(chunk)-1]; last > at || last == at && !after {
			// Most often it is this one or the next.
			for tries := 0; chunk[c.next] < at || after && chunk[c.next] == at; tries++ {
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
	var none T
	return none, false
}

func (c *cursor[T]) most() int { return c.set.len() }

// A union finds the items that any of the seekers finds.
type union[T cmp.Ordered] []seeker[T]

func (u union[T]) most() int {
	sum := 0
	for _, in := range u {
		sum += in.most()
	}
	return sum
}

func (u union[T]) seek(at T, after bool) (T, bool) {
	var first T
	var found bool
	for _, in := range u {
		if item, ok := in.seek(at, after); ok && (!found || item < first) {
			first, found = item, true
		}
	}
	return first, found
}

// An intersection finds the items that all of the seekers find; there must be at least one.
// Each leaps to where the one before stands, so that the rarest sets the pace.
type intersection[T cmp.Ordered] []seeker[T]

func (x intersection[T]) most() int {
	least := x[0].most()
	for _, in := range x[1:] {
		least = min(least, in.most())
	}
	return least
}

func (x intersection[T]) seek(at T, after bool) (T, bool) {
	item, ok := x[0].seek(at, after)
	for i := 1; ok && i < len(x); i++ {
		var other T
		if other, ok = x[i].seek(item, false); ok && other != item {
			item, ok = x[0].seek(other, false)
			i = 0
		}
	}
	return item, ok
}

// An index holds a set for every key that has items.
type index[K comparable, T cmp.Ordered] map[K]*set[T]

func (x index[K, T]) add(key K, item T) {
	if s := x[key]; s != nil {
		s.add(item)
	} else {
		x[key] = single(item)
	}
}

func (x index[K, T]) remove(key K, item T) {
	s := x[key]
	s.remove(item)
	if s.len() == 0 {
		delete(x, key)
	}
}
