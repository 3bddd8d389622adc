// Package report writes measurements as tables in Markdown and curves in SVG.
package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/imageshare/sharing/bench/contest"
)

// A Result is what a run of a work measured.
type Result struct {
	Date    time.Time
	Machine string
	Scale   string  // "short" or "long"
	Seconds float64 // how long the run took, setup included
	Rows    []contest.Row
}

// Results are the last results of each work, by its ID.
type Results map[string]Result

// The files in a folder of docs.
const (
	page    = "PERFORMANCE.md"
	curves  = "performance"
	results = "results.json" // in curves
)

// Load reads the results stored in the folder docs; none if it has none yet.
func Load(docs string) (Results, error) {
	read := make(Results)
	text, err := os.ReadFile(filepath.Join(docs, curves, results))
	if errors.Is(err, fs.ErrNotExist) {
		return read, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &read)
	}
	return read, err
}

// Save writes the results into the folder docs: as they are; as tables in the page, between the markers of each work;
// and as curves beside the page. If the page lacks a section, Save returns an error and writes nothing.
func Save(docs string, works []contest.Work, all Results) error {
	text, err := os.ReadFile(filepath.Join(docs, page))
	if err != nil {
		return err
	}
	if text, err = replace(text, "goals", Goals(works, all)); err != nil {
		return err
	}
	var drawn []Curve
	for _, work := range works {
		section := ""
		if result, ok := all[work.ID]; ok {
			section = Table(work, result)
			for _, curve := range Curves(work, result.Rows) {
				section += fmt.Sprintf("\n![%s](%s/%s)\n", curve.Title, curves, curve.File)
				drawn = append(drawn, curve)
			}
		}
		if text, err = replace(text, work.ID, section); err != nil {
			return err
		}
	}
	raw, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(docs, curves), 0o755); err != nil {
		return err
	}
	for _, curve := range drawn {
		if err := os.WriteFile(filepath.Join(docs, curves, curve.File), curve.SVG, 0o644); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(docs, curves, results), append(raw, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(docs, page), text, 0o644)
}

// replace puts text between the markers of a section.
func replace(in []byte, section, text string) ([]byte, error) {
	begin, end := fmt.Appendf(nil, "<!-- bench:begin %s -->\n", section), fmt.Appendf(nil, "<!-- bench:end %s -->\n", section)
	before, rest, ok := bytes.Cut(in, begin)
	_, after, closed := bytes.Cut(rest, end)
	if !ok || !closed {
		return nil, fmt.Errorf("%s has no section of %s, between %q and %q", page, section, begin, end)
	}
	return slices.Concat(before, begin, []byte(text), end, after), nil
}
