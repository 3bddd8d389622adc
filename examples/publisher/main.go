// Publisher keeps a real catalogue of images in order: its newest release is found in every region, old releases point
// to their replacements, a whole organisation gets all of it, and the oldest year is retired, after a look at who would
// be hurt by that. It ends with an error if any answer is not what the catalogue and the rules say.
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
	"github.com/imageshare/sharing/internal/catalogue"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

const (
	owner     = sharing.AccountID("fedora-coreos")
	stream    = "fedora-coreos-stable"
	customers = sharing.OrganizationID("customers")
)

// A publisher is the story in progress.
type publisher struct {
	*stage.Stage
	ctx     context.Context
	images  []catalogue.Image
	members directory
	newest  map[place]catalogue.Image
}

// A place is a region and an architecture, for which there is one newest image.
type place struct {
	region       sharing.Region
	architecture string
}

// A directory holds the accounts of the one organisation.
type directory map[sharing.AccountID]bool

func (d directory) Organizations(_ context.Context, account sharing.AccountID) ([]sharing.OrganizationID, error) {
	if d[account] {
		return []sharing.OrganizationID{customers}, nil
	}
	return nil, nil
}

// run writes the whole story to out.
func run(out io.Writer) error {
	p := &publisher{
		ctx:     context.Background(),
		members: directory{"alice": true, "bob": true, "carol": true},
		newest:  make(map[place]catalogue.Image),
	}
	var err error
	p.Stage, err = stage.New(out, sharing.WithPolicy(sharing.Policy{MaxImages: -1}), sharing.WithDirectory(p.members))
	if err != nil {
		return err
	}
	if p.images, err = p.Load(p.ctx, owner, out); err != nil {
		return err
	}
	for _, img := range p.images { // in order of publication
		p.newest[place{img.Region, img.Architecture}] = img
	}
	p.Now = time.Date(2026, 8, 1, 9, 0, 0, 0, time.UTC)
	p.Say("A PUBLISHER AND ITS CATALOGUE", "")
	p.Sayf("%s has registered the %d images that it published since 2020.", owner, len(p.images))
	p.Sayf("There are %d places, a region and an architecture, each with a newest image.", len(p.newest))
	for _, step := range []func() error{p.findNewest, p.share, p.deprecate, p.customersWork, p.retire} {
		if err := step(); err != nil {
			return errors.Join(err, p.End())
		}
		p.Now = p.Now.Add(24 * time.Hour)
	}
	return p.End()
}
