package storetest_test

import (
	"context"
	"fmt"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
	"github.com/imageshare/sharing/storetest"
)

// What a program does when the store's answer to a commit is lost, in a test of that program's own.
func ExampleFaulty() {
	store := storetest.Faulty(memstore.New())
	engine, err := sharing.New(store)
	if err != nil {
		panic(err)
	}
	store.Inject(storetest.Fault{Kind: storetest.LoseAnswer, Err: sharing.ErrOutcomeUnknown})
	image, err := engine.Register(context.Background(), "acme", sharing.ImageSpec{Name: "web", Region: "eu-1"})
	fmt.Println(image.Name, err) // the engine found out that it was committed (R26)
	fmt.Println("the fault has happened:", store.Heal())
	// Output:
	// web <nil>
	// the fault has happened: true
}
