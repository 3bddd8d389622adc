package sharing_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

func ExampleEngine_Register() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image, err := engine.Register(ctx, "acme", sharing.ImageSpec{
		Name:         "web-2026-01",
		Family:       "web",
		Region:       "eu-1",
		Architecture: "x86_64",
		Labels:       map[string]string{"team": "red"},
	})
	fmt.Println(image.Owner, image.Name, image.State, err)

	_, err = engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1", Size: -1})
	fmt.Println(err)
	// Output:
	// acme web-2026-01 available <nil>
	// Register: invalid: size is -1: it can't be negative
}

// Bob captures a machine that he launched from a shared image: the new image is his own, and counts towards his quota.
func ExampleEngine_Capture() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New(), sharing.WithPolicy(sharing.Policy{MaxImages: 1})))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1", Architecture: "x86_64"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))
	machine := must(engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))

	captured := must(engine.Capture(ctx, "bob", machine.ID, sharing.ImageSpec{Name: "saved"}))
	fmt.Println(captured.Owner, captured.Name, captured.Architecture)
	fmt.Println(captured.Source.Image == image.ID, captured.Source.Instance == machine.ID)

	_, err := engine.Capture(ctx, "bob", machine.ID, sharing.ImageSpec{Name: "saved again"})
	fmt.Println(errors.Is(err, sharing.ErrImageQuota))
	// Output:
	// bob saved x86_64
	// true true
	// true
}

// To let others use an image in another region, its owner copies it there and shares the copy.
func ExampleEngine_Copy() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Name: "web", Region: "eu-1", Size: 1 << 30}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))

	copied := must(engine.Copy(ctx, "acme", image.ID, "us-1", sharing.ImageSpec{}))
	fmt.Println(copied.Name, copied.Region, copied.Size == image.Size)
	fmt.Println(errors.Is(engine.CanUse(ctx, "bob", copied.ID, "us-1"), sharing.ErrImageNotFound))
	// Output:
	// web us-1 true
	// true
}

func ExampleEngine_Update() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Name: "web", Description: "the shop", Region: "eu-1"}))
	name := "web-old"
	image = must(engine.Update(ctx, "acme", image.ID, sharing.ImageUpdate{
		Name:   &name, // a nil field stays as it is
		Labels: map[string]string{"team": "blue"},
	}))
	fmt.Println(image.Name, image.Description, image.Labels)
	// Output: web-old the shop map[team:blue]
}

// An image can be deleted once nobody would lose anything.
func ExampleEngine_Delete() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))
	machine := must(engine.Launch(ctx, "acme", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))

	fmt.Println(errors.Is(engine.Delete(ctx, "acme", image.ID), sharing.ErrImageInUse))
	check(engine.Terminate(ctx, "acme", machine.ID))
	fmt.Println(errors.Is(engine.Delete(ctx, "acme", image.ID), sharing.ErrImageShared))
	check(engine.Unshare(ctx, "acme", image.ID, "bob"))
	fmt.Println(engine.Delete(ctx, "acme", image.ID))
	// Output:
	// true
	// true
	// <nil>
}

func ExampleEngine_ForceDelete() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))
	machine := must(engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))

	check(engine.ForceDelete(ctx, "acme", image.ID))
	_, err := engine.Image(ctx, "acme", image.ID)
	fmt.Println(errors.Is(err, sharing.ErrImageNotFound))
	_, err = engine.Reinit(ctx, "bob", machine.ID)
	fmt.Println(errors.Is(err, sharing.ErrImageUnavailable))
	// Output:
	// true
	// true
}

// A deprecated image can still be used, but grantees no longer find it unless they ask for deprecated images.
func ExampleEngine_Deprecate() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	old := must(engine.Register(ctx, "acme", sharing.ImageSpec{Name: "web-1", Region: "eu-1"}))
	next := must(engine.Register(ctx, "acme", sharing.ImageSpec{Name: "web-2", Region: "eu-1"}))
	must(engine.Share(ctx, "acme", old.ID, "bob"))
	must(engine.Share(ctx, "acme", next.ID, "bob"))

	check(engine.Deprecate(ctx, "acme", old.ID, sharing.Deprecation{Notice: "no more updates", Replacement: next.ID}))
	for image, err := range engine.Images(ctx, "bob", sharing.ImageQuery{}) {
		check(err)
		fmt.Println("bob finds", image.Name)
	}
	old = must(engine.Image(ctx, "bob", old.ID))
	fmt.Println(old.State, old.Deprecation.Notice, old.Deprecation.Replacement == next.ID)
	fmt.Println(engine.CanUse(ctx, "bob", old.ID, "eu-1"))
	// Output:
	// bob finds web-2
	// deprecated no more updates true
	// <nil>
}

// A disabled image is kept, with its shares, but nobody can use it.
func ExampleEngine_Disable() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))

	check(engine.Disable(ctx, "acme", image.ID))
	fmt.Println(errors.Is(engine.CanUse(ctx, "acme", image.ID, "eu-1"), sharing.ErrImageDisabled))
	fmt.Println(errors.Is(engine.CanUse(ctx, "bob", image.ID, "eu-1"), sharing.ErrImageNotFound))
	// Output:
	// true
	// true
}

func ExampleEngine_Enable() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))
	check(engine.Disable(ctx, "acme", image.ID))

	check(engine.Enable(ctx, "acme", image.ID))
	fmt.Println(must(engine.Image(ctx, "acme", image.ID)).State)
	fmt.Println(engine.CanUse(ctx, "bob", image.ID, "eu-1"))
	// Output:
	// available
	// <nil>
}

// A protected image can't be deleted by mistake, not even by force.
func ExampleEngine_Protect() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))

	check(engine.Protect(ctx, "acme", image.ID))
	fmt.Println(errors.Is(engine.ForceDelete(ctx, "acme", image.ID), sharing.ErrProtected))
	// Output: true
}

func ExampleEngine_Unprotect() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	check(engine.Protect(ctx, "acme", image.ID))

	check(engine.Unprotect(ctx, "acme", image.ID))
	fmt.Println(engine.Delete(ctx, "acme", image.ID))
	// Output: <nil>
}

// A sealed image can be used by its grantees, but the instances that they made from it can't be captured.
func ExampleEngine_Seal() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))
	machine := must(engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))

	check(engine.Seal(ctx, "acme", image.ID)) // also applies to existing machines
	_, err := engine.Capture(ctx, "bob", machine.ID, sharing.ImageSpec{})
	fmt.Println(errors.Is(err, sharing.ErrSealed))
	// Output: true
}

func ExampleEngine_Unseal() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))
	machine := must(engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))
	check(engine.Seal(ctx, "acme", image.ID))

	check(engine.Unseal(ctx, "acme", image.ID))
	captured, err := engine.Capture(ctx, "bob", machine.ID, sharing.ImageSpec{})
	fmt.Println(captured.Owner, err)
	// Output: bob <nil>
}
