package sharing_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// In these examples must and check stand for the error handling of a real program.

func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A platform makes one engine, on a store of its choice, with its own limits.
func ExampleNew() {
	ctx := context.Background()
	engine, err := sharing.New(memstore.New(),
		sharing.WithPolicy(sharing.Policy{MaxShares: 2, RequireAcceptance: true}))
	if err != nil {
		log.Fatal(err)
	}
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Name: "web", Region: "eu-1"}))
	for _, share := range must(engine.Share(ctx, "acme", image.ID, "bob", "carol")) {
		fmt.Println(share.Grantee, share.Status)
	}
	_, err = engine.Share(ctx, "acme", image.ID, "dave")
	fmt.Println(errors.Is(err, sharing.ErrShareLimit))

	_, err = sharing.New(nil)
	fmt.Println(err)
	// Output:
	// bob pending
	// carol pending
	// true
	// New: invalid: store is nil: open one
}

// Every refusal says what was refused, why, what to do, and which rule says so.
func ExampleRefusal() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New(), sharing.WithIDs(func() string { return "img-1" })))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))

	_, err := engine.Share(ctx, "bob", image.ID, "carol")
	fmt.Println(err)
	var refusal *sharing.Refusal
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Rule, refusal.Op, refusal.Actor, refusal.Subject)
		fmt.Println(refusal.Remedy)
	}
	// Output:
	// Share img-1 by bob: not the image's owner: ask the image's owner to do it (R1)
	// R1 Share bob img-1
	// ask the image's owner to do it
}

// An account may accept the images of some owners only.
func ExampleTrust() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	enforced := sharing.Trust{Owners: []sharing.AccountID{"acme", "zeta"}, Enforce: true}
	audit := sharing.Trust{Owners: []sharing.AccountID{"acme"}} // refuses nothing, marks the events
	everyone := sharing.Trust{}
	for _, trust := range []sharing.Trust{enforced, audit, everyone} {
		check(engine.SetTrust(ctx, "bob", trust))
		got := must(engine.Trust(ctx, "bob"))
		fmt.Println(got.Owners, got.Enforce)
	}
	// Output:
	// [acme zeta] true
	// [acme] false
	// [] false
}
