package report

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imageshare/sharing/bench/contest"
)

// work has two contests of two contestants.
var work = contest.Work{ID: "W9", Title: "a <thing>", Size: "things", Goals: []contest.Goal{
	{Text: "fast", Limit: 2, Measure: func(rows []contest.Row) (float64, bool) {
		return contest.Worst(rows, false, func(r contest.Row) (float64, bool) { return r.Ratio, true })
	}},
	{Text: "faster", Limit: 0.5, Measure: func(rows []contest.Row) (float64, bool) { return 0.75, len(rows) > 0 }},
}}

var rows = append(
	contest.Rows("hit", 1000, 0, []contest.Result{{Name: "floor", PerUnit: 120, Ratio: 1}, {Name: "ours", PerUnit: 150.4, Ratio: 1.253, Allocs: 2}}),
	contest.Rows("hit", 10_000, 0, []contest.Result{{Name: "floor", PerUnit: 1200, Ratio: 1}, {Name: "ours", PerUnit: 2_100_000, Ratio: 1750}})...)

func docs(t *testing.T, text string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, page), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

const empty = "before\n<!-- bench:begin goals -->\nold\n<!-- bench:end goals -->\nbetween\n<!-- bench:begin W9 -->\n<!-- bench:end W9 -->\nafter\n"

// What stands outside of the markers stays, and what was measured is read again.
func TestSave(t *testing.T) {
	folder := docs(t, empty)
	all := Results{"W9": {Date: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), Machine: "a machine", Scale: "short", Rows: rows}}
	for range 2 {
		if err := Save(folder, []contest.Work{work}, all); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(folder, page))
		if err != nil {
			t.Fatal(err)
		}
		want := `before
<!-- bench:begin goals -->
| work | goal | | measured | |
|---|---|---|---|---|
| W9 | fast | ≤ 2 | 1750 | missed |
| W9 | faster | ≤ 0.50 | 0.75 | missed |
<!-- bench:end goals -->
between
<!-- bench:begin W9 -->
|  | things | floor | ours |
|---|---|---|---|
| hit | 1 k | 120 ns, 1 ×, 0 a | 150 ns, 1.25 ×, 2 a |
| hit | 10 k | 1.20 µs, 1 ×, 0 a | 2.10 ms, 1750 ×, 0 a |

The short form, 0 s, on a machine, 2026-01-02.

![W9: a <thing>, hit](performance/w9-hit.svg)
<!-- bench:end W9 -->
after
`
		if string(text) != want {
			t.Fatalf("the page is\n%s\nwant\n%s", text, want)
		}
		if all, err = Load(folder); err != nil || len(all["W9"].Rows) != 4 {
			t.Fatalf("read back: %+v, error %v", all, err)
		}
	}
}

func TestSave_NoSection(t *testing.T) {
	for _, text := range []string{"", strings.Replace(empty, "bench:end W9", "", 1), strings.Replace(empty, "begin W9", "", 1)} {
		folder := docs(t, text)
		if err := Save(folder, []contest.Work{work}, Results{"W9": {Rows: rows}}); err == nil {
			t.Errorf("a page without the sections was written: %q", text)
		}
		if kept, err := os.ReadFile(filepath.Join(folder, page)); err != nil || string(kept) != text {
			t.Errorf("the page has become %q, error %v", kept, err)
		}
		if _, err := os.Stat(filepath.Join(folder, curves)); err == nil {
			t.Error("files were written beside a page that was not")
		}
	}
}

func TestGoals(t *testing.T) {
	for _, c := range []struct {
		all  Results
		want string
	}{
		{Results{}, "| – | not measured |"},
		{Results{"W9": {Rows: rows[:2]}}, "| fast | ≤ 2 | 1.25 | **reached** |"},
		{Results{"W9": {Rows: rows}}, "| fast | ≤ 2 | 1750 | missed |"},
	} {
		if got := Goals([]contest.Work{work}, c.all); !strings.Contains(got, c.want) {
			t.Errorf("the goals are\n%s\nwithout %q", got, c.want)
		}
	}
}

// A drawing is well-formed, and has a line and a legend for each contestant.
func TestCurves(t *testing.T) {
	curves := Curves(work, rows)
	if len(curves) != 1 || curves[0].File != "w9-hit.svg" {
		t.Fatalf("curves: %+v", curves)
	}
	circles := 0
	for d := xml.NewDecoder(strings.NewReader(string(curves[0].SVG))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "circle" {
			circles++
		}
	}
	if circles != len(rows) {
		t.Errorf("there are %d points, want %d", circles, len(rows))
	}
	if one := Curves(work, rows[:2]); len(one) != 0 {
		t.Errorf("of one size there is no curve: %+v", one)
	}
}

func TestQuantity(t *testing.T) {
	for _, c := range []struct {
		figure float64
		unit   string
		want   string
	}{{0.001, "ns", "0 ns"}, {9.996, "ns", "10 ns"}, {12.34, "ns", "12.3 ns"}, {999.6, "ns", "1 µs"}, {2.5e9, "ns", "2.50 s"}, {1234, "B", "1.23 kB"}} {
		if got := quantity(c.figure, c.unit); got != c.want {
			t.Errorf("%v %s is written %q, want %q", c.figure, c.unit, got, c.want)
		}
	}
}
