package sqlitestore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/sqlitestore"
)

// What was shared before the program ended is shared when it runs again.
func ExampleOpen() {
	folder, err := os.MkdirTemp("", "images")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	ctx, path := context.Background(), filepath.Join(folder, "images.db")

	share := func() sharing.ImageID {
		store, err := sqlitestore.Open(ctx, path)
		if err != nil {
			log.Fatal(err)
		}
		defer store.Close()
		engine, err := sharing.New(store)
		if err != nil {
			log.Fatal(err)
		}
		image, err := engine.Register(ctx, "alice", sharing.ImageSpec{Name: "web server", Region: "eu-1"})
		if err != nil {
			log.Fatal(err)
		}
		if _, err := engine.Share(ctx, "alice", image.ID, sharing.Account("bob")); err != nil {
			log.Fatal(err)
		}
		return image.ID
	}
	image := share()

	store, err := sqlitestore.Open(ctx, path)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	engine, err := sharing.New(store)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(engine.CanUse(ctx, "bob", image, "eu-1"))
	// Output: <nil>
}
