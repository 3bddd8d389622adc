package pgstore_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/pgstore"
)

// One call opens the store, and makes what it needs in the database.
func ExampleOpen() {
	ctx := context.Background()
	store, err := pgstore.Open(ctx, os.Getenv("SHARING_DSN")) // such as postgres://sharing@localhost/sharing?sslmode=verify-full
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	engine, err := sharing.New(store)
	if err != nil {
		log.Fatal(err)
	}
	img, err := engine.Register(ctx, "acme", sharing.ImageSpec{Name: "web server", Region: "eu-1"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := engine.Share(ctx, "acme", img.ID, "globex"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(engine.CanUse(ctx, "globex", img.ID, "eu-1"))
}
