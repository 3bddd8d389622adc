package sharing

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteDOT writes the exposure as a graph in the DOT language of Graphviz: images as boxes, holders as ellipses,
// what is only counted with dashed borders. Equal exposures are written alike.
func (x Exposure) WriteDOT(w io.Writer) error {
	var b strings.Builder
	b.WriteString("digraph exposure {\n\trankdir=LR;\n\tnode [shape=box, fontname=\"sans-serif\"];\n\tedge [fontname=\"sans-serif\", fontsize=10];\n")
	fmt.Fprintf(&b, "\t%s [label=%s, penwidth=2];\n", dotImage(x.Image), dotQuote(string(x.Image)))
	for _, img := range x.Images {
		made := "copied"
		if img.Captured {
			made = "captured"
		}
		fmt.Fprintf(&b, "\t%s [label=%s];\n", dotImage(img.Image), dotQuote(string(img.Image), "of "+string(img.Owner)))
		if img.Source != "" {
			fmt.Fprintf(&b, "\t%s -> %s [label=%s];\n", dotImage(img.Source), dotImage(img.Image), dotQuote(made))
		}
	}
	for _, holder := range x.Holders {
		writeHolder(&b, x.Image, holder)
	}
	if x.Beyond != (Beyond{}) {
		fmt.Fprintf(&b, "\tbeyond [label=%s, style=dashed];\n", dotQuote("beyond sight:",
			fmt.Sprintf("%d images, %d accounts,", x.Beyond.Images, x.Beyond.Accounts),
			fmt.Sprintf("%d shares, %d system disks", x.Beyond.Shares, x.Beyond.Instances)))
		fmt.Fprintf(&b, "\t%s -> beyond [style=dashed];\n", dotImage(x.Image))
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func writeHolder(b *strings.Builder, asked ImageID, holder Holder) {
	node := dotQuote("holder " + string(holder.Grantee))
	fmt.Fprintf(b, "\t%s [shape=ellipse, label=%s];\n", node, dotQuote(string(holder.Grantee),
		fmt.Sprintf("%d system disks, %d captures", holder.Instances, holder.Captures)))
	for _, h := range holder.Holdings {
		image, of := h.Image, ""
		if image == "" {
			image, of = asked, "a deleted one, "
		}
		until := "now"
		if !h.To.IsZero() {
			until = h.To.Format(time.DateOnly)
		}
		fmt.Fprintf(b, "\t%s -> %s [label=%s];\n", dotImage(image), node, dotQuote(of+h.From.Format(time.DateOnly)+" to "+until))
	}
}

func dotImage(id ImageID) string { return dotQuote("image " + string(id)) }

// dotQuote returns lines as one quoted string of the DOT language.
func dotQuote(lines ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for i, line := range lines {
		lines[i] = escape.Replace(line)
	}
	return `"` + strings.Join(lines, `\n`) + `"`
}
