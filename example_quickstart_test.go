package sharing_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// One account shares an image, another uses it, and then loses it again.
func Example() {
	ctx := context.Background()
	engine, err := sharing.New(memstore.New())
	if err != nil {
		log.Fatal(err)
	}
	image, err := engine.Register(ctx, "acme", sharing.ImageSpec{Name: "web", Region: "eu-1"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := engine.Share(ctx, "acme", image.ID, sharing.Account("bob")); err != nil {
		log.Fatal(err)
	}
	instance, err := engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"})
	if err != nil {
		log.Fatal(err)
	}
	if err := engine.Unshare(ctx, "acme", image.ID, sharing.Account("bob")); err != nil {
		log.Fatal(err)
	}
	_, err = engine.Reinit(ctx, "bob", instance.ID)
	fmt.Println(errors.Is(err, sharing.ErrImageUnavailable))
	var refusal *sharing.Refusal
	if errors.As(err, &refusal) {
		fmt.Printf("refused by rule %s: %s\n", refusal.Rule, refusal.Remedy)
	}
	// Output:
	// true
	// refused by rule R6: replace its system disk from an image that the account may use
}
