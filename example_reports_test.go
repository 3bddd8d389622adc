package sharing_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// Whom would an unshare hurt?
func ExampleEngine_UnshareImpact() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob", "carol"))
	must(engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))

	impact := must(engine.UnshareImpact(ctx, "acme", image.ID, "bob", "carol"))
	fmt.Println(len(impact.Shares), "shares would end")
	fmt.Println(impact.Instances["bob"], "of bob's machines could not be reinitialised any more")
	// Output:
	// 2 shares would end
	// 1 of bob's machines could not be reinitialised any more
}

func ExampleEngine_DeleteImpact() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))
	must(engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))
	must(engine.Launch(ctx, "acme", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))

	impact := must(engine.DeleteImpact(ctx, "acme", image.ID))
	fmt.Println(impact.Instances)
	// Output: map[acme:1 bob:1]
}

// Bob captured the image that Acme shared with him, and shares the new image. Acme is told how far its data may have
// gone, but not where, since it does not see Bob's image.
func ExampleEngine_Exposure() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))
	machine := must(engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))
	captured := must(engine.Capture(ctx, "bob", machine.ID, sharing.ImageSpec{}))
	must(engine.Share(ctx, "bob", captured.ID, "carol", "dave"))
	check(engine.ForceDelete(ctx, "acme", image.ID)) // the answer stays true

	exposure := must(engine.Exposure(ctx, "acme", image.ID))
	for _, holder := range exposure.Holders {
		fmt.Println(holder.Grantee, "made disks:", holder.Instances, "images:", holder.Captures)
	}
	fmt.Println("beyond:", exposure.Beyond.Images, "image,", exposure.Beyond.Accounts, "accounts")
	// Output:
	// bob made disks: 1 images: 1
	// beyond: 1 image, 2 accounts
}

// The graph can be rendered with Graphviz; examples/exposure does so.
func ExampleExposure_WriteDOT() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New(),
		sharing.WithIDs(func() string { return "web" }),
		sharing.WithClock(func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) })))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))

	exposure := must(engine.Exposure(ctx, "acme", image.ID))
	check(exposure.WriteDOT(os.Stdout))
	// Output:
	// digraph exposure {
	// 	graph [rankdir=LR, nodesep=0.3, ranksep=0.9, labelloc=t, fontname="Helvetica,Arial,sans-serif", label="Where the data of web may be"];
	// 	node [shape=box, style="filled,rounded", fillcolor="#dbe9f6", color="#27496d", margin="0.25,0.1", fontname="Helvetica,Arial,sans-serif", fontsize=12];
	// 	edge [fontname="Helvetica,Arial,sans-serif", fontsize=10];
	// 	"image web" [label="web", fillcolor="#27496d", fontcolor=white];
	// 	"holder bob" [shape=ellipse, style="filled,solid", fillcolor="#fdf3e1", color="#b5651d", margin="0.05,0.03", label="bob\n0 system disks, 0 captures"];
	// 	"image web" -> "holder bob" [label="since 2026-01-01", style=solid, arrowhead=open, color="#b5651d"];
	// }
}

// Would the call be allowed, and what would it return?
func ExampleEngine_DryRun() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))

	dry := engine.DryRun()
	fmt.Println(errors.Is(dry.Delete(ctx, "acme", image.ID), sharing.ErrImageShared))
	fmt.Println(dry.Unshare(ctx, "acme", image.ID, "bob"))
	fmt.Println(engine.CanUse(ctx, "bob", image.ID, "eu-1")) // nothing has changed
	// Output:
	// true
	// <nil>
	// <nil>
}
