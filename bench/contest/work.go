package contest

import "context"

// A Scale says how large the sizes of a work are, and how long it takes.
type Scale int

// The scales of a work.
const (
	// Tiny checks within seconds that a work runs: the figures mean nothing.
	Tiny Scale = iota
	// Short is what runs within minutes.
	Short
	// Long adds the largest sizes and more rounds.
	Long
)

// Pick returns the value for the scale.
func Pick[T any](s Scale, tiny, short, long T) T { return [...]T{tiny, short, long}[s] }

// A Work is a part of the contest: a section of the report, with its table, curves and goals.
type Work struct {
	ID string // names the section, and the work for the flag that selects works: "W1"
	// Title says what is done. Size says what Row.Size counts, in the plural: "shares".
	Title, Size string
	// Run runs the work. It returns the rows in the order of the table.
	Run   func(ctx context.Context, scale Scale) ([]Row, error)
	Goals []Goal
}

// A Row is the result of one contestant in one contest of a work.
type Row struct {
	Case    string // what is done, if the work has several cases: "hit"; each case has its own table and curve
	Size    int    // how many there are of what Work.Size names; 0 if the work does not vary in size
	Callers int    // how many goroutines, if the work varies in them
	Unit    string // of PerUnit: "ns", or "B" of memory
	Result
	Note string // what the reader should know, in the table
}

// Rows returns results of a contest as rows of a work, in nanoseconds.
func Rows(name string, size, callers int, results []Result) []Row {
	rows := make([]Row, len(results))
	for i, r := range results {
		rows[i] = Row{Case: name, Size: size, Callers: callers, Unit: "ns", Result: r}
	}
	return rows
}

// A Goal is what a work's rows are judged by.
type Goal struct {
	Text  string  // "CanUse takes at most 1.3 times the floor's time, at every size"
	Limit float64 // what the measure may be at most, or, with AtLeast, must be at least
	// AtLeast: more is better.
	AtLeast bool
	// Measure returns the figure to be judged, the worst if there are several; false if the rows don't have it.
	Measure func(rows []Row) (float64, bool)
}

// Reached reports whether a measured figure reaches the goal.
func (g Goal) Reached(measured float64) bool {
	if g.AtLeast {
		return measured >= g.Limit
	}
	return measured <= g.Limit
}

// Worst returns the largest figure (with atLeast, the smallest) that of gives for those rows for which it gives one.
func Worst(rows []Row, atLeast bool, of func(Row) (float64, bool)) (worst float64, found bool) {
	for _, row := range rows {
		if figure, ok := of(row); ok && (!found || (figure > worst) != atLeast) {
			worst, found = figure, true
		}
	}
	return worst, found
}

// Beside returns the row of another contestant in the same contest.
func (r Row) Beside(rows []Row, name string) (Row, bool) {
	for _, other := range rows {
		if other.Case == r.Case && other.Size == r.Size && other.Callers == r.Callers && other.Name == name {
			return other, true
		}
	}
	return Row{}, false
}
