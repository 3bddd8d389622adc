// Package memory compares this library on its memory store with two Go maps under a lock, the floor,
// and with libraries that decide or keep such data in memory. Each is in the best configuration that was found for it.
package memory

import "github.com/imageshare/sharing/bench/contest"

// Works returns the works in memory.
func Works() []contest.Work {
	return []contest.Work{
		{ID: "W1", Title: "a check", Size: "shares", Run: runChecks},
	}
}
