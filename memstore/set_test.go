package memstore

import (
	"iter"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestSet_AsSortedSlice compares a set with a sorted slice, at sizes where chunks split and merge.
func TestSet_AsSortedSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var got set[int, nothing]
		var want []int
		number := rapid.IntRange(0, 4*maxChunk)
		run := func(name string, do func(n int)) func(*rapid.T) {
			return func(t *rapid.T) {
				begin := number.Draw(t, name)
				step := rapid.SampledFrom([]int{-1, 1, 3}).Draw(t, "step")
				for i := range rapid.IntRange(1, maxChunk).Draw(t, "times") {
					do(begin + i*step)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": run("add", func(n int) {
				got.add(n, nothing{})
				if i, found := slices.BinarySearch(want, n); !found {
					want = slices.Insert(want, i, n)
				}
			}),
			"remove": run("remove", func(n int) {
				got.remove(n)
				if i, found := slices.BinarySearch(want, n); found {
					want = slices.Delete(want, i, i+1)
				}
			}),
			"": func(t *rapid.T) {
				at := number.Draw(t, "at")
				i, found := slices.BinarySearch(want, at)
				if n := got.countBefore(at); n != i {
					t.Fatalf("countBefore(%d) = %d, want %d", at, n, i)
				}
				equal(t, "from", keys(all(got.cursor(), at, false)), want[i:])
				if found {
					i++
				}
				equal(t, "after", keys(all(got.cursor(), at, true)), want[i:])
				if got.len() != len(want) {
					t.Fatalf("len is %d, want %d", got.len(), len(want))
				}
				wellFormed(t, &got)
			},
		})
	})
}

func wellFormed(t *rapid.T, s *set[int, nothing]) {
	for i, chunk := range s.chunks {
		if len(chunk) == 0 || len(chunk) > maxChunk {
			t.Fatalf("chunk %d has %d items", i, len(chunk))
		}
	}
	if len(s.chunks) > 2+4*s.len()/maxChunk*2 {
		t.Fatalf("%d items take %d chunks", s.len(), len(s.chunks))
	}
}

func keys(found iter.Seq2[int, nothing]) (keys []int) {
	for key := range found {
		keys = append(keys, key)
	}
	return keys
}

func equal(t *rapid.T, what string, got, want []int) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func TestSet_AscendingItemsFillTheirChunks(t *testing.T) {
	var s set[int, nothing]
	for i := range 10 * maxChunk {
		s.add(i, nothing{})
	}
	if len(s.chunks) != 10 {
		t.Errorf("%d items take %d chunks, want 10", s.len(), len(s.chunks))
	}
}

// TestSeekers_AsFilteredSlice compares unions and intersections with what filtering finds.
func TestSeekers_AsFilteredSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const most = 600
		draw := func(name string) map[int]bool {
			items := make(map[int]bool)
			step := rapid.IntRange(1, 40).Draw(t, name)
			for i := rapid.IntRange(0, most).Draw(t, "first"); i < most; i += step {
				items[i] = true
			}
			return items
		}
		cursorOf := func(items map[int]bool) seeker[int, nothing] {
			var s set[int, nothing]
			for i := range items {
				s.add(i, nothing{})
			}
			return s.cursor()
		}
		a, b, c, d := draw("a"), draw("b"), draw("c"), draw("d")
		seek := intersection[int, nothing]{union[int, nothing]{cursorOf(a), cursorOf(b), (*set[int, nothing])(nil).cursor()}, cursorOf(c), cursorOf(d)}
		at := rapid.IntRange(0, most).Draw(t, "at")
		var want []int
		for i := at; i < most; i++ {
			if (a[i] || b[i]) && c[i] && d[i] {
				want = append(want, i)
			}
		}
		equal(t, "found", keys(all(seek, at, false)), want)
	})
}
