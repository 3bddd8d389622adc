package main

import (
	"context"
	"fmt"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/catalogue"
	"github.com/imageshare/sharing/memstore"
)

const publisher = sharing.AccountID("fedora-coreos")

// wholeCatalogue is a number greater than that of the images in the catalogue.
const wholeCatalogue = 1 << 20

// A platform is where the catalogue's images are published and used. Its clock, IDs and tokens follow from the
// catalogue, so its log is the same each time: another run can resume a move from it.
type platform struct {
	*sharing.Engine
	ctx   context.Context
	now   time.Time
	id    string // of what is made next
	calls int
}

// newCatalogue returns a store in memory in which up to most of the first images of the
// catalogue were published and used.
func newCatalogue(ctx context.Context, most int) (store, error) {
	images, err := catalogue.Images()
	if err != nil {
		return nil, err
	}
	store := inMemory{memstore.New()}
	p := &platform{ctx: ctx}
	p.Engine, err = sharing.New(store, sharing.WithPolicy(sharing.Policy{MaxImages: -1}), sharing.WithDirectory(nobody{}),
		sharing.WithClock(func() time.Time { return p.now }), sharing.WithIDs(func() string { return p.id }))
	if err != nil {
		return nil, err
	}
	for i, img := range images[:min(most, len(images))] {
		if err := p.publish(i, img); err != nil {
			return nil, fmt.Errorf("image %s: %w", img.ID, err)
		}
	}
	return store, nil
}

// nobody is a directory of organisations without members.
type nobody struct{}

func (nobody) Organizations(context.Context, sharing.AccountID) ([]sharing.OrganizationID, error) {
	return nil, nil
}

// once returns the engine for the next change, under a token that is the same each time.
func (p *platform) once() *sharing.Engine {
	p.calls++
	return p.Once(fmt.Sprint("call-", p.calls))
}

// publish registers an image at the time of its publication. It shares some images; of these, some are
// used; and some come to an end.
func (p *platform) publish(i int, img catalogue.Image) error {
	p.now, p.id = img.Published, string(img.ID)
	if _, err := p.once().Register(p.ctx, publisher, img.Spec()); err != nil {
		return err
	}
	customer := sharing.AccountID(fmt.Sprint("customer-", i/5%30))
	if i%5 == 0 {
		if _, err := p.once().Share(p.ctx, publisher, img.ID, sharing.Account(customer), sharing.Organization("customers")); err != nil {
			return err
		}
	}
	if i%20 == 0 {
		if err := p.use(img, customer); err != nil {
			return err
		}
	}
	switch {
	case i%100 == 0:
		return p.once().ForceDelete(p.ctx, publisher, img.ID)
	case i%35 == 0:
		return p.once().Unshare(p.ctx, publisher, img.ID, sharing.Account(customer))
	case i%3 == 0:
		return p.once().Deprecate(p.ctx, publisher, img.ID, sharing.Deprecation{Notice: "there is a newer one"})
	}
	return nil
}

// use launches an instance from an image, captures it, and shares the captured image with everyone for a year.
func (p *platform) use(img catalogue.Image, customer sharing.AccountID) error {
	p.id = "vm-" + string(img.ID)
	instance, err := p.once().Launch(p.ctx, customer, sharing.LaunchSpec{Image: img.ID, Region: img.Region})
	if err != nil {
		return err
	}
	p.id = "captured-" + string(img.ID)
	captured, err := p.once().Capture(p.ctx, customer, instance.ID, sharing.ImageSpec{Name: "our web server"})
	if err != nil {
		return err
	}
	if _, err := p.once().ShareUntil(p.ctx, customer, captured.ID, p.now.AddDate(1, 0, 0), sharing.Everyone); err != nil {
		return err
	}
	return p.once().SetTrust(p.ctx, customer, sharing.Trust{Owners: []sharing.AccountID{publisher}})
}
