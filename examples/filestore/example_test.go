//go:build unix

package filestore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/examples/filestore"
)

func ExampleOpen() {
	folder, err := os.MkdirTemp("", "images")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)

	store, err := filestore.Open(filepath.Join(folder, "journal"))
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	engine, err := sharing.New(store)
	if err != nil {
		log.Fatal(err)
	}
	image, err := engine.Register(context.Background(), "alice", sharing.ImageSpec{Name: "web server", Region: "eu-1"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(engine.CanUse(context.Background(), "alice", image.ID, "eu-1"))
	// Output: <nil>
}
