// Quickstart is the smallest useful program: one account shares an image, another uses it, and then loses it again.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(w io.Writer) error {
	ctx := context.Background()
	engine, err := sharing.New(memstore.New())
	if err != nil {
		return err
	}
	image, err := engine.Register(ctx, "acme", sharing.ImageSpec{Name: "web", Region: "eu-1"})
	if err != nil {
		return err
	}
	if _, err := engine.Share(ctx, "acme", image.ID, sharing.Account("bob")); err != nil {
		return err
	}
	machine, err := engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s runs a machine made from %s's image %q.\n", machine.Owner, image.Owner, image.Name)

	if err := engine.Unshare(ctx, "acme", image.ID, sharing.Account("bob")); err != nil {
		return err
	}
	_, err = engine.Reinit(ctx, "bob", machine.ID)
	var refusal *sharing.Refusal
	if !errors.As(err, &refusal) {
		return fmt.Errorf("reinit after the unshare: got %v, want a refusal", err)
	}
	_, err = fmt.Fprintf(w, "Rule %s refuses to reinit it after the unshare: %s.\n", refusal.Rule, refusal.Remedy)
	return err
}
