package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/imageshare/sharing/bench/contest"
)

// zanzibar is the work of the program in the folder of that name. It is no package of this
// one, which would then take minutes to build.
func zanzibar() contest.Work {
	return contest.Work{ID: "Zanzibar", Title: "a check, beside OpenFGA and SpiceDB", Size: "shares", Goals: []contest.Goal{
		{Text: "times faster than OpenFGA and SpiceDB in memory, at every size", Limit: 10, AtLeast: true, Measure: slowness("in memory", "OpenFGA", "SpiceDB")},
		{Text: "times faster than OpenFGA on the same Postgres, with one caller and with many", Limit: 3, AtLeast: true, Measure: slowness("on Postgres", "OpenFGA")},
	}, Run: func(ctx context.Context, scale contest.Scale) (rows []contest.Row, err error) {
		cmd := exec.CommandContext(ctx, "go", "run", "-C", "zanzibar", ".", "-scale", strconv.Itoa(int(scale)))
		cmd.Stderr = os.Stderr
		text, err := cmd.Output()
		if err == nil {
			err = json.Unmarshal(text, &rows)
		}
		return rows, err
	}}
}

// slowness returns the least ratio that one of the named contestants has.
func slowness(where string, names ...string) func([]contest.Row) (float64, bool) {
	return func(rows []contest.Row) (float64, bool) {
		return contest.Worst(rows, true, func(r contest.Row) (float64, bool) {
			for _, name := range names {
				if r.Name == name && strings.HasPrefix(r.Case, where) {
					return r.Ratio, true
				}
			}
			return 0, false
		})
	}
}
