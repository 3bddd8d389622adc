package sharing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// A client that lost the answer repeats the call under the same token, and gets the first answer.
func ExampleEngine_Once() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	spec := sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}

	first := must(engine.Once("request-7").Launch(ctx, "acme", spec))
	again := must(engine.Once("request-7").Launch(ctx, "acme", spec))
	fmt.Println(again.ID == first.ID)

	err := engine.Once("request-7").Terminate(ctx, "acme", first.ID)
	fmt.Println(errors.Is(err, sharing.ErrTokenReused)) // by another request
	// Output:
	// true
	// true
}

// Who did what to this image?
func ExampleEngine_Events() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))
	must(engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))
	check(engine.Leave(ctx, "bob", image.ID))

	for event, err := range engine.Events(ctx, sharing.EventQuery{Image: image.ID}) {
		check(err)
		fmt.Println(event.Sequence, event.Actor, event.Kind)
	}
	// Output:
	// 1 acme image.registered
	// 2 acme share.created
	// 3 bob instance.launched
	// 4 bob share.left
}

// A watcher gets the events so far, and then new ones as they happen, until its context ends.
func ExampleEngine_Watch() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))

	for event, err := range engine.Watch(ctx, "") {
		check(err)
		fmt.Println(event.Kind)
		switch event.Kind {
		case sharing.EventRegistered:
			must(engine.Share(ctx, "acme", image.ID, "bob"))
		case sharing.EventShared:
			stop()
		}
	}
	// Output:
	// image.registered
	// share.created
}

// A follower stores the cursor of the last event that it has handled, and goes on from there after a restart.
func ExampleEngine_Watch_resume() {
	engine := must(sharing.New(memstore.New()))
	var done sharing.Cursor // in a program, stored together with the effects of the events
	follow := func() {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		for event, err := range engine.Watch(ctx, done) {
			check(err)
			fmt.Println(event.Kind)
			done = event.Cursor
			stop() // as if the program ended here
		}
	}
	ctx := context.Background()
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	check(engine.Protect(ctx, "acme", image.ID))
	follow()
	follow()
	// Output:
	// image.registered
	// image.protected
}

// A log is a backup: replayed into an empty store of any kind, it produces the same state.
func ExampleReplay() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))

	store := memstore.New()
	check(sharing.Replay(ctx, store, engine.Events(ctx, sharing.EventQuery{})))
	restored := must(sharing.New(store))
	fmt.Println(restored.CanUse(ctx, "bob", image.ID, "eu-1"))
	// Output: <nil>
}

// A backup in a file has one event per line, as JSON. It depends on no store, and can be restored into any kind of store.
func ExampleReplay_backup() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))

	var file bytes.Buffer // in a program, an os.File
	encoder := json.NewEncoder(&file)
	for event, err := range engine.Events(ctx, sharing.EventQuery{}) {
		check(err)
		check(encoder.Encode(event))
	}

	store := memstore.New()
	decoder := json.NewDecoder(&file)
	check(sharing.Replay(ctx, store, func(yield func(sharing.Event, error) bool) {
		for {
			var event sharing.Event
			err := decoder.Decode(&event)
			if err == io.EOF || !yield(event, err) || err != nil {
				return
			}
		}
	}))
	restored := must(sharing.New(store))
	fmt.Println(restored.CanUse(ctx, "bob", image.ID, "eu-1"))
	// Output: <nil>
}

// An interrupted replay resumes where the store's log ends.
func ExampleResumeReplay() {
	ctx := context.Background()
	from := must(sharing.New(memstore.New()))
	must(from.Register(ctx, "acme", sharing.ImageSpec{Name: "web", Region: "eu-1"}))
	must(from.Register(ctx, "acme", sharing.ImageSpec{Name: "db", Region: "eu-1"}))

	to := memstore.New()
	fmt.Println(sharing.Replay(ctx, to, from.Events(ctx, sharing.EventQuery{Limit: 1})))
	fmt.Println(sharing.ResumeReplay(ctx, to, from.Events(ctx, sharing.EventQuery{})))

	moved := must(sharing.New(to))
	for image := range moved.Images(ctx, "acme", sharing.ImageQuery{Name: "db"}) {
		fmt.Println(image.Name)
	}
	// Output:
	// <nil>
	// <nil>
	// db
}
