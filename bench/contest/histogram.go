package contest

import (
	"math/bits"
	"time"
)

// A histogram counts durations in buckets that are at most 1/32 wide of what they hold.
type histogram struct {
	counts [64 * perPower]int64
	total  int64
}

const (
	powerBits = 5
	perPower  = 1 << powerBits // buckets between a power of two and the next
)

func (h *histogram) add(d time.Duration) {
	h.counts[bucket(uint64(max(0, d)))]++
	h.total++
}

func bucket(v uint64) int {
	if v < perPower {
		return int(v)
	}
	shift := bits.Len64(v) - 1 - powerBits
	return shift*perPower + int(v>>shift)
}

// lowest returns the least value that a bucket holds.
func lowest(bucket int) uint64 {
	if bucket < 2*perPower {
		return uint64(bucket)
	}
	shift := bucket/perPower - 1
	return uint64(bucket-shift*perPower) << shift
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
}

// quantile returns the duration that a fraction q of all do not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	rest := int64(q * float64(h.total))
	for i, n := range h.counts {
		if rest -= n; rest < 0 {
			return time.Duration(lowest(i))
		}
	}
	return 0
}
