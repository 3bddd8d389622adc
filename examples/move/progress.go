package main

import (
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/imageshare/sharing"
)

// A progress shows how far a move has got: as a bar on a terminal, and elsewhere as a line for each tenth.
type progress struct {
	out         io.Writer
	bar         bool
	done, total int
	shown       int // percent
}

func progressOn(out io.Writer, total int) *progress {
	p := &progress{out: out, total: total}
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		p.bar = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// follow counts the events on their way.
func (p *progress) follow(events iter.Seq2[sharing.Event, error]) iter.Seq2[sharing.Event, error] {
	return func(yield func(sharing.Event, error) bool) {
		for ev, err := range events {
			if !yield(ev, err) {
				return
			}
			p.done++
			p.show()
		}
	}
}

// show shows how far the move has got, if that has changed enough.
func (p *progress) show() {
	percent := 100 * p.done / p.total
	if percent == p.shown || !p.bar && percent/10 == p.shown/10 {
		return
	}
	p.shown = percent
	if p.bar {
		const width = 40
		bar := strings.Repeat("#", width*percent/100)
		fmt.Fprintf(p.out, "\r[%-*s] %3d %%  %d of %d events", width, bar, percent, p.done, p.total)
		return
	}
	fmt.Fprintf(p.out, "%3d %%  %d of %d events\n", percent, p.done, p.total)
}

// end leaves the bar as it is.
func (p *progress) end() {
	if p.bar && p.shown > 0 {
		fmt.Fprintln(p.out)
	}
}
