package report

import (
	"bytes"
	"fmt"
	"html/template"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/imageshare/sharing/bench/contest"
)

// A Curve is a drawing of one case of a work: what a unit takes, plotted against the size or
// the number of callers, on logarithmic axes.
type Curve struct {
	File, Title string
	SVG         []byte
}

// Curves returns a curve for each case that was measured at more than one size or number of callers.
func Curves(work contest.Work, rows []contest.Row) []Curve {
	var cases []string
	for _, row := range rows {
		if !slices.Contains(cases, row.Case) {
			cases = append(cases, row.Case)
		}
	}
	var all []Curve
	for _, name := range cases {
		of := slices.DeleteFunc(slices.Clone(rows), func(r contest.Row) bool { return r.Case != name || r.PerUnit <= 0 })
		if c, ok := draw(work, name, of); ok {
			all = append(all, c)
		}
	}
	return all
}

// The drawing's measures, in pixels.
const (
	left, top, width, height = 70, 40, 480, 300
)

// colours are those of the contestants in their order: grey for the base, blue for this library.
var colours = []string{"#8a8a8a", "#3b82f6", "#e8710a", "#1a9e5c", "#a855f7", "#e0455e", "#b08900", "#0ea5b7"}

// An axis is a logarithmic one.
type axis struct{ from, to float64 }

func (a axis) at(v float64) float64 { return math.Log(v/a.from) / math.Log(a.to/a.from) }

func axisOf(values []float64) axis {
	low, high := slices.Min(values), slices.Max(values)
	return axis{math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high*1.0001)))}
}

type line struct {
	Name, Colour string
	Path         string
	Points       []point
	LegendY      int
}

type point struct {
	X, Y float64
	Text string
}

type tick struct {
	At    float64
	Label string
}

type drawing struct {
	Title, XLabel, YLabel             string
	Left, Top, Right, Bottom, MiddleY int
	MiddleX                           int
	XTicks, YTicks                    []tick
	Lines                             []line
}

func draw(work contest.Work, name string, rows []contest.Row) (Curve, bool) {
	x, xLabel := func(r contest.Row) float64 { return float64(r.Size) }, work.Size
	if distinct(rows, x) < 2 {
		x, xLabel = func(r contest.Row) float64 { return float64(r.Callers) }, "callers"
	}
	rows = slices.DeleteFunc(rows, func(r contest.Row) bool { return x(r) <= 0 })
	if distinct(rows, x) < 2 {
		return Curve{}, false
	}
	title := work.ID + ": " + work.Title
	if name != "" {
		title += ", " + name
	}
	d := drawing{Title: title, XLabel: xLabel, YLabel: "time a unit", Left: left, Top: top, Right: left + width, Bottom: top + height,
		MiddleX: left + width/2, MiddleY: top + height/2}
	if rows[0].Unit == "B" {
		d.YLabel = "memory a unit"
	}
	var xs, ys []float64
	for _, row := range rows {
		xs, ys = append(xs, x(row)), append(ys, row.PerUnit)
	}
	xAxis, yAxis := axis{slices.Min(xs), slices.Max(xs)}, axisOf(ys)
	for _, v := range slices.Compact(slices.Sorted(slices.Values(xs))) {
		d.XTicks = append(d.XTicks, tick{left + width*xAxis.at(v), count(int(v))})
	}
	for v := yAxis.from; v < yAxis.to*1.01; v *= 10 {
		d.YTicks = append(d.YTicks, tick{top + height*(1-yAxis.at(v)), quantity(v, rows[0].Unit)})
	}
	for _, row := range rows {
		i := slices.IndexFunc(d.Lines, func(l line) bool { return l.Name == row.Name })
		if i < 0 {
			i = len(d.Lines)
			d.Lines = append(d.Lines, line{Name: row.Name, Colour: colours[i%len(colours)], LegendY: top + 10 + 22*i})
		}
		l := &d.Lines[i]
		l.Points = append(l.Points, point{left + width*xAxis.at(x(row)), top + height*(1-yAxis.at(row.PerUnit)), count(int(x(row))) + " " + xLabel + ": " + Cell(row)})
	}
	for i := range d.Lines {
		l := &d.Lines[i]
		slices.SortFunc(l.Points, func(a, b point) int { return int(a.X - b.X) })
		for j, p := range l.Points {
			l.Path += fmt.Sprintf("%s%.1f,%.1f", map[bool]string{true: "M", false: " L"}[j == 0], p.X, p.Y)
		}
	}
	var svg bytes.Buffer
	if err := picture.Execute(&svg, d); err != nil {
		panic(err) // a fault of the template
	}
	file := strings.Trim(notInName.ReplaceAllString(strings.ToLower(work.ID+"-"+name), "-"), "-") + ".svg"
	return Curve{file, title, svg.Bytes()}, true
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

func distinct(rows []contest.Row, of func(contest.Row) float64) int {
	seen := make(map[float64]bool)
	for _, row := range rows {
		seen[of(row)] = true
	}
	return len(seen)
}

var picture = template.Must(template.New("").Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 410" width="760" height="410" role="img" aria-label="{{.Title}}">
<style>
text { font: 12px sans-serif; fill: #333 }
.title { font-size: 14px; font-weight: 600 }
.grid { stroke: #ddd }
.frame { stroke: #888; fill: none }
@media (prefers-color-scheme: dark) { text { fill: #ccc } .grid { stroke: #444 } .frame { stroke: #888 } }
</style>
<text class="title" x="{{.Left}}" y="22">{{.Title}}</text>
{{- range .XTicks}}
<line class="grid" x1="{{printf "%.1f" .At}}" x2="{{printf "%.1f" .At}}" y1="{{$.Top}}" y2="{{$.Bottom}}"/><text x="{{printf "%.1f" .At}}" y="{{$.Bottom}}" dy="18" text-anchor="middle">{{.Label}}</text>
{{- end}}
{{- range .YTicks}}
<line class="grid" x1="{{$.Left}}" x2="{{$.Right}}" y1="{{printf "%.1f" .At}}" y2="{{printf "%.1f" .At}}"/><text x="{{$.Left}}" y="{{printf "%.1f" .At}}" dx="-8" dy="4" text-anchor="end">{{.Label}}</text>
{{- end}}
<path class="frame" d="M{{.Left}},{{.Top}} V{{.Bottom}} H{{.Right}}"/>
<text x="{{.MiddleX}}" y="{{.Bottom}}" dy="42" text-anchor="middle">{{.XLabel}}</text>
<text transform="translate(16,{{.MiddleY}}) rotate(-90)" text-anchor="middle">{{.YLabel}}</text>
{{- range .Lines}}
<path d="{{.Path}}" fill="none" stroke="{{.Colour}}" stroke-width="2"/>
{{- $colour := .Colour}}
{{- range .Points}}
<circle cx="{{printf "%.1f" .X}}" cy="{{printf "%.1f" .Y}}" r="3.5" fill="{{$colour}}"><title>{{.Text}}</title></circle>
{{- end}}
<path d="M{{$.Right}},{{.LegendY}} m16,0 h22" stroke="{{.Colour}}" stroke-width="3"/><text x="{{$.Right}}" y="{{.LegendY}}" dx="46" dy="4">{{.Name}}</text>
{{- end}}
</svg>
`))
