package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imageshare/sharing/bench/contest"
)

// Goals returns the table of all goals, with the last measurements.
func Goals(works []contest.Work, all Results) string {
	var text strings.Builder
	text.WriteString("| work | goal | | measured | |\n|---|---|---|---|---|\n")
	for _, work := range works {
		result, ok := all[work.ID]
		for _, goal := range work.Goals {
			measured, reached := "–", "not measured"
			if figure, found := goal.Measure(result.Rows); ok && found {
				measured, reached = number(figure), "missed"
				if goal.Reached(figure) {
					reached = "**reached**"
				}
			}
			than := "≤"
			if goal.AtLeast {
				than = "≥"
			}
			fmt.Fprintf(&text, "| %s | %s | %s %s | %s | %s |\n", work.ID, goal.Text, than, number(goal.Limit), measured, reached)
		}
	}
	return text.String()
}

// Table returns the table of a work: a line for each contest, a column for each contestant.
func Table(work contest.Work, result Result) string {
	var text strings.Builder
	var names []string
	for _, row := range result.Rows {
		if !slices.Contains(names, row.Name) {
			names = append(names, row.Name)
		}
	}
	varies := columns(work, result.Rows)
	for _, c := range varies {
		text.WriteString("| " + c.name + " ")
	}
	text.WriteString("| " + strings.Join(names, " | ") + " |\n" + strings.Repeat("|---", len(varies)+len(names)) + "|\n")
	var notes []string
	seen := make(map[key]bool)
	for _, row := range result.Rows {
		if seen[keyOf(row)] {
			continue
		}
		seen[keyOf(row)] = true
		for _, c := range varies {
			text.WriteString("| " + c.of(row) + " ")
		}
		for _, name := range names {
			cell := "–"
			if there, ok := row.Beside(result.Rows, name); ok {
				cell = Cell(there)
				if there.Note != "" {
					if !slices.Contains(notes, there.Note) {
						notes = append(notes, there.Note)
					}
					cell += fmt.Sprintf(" [%d]", 1+slices.Index(notes, there.Note))
				}
			}
			text.WriteString("| " + cell + " ")
		}
		text.WriteString("|\n")
	}
	for i, note := range notes {
		fmt.Fprintf(&text, "\n[%d] %s\n", i+1, note)
	}
	fmt.Fprintf(&text, "\nThe %s form, %.0f s, on %s, %s.\n", result.Scale, result.Seconds, result.Machine, result.Date.Format(time.DateOnly))
	return text.String()
}

// A key is what the contestants of one contest have in common.
type key struct {
	name          string
	size, callers int
}

func keyOf(row contest.Row) key { return key{row.Case, row.Size, row.Callers} }

// A column says in what a contest differs from others.
type column struct {
	name string
	of   func(contest.Row) string
}

// columns returns those in which the rows have something to say.
func columns(work contest.Work, rows []contest.Row) []column {
	var varies []column
	for _, c := range []column{
		{"", func(r contest.Row) string { return r.Case }},
		{work.Size, func(r contest.Row) string { return count(r.Size) }},
		{"callers", func(r contest.Row) string { return count(r.Callers) }},
	} {
		if slices.ContainsFunc(rows, func(r contest.Row) bool { return c.of(r) != "" }) {
			varies = append(varies, c)
		}
	}
	return varies
}

// Cell returns a row's figures: "95 ns, 1.05 ×, 0 allocations".
func Cell(row contest.Row) string {
	text := quantity(row.PerUnit, row.Unit) + ", " + number(row.Ratio) + " ×"
	if row.Unit == "ns" && row.Callers <= 1 {
		text += ", " + number(row.Allocs) + " a"
	}
	if row.P50 > 0 {
		text += fmt.Sprintf("; p50 %s, p99.9 %s", quantity(float64(row.P50), "ns"), quantity(float64(row.P999), "ns"))
	}
	return text
}

// quantity returns a figure of three digits with the unit that suits it.
func quantity(figure float64, unit string) string {
	steps := []string{unit}
	switch unit {
	case "ns":
		steps = []string{"ns", "µs", "ms", "s"}
	case "B":
		steps = []string{"B", "kB", "MB", "GB"}
	}
	i := 0
	for ; figure >= 999.5 && i < len(steps)-1; i++ {
		figure /= 1000
	}
	return number(figure) + " " + steps[i]
}

// number returns a figure with about three digits, and none for what is as good as nothing.
func number(figure float64) string {
	switch {
	case math.Abs(figure) < 0.005:
		return "0"
	case math.Abs(figure-math.Round(figure)) < 0.005, figure >= 99.5:
		return strconv.FormatFloat(math.Round(figure), 'f', -1, 64)
	case figure >= 9.95:
		return strconv.FormatFloat(figure, 'f', 1, 64)
	}
	return strconv.FormatFloat(figure, 'f', 2, 64)
}

// count returns a number as it is read: "10 k"; nothing for 0.
func count(n int) string {
	switch {
	case n == 0:
		return ""
	case n%1_000_000 == 0:
		return strconv.Itoa(n/1_000_000) + " M"
	case n%1000 == 0:
		return strconv.Itoa(n/1000) + " k"
	}
	return strconv.Itoa(n)
}
