package memstore

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/imageshare/sharing"
	"pgregory.net/rapid"
)

// TestShares_AsSortedSlice compares shares with a sorted slice, at numbers where chunks split and merge.
// There are so few tags that many grantees have the same.
func TestShares_AsSortedSlice(t *testing.T) {
	tag := func(g sharing.Grantee) byte { return g[len(g)-1] & 3 }
	rapid.Check(t, func(t *rapid.T) {
		var got shares
		var want []sharing.Share
		place := func(g sharing.Grantee) (int, bool) {
			return slices.BinarySearchFunc(want, g, func(s sharing.Share, g sharing.Grantee) int {
				return strings.Compare(string(s.Grantee), string(g))
			})
		}
		grantee := func(n int) sharing.Grantee { return sharing.Grantee(strings.Repeat("g", n%3) + fmt.Sprint(n)) }
		number := rapid.IntRange(0, 4*maxRows)
		run := func(t *rapid.T, do func(g sharing.Grantee)) {
			begin := number.Draw(t, "begin")
			for i := range rapid.IntRange(1, maxRows).Draw(t, "times") {
				do(grantee(begin + i))
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				like := sharing.Share{
					Image:     "i",
					Status:    sharing.ShareStatus(rapid.IntRange(0, 2).Draw(t, "status")),
					CreatedAt: drawTime(t), UpdatedAt: drawTime(t), Expires: drawTime(t),
				}
				run(t, func(g sharing.Grantee) {
					like.Grantee = g
					got.put(&like, tag(g))
					if i, found := place(g); found {
						want[i] = like
					} else {
						want = slices.Insert(want, i, like)
					}
				})
			},
			"remove": func(t *rapid.T) {
				run(t, func(g sharing.Grantee) {
					i, found := place(g)
					if got.remove(g) != found {
						t.Fatalf("remove(%q) is not %v", g, found)
					}
					if found {
						want = slices.Delete(want, i, i+1)
					}
				})
			},
			"": func(t *rapid.T) {
				g := grantee(number.Draw(t, "grantee"))
				i, found := place(g)
				r, ok := got.find(g, tag(g))
				if ok != found || ok && r.share("i") != want[i] {
					t.Fatalf("find(%q) = %v, want %v", g, ok, found)
				}
				if found {
					i++
				}
				var after []sharing.Share
				for r := range got.from(g, true) {
					after = append(after, r.share("i"))
				}
				if !slices.Equal(after, want[i:]) {
					t.Fatalf("after %q: %s", g, cmp.Diff(want[i:], after))
				}
				now, present := drawTime(t), 0
				for _, s := range want {
					if s.Expires.IsZero() || s.Expires.After(now) {
						present++
					}
				}
				if got.presentAt(now) != present || got.count() != len(want) || got.empty() != (len(want) == 0) {
					t.Fatalf("%d of %d shares present at %v, want %d of %d", got.presentAt(now), got.count(), now, present, len(want))
				}
				if n := got.chunkCount(); n > 2+4*len(want)/maxRows*2 {
					t.Fatalf("%d shares take %d chunks", len(want), n)
				}
			},
		})
	})
}

// drawTime draws the zero Time, or one of the years 1 to 9999, to the nanosecond.
func drawTime(t *rapid.T) time.Time {
	return rapid.OneOf(
		rapid.Just(time.Time{}),
		rapid.Just(time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)),
		rapid.Just(time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)),
		rapid.Custom(func(t *rapid.T) time.Time {
			return time.Unix(rapid.Int64Range(0, 3).Draw(t, "seconds"), rapid.Int64Range(0, 2).Draw(t, "nanoseconds")).UTC()
		}),
	).Draw(t, "time")
}
