// Faq walks through the ten questions of the "Shared images FAQ" on real input: one publisher's 8,342 images in 34
// regions, and several customers. For each question it shows the calls, their results, and the rule behind them. It
// ends with an error if any answer is not what the rule says.
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"os"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/examples/internal/stage"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// quota is the number of images that an account may own in a region: as many as the
// publisher owns where it owns the most.
const quota = 312

// run writes the whole FAQ to out.
func run(out io.Writer) error {
	ctx := context.Background()
	s, err := stage.New(out, sharing.WithPolicy(sharing.Policy{MaxImages: quota}))
	if err != nil {
		return err
	}
	images, err := s.Load(ctx, publisher, out)
	if err != nil {
		return err
	}
	regions := make(map[sharing.Region]bool)
	for _, img := range images {
		regions[img.Region] = true
	}
	s.Now = time.Date(2026, 8, 1, 9, 0, 0, 0, time.UTC)
	s.Say("THE SHARED IMAGES FAQ, QUESTION BY QUESTION", "")
	s.Sayf("%s owns %d images in %d regions. Its customers are alice, bob, carol, dave", publisher, len(images), len(regions))
	s.Sayf("and 51 more; mallory is nobody's friend. An image may be shared with 50 accounts;")
	s.Sayf("an account may own %d images in a region.", quota)

	f := &faq{Stage: s, ctx: ctx}
	for _, question := range []func() error{
		f.canIShare, f.howMany, f.quota, f.regions, f.canIUseIt,
		f.ifIStop, f.canIDelete, f.whoSees, f.risks, f.trusted,
	} {
		if err := question(); err != nil {
			return errors.Join(err, s.End())
		}
		s.Now = s.Now.Add(time.Hour)
	}
	return s.End()
}
