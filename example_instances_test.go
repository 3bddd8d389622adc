package sharing_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

func ExampleEngine_Launch() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))

	machine := must(engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))
	fmt.Println(machine.Owner, machine.Region, machine.DiskGeneration)
	_, err := engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "us-1"})
	fmt.Println(errors.Is(err, sharing.ErrRegionMismatch))
	// Output:
	// bob eu-1 1
	// true
}

// A caller that knows the digest of the image it wants states the digest, and gets nothing else.
func ExampleEngine_Launch_expectDigest() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	digest := "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1", Digest: digest}))
	other := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))

	_, err := engine.Launch(ctx, "acme", sharing.LaunchSpec{Image: image.ID, Region: "eu-1", ExpectDigest: digest})
	fmt.Println(err)
	_, err = engine.Launch(ctx, "acme", sharing.LaunchSpec{Image: other.ID, Region: "eu-1", ExpectDigest: digest})
	fmt.Println(errors.Is(err, sharing.ErrDigestMismatch))
	// Output:
	// <nil>
	// true
}

func ExampleEngine_ReplaceDisk() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	old := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	next := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	machine := must(engine.Launch(ctx, "acme", sharing.LaunchSpec{Image: old.ID, Region: "eu-1"}))

	machine = must(engine.ReplaceDisk(ctx, "acme", machine.ID, sharing.DiskSpec{Image: next.ID}))
	fmt.Println(machine.Image == next.ID, machine.DiskGeneration)
	// Output: true 2
}

// A machine can be put back to its image as long as its owner may use the image.
func ExampleEngine_Reinit() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))
	machine := must(engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))

	machine = must(engine.Reinit(ctx, "bob", machine.ID))
	fmt.Println(machine.DiskGeneration)

	check(engine.Disable(ctx, "acme", image.ID))
	_, err := engine.Reinit(ctx, "bob", machine.ID)
	fmt.Println(errors.Is(err, sharing.ErrImageUnavailable)) // the reason is Acme's business
	// Output:
	// 2
	// true
}

func ExampleEngine_Terminate() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	machine := must(engine.Launch(ctx, "acme", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))

	check(engine.Terminate(ctx, "acme", machine.ID))
	_, err := engine.Instance(ctx, "acme", machine.ID)
	fmt.Println(errors.Is(err, sharing.ErrInstanceNotFound))
	// Output: true
}

func ExampleEngine_Instance() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	launched := must(engine.Launch(ctx, "acme", sharing.LaunchSpec{
		Image: image.ID, Region: "eu-1", Labels: map[string]string{"role": "web"},
	}))

	machine := must(engine.Instance(ctx, "acme", launched.ID))
	fmt.Println(machine.Owner, machine.Labels["role"])
	_, err := engine.Instance(ctx, "bob", launched.ID)
	fmt.Println(errors.Is(err, sharing.ErrInstanceNotFound))
	// Output:
	// acme web
	// true
}

// The hot path of a platform: may the account launch from the image here and now?
func ExampleEngine_CanUse() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))

	fmt.Println(engine.CanUse(ctx, "bob", image.ID, "eu-1"))
	fmt.Println(errors.Is(engine.CanUse(ctx, "bob", image.ID, "us-1"), sharing.ErrRegionMismatch))
	fmt.Println(errors.Is(engine.CanUse(ctx, "carol", image.ID, "eu-1"), sharing.ErrImageNotFound))
	// Output:
	// <nil>
	// true
	// true
}
