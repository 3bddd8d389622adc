package sharing

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteDOT writes the exposure as a graph in the DOT language of Graphviz. Images are boxes, with heavy arrows to the
// images made from them. Holders are ellipses, with light arrows from the images that they hold or held. What has ended
// or is only counted is dashed. Equal exposures give equal output.
func (x Exposure) WriteDOT(w io.Writer) error {
	d := dot{asked: dotImage(x.Image)}
	d.line(`digraph exposure {`)
	d.line(`	graph [rankdir=LR, nodesep=0.3, ranksep=0.9, labelloc=t, fontname=%s, label=%s];`, dotFont, dotQuote("Where the data of "+string(x.Image)+" may be"))
	d.line(`	node [shape=box, style="filled,rounded", fillcolor="#dbe9f6", color="#27496d", margin="0.25,0.1", fontname=%s, fontsize=12];`, dotFont)
	d.line(`	edge [fontname=%s, fontsize=10];`, dotFont)
	d.line(`	%s [label=%s, fillcolor="#27496d", fontcolor=white];`, d.asked, dotQuote(string(x.Image)))
	for _, img := range x.Images {
		d.image(img)
	}
	for _, holder := range x.Holders {
		d.holder(holder)
	}
	d.beyond(x)
	d.line(`}`)
	_, err := io.WriteString(w, d.text.String())
	return err
}

const dotFont = `"Helvetica,Arial,sans-serif"`

// A dot is a graph that is being written.
type dot struct {
	text   strings.Builder
	asked  string // the node of the image that was asked about
	hidden bool   // something was made from what is only counted
}

// beyondNode is the node of what is only counted.
const beyondNode = "beyond"

func (d *dot) line(format string, args ...any) { fmt.Fprintf(&d.text, format+"\n", args...) }

func (d *dot) image(img ExposedImage) {
	made, source, style := "copied", beyondNode, "dashed"
	if img.Captured {
		made = "captured"
	}
	if img.Source != "" {
		source, style = dotImage(img.Source), "solid"
	} else {
		d.hidden = true
	}
	d.line(`	%s [label=%s];`, dotImage(img.Image), dotQuote(string(img.Image), "owned by "+string(img.Owner)))
	d.line(`	%s -> %s [label=%s, style=%s, penwidth=2, color="#27496d"];`, source, dotImage(img.Image), dotQuote(made), style)
}

// holder writes a holder, with one arrow from each image that it held.
func (d *dot) holder(holder Holder) {
	node := dotQuote("holder " + string(holder.Grantee))
	var sources []string
	periods := make(map[string][]string)
	present := make(map[string]bool)
	style := "dashed"
	for _, h := range holder.Holdings {
		source, period := dotImage(h.Image), "since "+h.From.Format(time.DateOnly)
		if !h.To.IsZero() {
			period = h.From.Format(time.DateOnly) + " to " + h.To.Format(time.DateOnly)
		}
		if h.Image == "" {
			source, period = d.asked, "a deleted image: "+period
		}
		if periods[source] == nil {
			sources = append(sources, source)
		}
		periods[source] = append(periods[source], period)
		if h.To.IsZero() {
			present[source], style = true, "solid"
		}
	}
	lines := []string{string(holder.Grantee)}
	if account, ok := holder.Grantee.Account(); ok {
		lines = []string{string(account), plural(holder.Instances, "system disk") + ", " + plural(holder.Captures, "capture")}
	} else if holder.Grantee == Everyone {
		lines = []string{"everyone"}
	}
	d.line(`	%s [shape=ellipse, style="filled,%s", fillcolor="#fdf3e1", color="#b5651d", margin="0.05,0.03", label=%s];`, node, style, dotQuote(lines...))
	for _, source := range sources {
		style := "dashed"
		if present[source] {
			style = "solid"
		}
		d.line(`	%s -> %s [label=%s, style=%s, arrowhead=open, color="#b5651d"];`, source, node, dotQuote(periods[source]...), style)
	}
}

// beyond writes what the reader does not see, if there is anything.
func (d *dot) beyond(x Exposure) {
	if x.Beyond == (Beyond{}) && !x.Truncated && !d.hidden {
		return
	}
	lines := []string{
		"out of sight",
		plural(x.Beyond.Images, "image") + ", " + plural(x.Beyond.Shares, "share"),
		plural(x.Beyond.Accounts, "account") + ", " + plural(x.Beyond.Instances, "system disk"),
	}
	if x.Truncated {
		lines = append(lines, "and more images than could be visited")
	}
	d.line(`	%s [style="dashed,rounded", color="#777777", fontcolor="#555555", label=%s];`, beyondNode, dotQuote(lines...))
	d.line(`	%s -> %s [style=dashed, penwidth=2, color="#777777"];`, d.asked, beyondNode)
}

func dotImage(id ImageID) string { return dotQuote("image " + string(id)) }

// dotQuote returns lines as one quoted string of the DOT language, in which neither escapes nor entities are left.
func dotQuote(lines ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `&`, `&amp;`)
	quoted := make([]string, len(lines))
	for i, line := range lines {
		quoted[i] = escape.Replace(line)
	}
	return `"` + strings.Join(quoted, `\n`) + `"`
}
