// Exposure draws where the data of a shared image may be. It plays a story of four accounts and three generations of
// images, and lets Graphviz lay out the picture. By default it writes docs/exposure.svg, which the documentation shows.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/goccy/go-graphviz"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

func main() {
	log.SetFlags(0)
	file := flag.String("o", "../../docs/exposure.svg", "the `file` to write")
	flag.Parse()
	var svg bytes.Buffer
	if err := run(&svg); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(*file, svg.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

// run plays the story, and draws to out what the owner of the first image is told about where its data may be.
func run(out io.Writer) error {
	ctx := context.Background()
	exposure, err := story(ctx)
	if err != nil {
		return err
	}
	var dot bytes.Buffer
	if err := exposure.WriteDOT(&dot); err != nil {
		return err
	}
	return draw(ctx, dot.Bytes(), out)
}

// draw renders a graph in the DOT language as SVG.
func draw(ctx context.Context, dot []byte, out io.Writer) error {
	g, err := graphviz.New(ctx)
	if err != nil {
		return err
	}
	defer g.Close()
	graph, err := graphviz.ParseBytes(dot)
	if err != nil {
		return err
	}
	defer graph.Close()
	return g.Render(ctx, graph, graphviz.SVG, out)
}

// A platform is where the story happens. Each step names what it makes, and happens a day after the step before.
type platform struct {
	*sharing.Engine
	ctx  context.Context
	now  time.Time
	name string
}

func newPlatform(ctx context.Context) (*platform, error) {
	p := &platform{ctx: ctx, now: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)}
	var err error
	p.Engine, err = sharing.New(memstore.New(),
		sharing.WithClock(func() time.Time { return p.now }),
		sharing.WithIDs(func() string { return p.name }))
	return p, err
}

// story passes an image of Acme's through the hands of Bob, Carol and Dave, and returns what Acme is told then.
func story(ctx context.Context) (sharing.Exposure, error) {
	p, err := newPlatform(ctx)
	if err != nil {
		return sharing.Exposure{}, err
	}
	for i, step := range []func() error{
		// The first generation: Acme's image, and its copy in another region.
		func() error { return p.register("acme", "linux-base") },
		func() error { return p.share("acme", "linux-base", "bob", "carol") },
		func() error { return p.copy("acme", "linux-base", "linux-base-us", "us-1") },
		func() error { return p.share("acme", "linux-base-us", "carol") },
		func() error { return p.launch("carol", "carol-vm", "linux-base-us", "us-1") },

		// The second: Bob makes an image of his own of it, and shares that with Acme and Dave.
		func() error { return p.launch("bob", "bob-vm", "linux-base", "eu-1") },
		func() error { return p.launch("bob", "bob-vm-2", "linux-base", "eu-1") },
		func() error { return p.capture("bob", "bob-vm", "bob-web") },
		func() error { return p.share("bob", "bob-web", "acme", "dave") },
		func() error { return p.Unshare(ctx, "acme", "linux-base", "bob") },

		// The third: so does Dave, and Carol gets that; what she makes of it she keeps to herself.
		func() error { return p.launch("dave", "dave-vm", "bob-web", "eu-1") },
		func() error { return p.capture("dave", "dave-vm", "dave-shop") },
		func() error { return p.share("dave", "dave-shop", "acme", "carol") },
		func() error { return p.launch("carol", "carol-vm-2", "dave-shop", "eu-1") },
		func() error { return p.capture("carol", "carol-vm-2", "carol-secret") },
	} {
		if err := step(); err != nil {
			return sharing.Exposure{}, fmt.Errorf("step %d: %w", i+1, err)
		}
		p.now = p.now.AddDate(0, 0, 1)
	}
	return p.Exposure(ctx, "acme", "linux-base")
}

func (p *platform) register(actor sharing.AccountID, name string) error {
	p.name = name
	_, err := p.Register(p.ctx, actor, sharing.ImageSpec{Region: "eu-1"})
	return err
}

func (p *platform) share(actor sharing.AccountID, image sharing.ImageID, grantees ...sharing.Grantee) error {
	_, err := p.Share(p.ctx, actor, image, grantees...)
	return err
}

func (p *platform) copy(actor sharing.AccountID, image sharing.ImageID, name string, to sharing.Region) error {
	p.name = name
	_, err := p.Copy(p.ctx, actor, image, to, sharing.ImageSpec{})
	return err
}

func (p *platform) launch(actor sharing.AccountID, name string, image sharing.ImageID, region sharing.Region) error {
	p.name = name
	_, err := p.Launch(p.ctx, actor, sharing.LaunchSpec{Image: image, Region: region})
	return err
}

func (p *platform) capture(actor sharing.AccountID, from sharing.InstanceID, name string) error {
	p.name = name
	_, err := p.Capture(p.ctx, actor, from, sharing.ImageSpec{})
	return err
}
