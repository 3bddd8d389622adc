package sharing_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

func ExampleEngine_Share() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))

	shares, err := engine.Share(ctx, "acme", image.ID, sharing.Account("bob"), sharing.Account("carol"))
	check(err)
	for _, share := range shares {
		fmt.Println(share.Grantee, share.Status)
	}
	// Only the owner shares.
	_, err = engine.Share(ctx, "bob", image.ID, sharing.Account("dave"))
	fmt.Println(errors.Is(err, sharing.ErrNotOwner))
	// Output:
	// bob accepted
	// carol accepted
	// true
}

// A share may expire at a set instant, without any clean-up job.
func ExampleEngine_ShareUntil() {
	ctx := context.Background()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	engine := must(sharing.New(memstore.New(), sharing.WithClock(func() time.Time { return now })))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))

	must(engine.ShareUntil(ctx, "acme", image.ID, now.Add(24*time.Hour), "bob"))
	now = now.Add(24*time.Hour - time.Nanosecond)
	fmt.Println(engine.CanUse(ctx, "bob", image.ID, "eu-1"))
	now = now.Add(time.Nanosecond)
	fmt.Println(errors.Is(engine.CanUse(ctx, "bob", image.ID, "eu-1"), sharing.ErrImageNotFound))
	// Output:
	// <nil>
	// true
}

// A declarative tool states who the grantees should be.
func ExampleEngine_SetShares() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob", "carol"))

	for _, share := range must(engine.SetShares(ctx, "acme", image.ID, "dave", "carol")) {
		fmt.Println(share.Grantee)
	}
	// Output:
	// carol
	// dave
}

// Once an unshare has returned, Bob can neither launch from the image nor reinit the instances that he made from it.
func ExampleEngine_Unshare() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))
	machine := must(engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))

	check(engine.Unshare(ctx, "acme", image.ID, "bob"))
	_, err := engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"})
	fmt.Println(errors.Is(err, sharing.ErrImageNotFound))
	_, err = engine.Reinit(ctx, "bob", machine.ID)
	fmt.Println(errors.Is(err, sharing.ErrImageUnavailable))
	// Output:
	// true
	// true
}

func ExampleEngine_Accept() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New(), sharing.WithPolicy(sharing.Policy{RequireAcceptance: true})))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))
	fmt.Println(errors.Is(engine.CanUse(ctx, "bob", image.ID, "eu-1"), sharing.ErrNotAccepted))

	check(engine.Accept(ctx, "bob", image.ID))
	fmt.Println(engine.CanUse(ctx, "bob", image.ID, "eu-1"))
	// Output:
	// true
	// <nil>
}

// A grantee may turn an offer down, and change its mind later.
func ExampleEngine_Reject() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New(), sharing.WithPolicy(sharing.Policy{RequireAcceptance: true})))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))

	check(engine.Reject(ctx, "bob", image.ID))
	for share, err := range engine.Shares(ctx, "acme", image.ID) {
		check(err)
		fmt.Println(share.Grantee, share.Status)
	}
	// Output: bob rejected
}

// A grantee may give up its own share.
func ExampleEngine_Leave() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))

	check(engine.Leave(ctx, "bob", image.ID))
	_, err := engine.Image(ctx, "bob", image.ID)
	fmt.Println(errors.Is(err, sharing.ErrImageNotFound))
	// Output: true
}

// Bob accepts only Acme's images, whatever others share with him.
func ExampleEngine_SetTrust() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	real := must(engine.Register(ctx, "acme", sharing.ImageSpec{Name: "web", Region: "eu-1"}))
	fake := must(engine.Register(ctx, "mallory", sharing.ImageSpec{Name: "web", Region: "eu-1"}))
	must(engine.Share(ctx, "acme", real.ID, "bob"))
	must(engine.Share(ctx, "mallory", fake.ID, "bob"))

	check(engine.SetTrust(ctx, "bob", sharing.Trust{Owners: []sharing.AccountID{"acme"}, Enforce: true}))
	fmt.Println(engine.CanUse(ctx, "bob", real.ID, "eu-1"))
	fmt.Println(errors.Is(engine.CanUse(ctx, "bob", fake.ID, "eu-1"), sharing.ErrUntrustedOwner))
	// Output:
	// <nil>
	// true
}

func ExampleEngine_Trust() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	check(engine.SetTrust(ctx, "bob", sharing.Trust{Owners: []sharing.AccountID{"zeta", "acme", "acme"}}))

	trust := must(engine.Trust(ctx, "bob"))
	fmt.Println(trust.Owners, trust.Enforce)
	// Output: [acme zeta] false
}

// The grantee for an account is the account's ID, unchanged.
func ExampleAccount() {
	bob := sharing.Account("bob")
	account, ok := bob.Account()
	fmt.Println(bob, account, ok)
	fmt.Println(sharing.Grantee("bob, carol").Validate())
	// Output:
	// bob bob true
	// invalid: grantee "bob, carol" holds the space U+0020: none is allowed
}

// The grantees for organisations and for everyone have forms that no account's ID can have.
func ExampleOrganization() {
	for _, grantee := range []sharing.Grantee{sharing.Organization("research"), sharing.Everyone} {
		organization, ok := grantee.Organization()
		fmt.Printf("%s: %q %t\n", grantee, organization, ok)
	}
	// Output:
	// org:research: "research" true
	// *: "" false
}
