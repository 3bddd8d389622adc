// Package stage is what the examples play on: an engine in memory whose clock and IDs the example sets, so
// that every run prints the same, and a printer that shows each call with its result, and checks the result.
package stage

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/catalogue"
	"github.com/imageshare/sharing/memstore"
)

// A Stage is an engine with the clock and the IDs of a story, and the place where the story is told.
type Stage struct {
	*sharing.Engine
	Now time.Time // what the engine's clock says

	name   string // of what is made next
	made   int
	out    *bufio.Writer
	calls  int // how many were told
	wrongs int // how many answers were not as they should be
}

// New returns a stage on an empty store. It writes the story to out.
func New(out io.Writer, opts ...sharing.Option) (*Stage, error) {
	s := &Stage{out: bufio.NewWriter(out)}
	opts = append(opts, sharing.WithIDs(s.nextID), sharing.WithClock(func() time.Time { return s.Now }))
	var err error
	s.Engine, err = sharing.New(memstore.New(), opts...)
	return s, err
}

// Name sets the ID of what the next call makes. It holds until that call is told, or until another name is set.
// Without a name, IDs are numbered.
func (s *Stage) Name(id string) { s.name = id }

func (s *Stage) nextID() string {
	if s.name != "" {
		return s.name
	}
	s.made++
	return fmt.Sprintf("made-%03d", s.made)
}

// Load registers the whole catalogue as images of owner, each with its real ID and at the time of its publication. If
// out is a terminal, Load shows its progress on it.
func (s *Stage) Load(ctx context.Context, owner sharing.AccountID, out io.Writer) ([]catalogue.Image, error) {
	images, err := catalogue.Images()
	if err != nil {
		return nil, err
	}
	progress := progressOn(out, len(images))
	for i, img := range images {
		s.Now = img.Published
		s.Name(string(img.ID))
		if _, err := s.Register(ctx, owner, img.Spec()); err != nil {
			return nil, err
		}
		progress(i + 1)
	}
	s.Name("")
	return images, nil
}

// progressOn returns a function that shows on out, if it is a terminal, how many of total images are loaded.
func progressOn(out io.Writer, total int) func(done int) {
	file, ok := out.(*os.File)
	if !ok {
		return func(int) {}
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func(int) {}
	}
	return func(done int) {
		switch {
		case done == total:
			fmt.Fprint(file, "\r\033[K") // the line is gone once it is of no more use
		case done%100 == 0:
			fmt.Fprintf(file, "\rloading the catalogue: %d of %d images", done, total)
		}
	}
}
