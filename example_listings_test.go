package sharing_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

func ExampleEngine_Image() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	registered := must(engine.Register(ctx, "acme", sharing.ImageSpec{Name: "web", Region: "eu-1"}))
	must(engine.Share(ctx, "acme", registered.ID, "bob"))

	image := must(engine.Image(ctx, "bob", registered.ID))
	fmt.Println(image.Name, image.Owner, image.Region)
	_, err := engine.Image(ctx, "carol", registered.ID)
	fmt.Println(errors.Is(err, sharing.ErrImageNotFound)) // as if there were none
	// Output:
	// web acme eu-1
	// true
}

func ExampleEngine_Images() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	for _, name := range []string{"web", "db"} {
		image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Name: name, Region: "eu-1"}))
		must(engine.Share(ctx, "acme", image.ID, "bob"))
	}
	must(engine.Register(ctx, "bob", sharing.ImageSpec{Name: "bob's own", Region: "eu-1"}))

	query := sharing.ImageQuery{Owner: "acme", Region: "eu-1"}
	for image, err := range engine.Images(ctx, "bob", query) {
		check(err)
		fmt.Println(image.Name)
	}
	// Unordered output:
	// web
	// db
}

// An image shared with everyone gets in nobody's way: it is listed only if asked for.
func ExampleEngine_Images_public() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Name: "web", Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, sharing.Everyone))

	for _, origin := range []sharing.Origin{0, sharing.OriginPublic} {
		count := 0
		for _, err := range engine.Images(ctx, "bob", sharing.ImageQuery{Origin: origin}) {
			check(err)
			count++
		}
		fmt.Println(count)
	}
	// Output:
	// 0
	// 1
}

// An API server returns one page at a time.
func ExampleEngine_ImagesPage() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	for range 5 {
		must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	}
	page := sharing.Page{Limit: 2}
	for {
		images, next, err := engine.ImagesPage(ctx, "acme", sharing.ImageQuery{}, page)
		check(err)
		fmt.Println(len(images))
		if next == "" {
			break
		}
		page.Cursor = next
	}
	// Output:
	// 2
	// 2
	// 1
}

// The owner sees all shares; a grantee sees those that reach it.
func ExampleEngine_Shares() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob", "carol"))

	for _, actor := range []sharing.AccountID{"acme", "bob"} {
		for share, err := range engine.Shares(ctx, actor, image.ID) {
			check(err)
			fmt.Println(actor, "sees", share.Grantee)
		}
	}
	// Output:
	// acme sees bob
	// acme sees carol
	// bob sees bob
}

func ExampleEngine_SharesPage() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob", "carol", "dave"))

	shares, next, err := engine.SharesPage(ctx, "acme", image.ID, sharing.Page{Limit: 2})
	fmt.Println(shares[0].Grantee, shares[1].Grantee, err)
	shares, next, err = engine.SharesPage(ctx, "acme", image.ID, sharing.Page{Limit: 2, Cursor: next})
	fmt.Println(shares[0].Grantee, next == "", err)
	// Output:
	// bob carol <nil>
	// dave true <nil>
}

// Bob looks for the shares that were offered to him.
func ExampleEngine_SharesReceived() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New(), sharing.WithPolicy(sharing.Policy{RequireAcceptance: true})))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Name: "web", Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob"))

	pending := sharing.ShareQuery{Statuses: []sharing.ShareStatus{sharing.SharePending}}
	for share, err := range engine.SharesReceived(ctx, "bob", pending) {
		check(err)
		image := must(engine.Image(ctx, "bob", share.Image))
		fmt.Println(image.Owner, "offers", image.Name)
	}
	// Output: acme offers web
}

func ExampleEngine_SharesReceivedPage() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	for range 3 {
		image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
		must(engine.Share(ctx, "acme", image.ID, "bob"))
	}
	shares, next, err := engine.SharesReceivedPage(ctx, "bob", sharing.ShareQuery{Owner: "acme"}, sharing.Page{Limit: 2})
	fmt.Println(len(shares), next != "", err)
	// Output: 2 true <nil>
}

// What does Bob have of Acme's?
func ExampleEngine_SharesGiven() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	for _, name := range []string{"web", "db"} {
		image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Name: name, Region: "eu-1"}))
		must(engine.Share(ctx, "acme", image.ID, "bob", "carol"))
	}
	count := 0
	for share, err := range engine.SharesGiven(ctx, "acme", sharing.ShareQuery{Grantee: sharing.Account("bob")}) {
		check(err)
		check(engine.Unshare(ctx, "acme", share.Image, share.Grantee)) // the loop may call the engine
		count++
	}
	fmt.Println(count)
	// Output: 2
}

func ExampleEngine_SharesGivenPage() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, "bob", "carol"))

	shares, next, err := engine.SharesGivenPage(ctx, "acme", sharing.ShareQuery{}, sharing.Page{})
	fmt.Println(len(shares), next == "", err)
	// Output: 2 true <nil>
}

func ExampleEngine_Instances() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	for _, role := range []string{"web", "db"} {
		must(engine.Launch(ctx, "acme", sharing.LaunchSpec{
			Image: image.ID, Region: "eu-1", Labels: map[string]string{"role": role},
		}))
	}
	query := sharing.InstanceQuery{Image: image.ID, Labels: map[string]string{"role": "db"}}
	for machine, err := range engine.Instances(ctx, "acme", query) {
		check(err)
		fmt.Println(machine.Labels["role"], machine.Region)
	}
	// Output: db eu-1
}

func ExampleEngine_InstancesPage() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New()))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	for range 3 {
		must(engine.Launch(ctx, "acme", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))
	}
	machines, next, err := engine.InstancesPage(ctx, "acme", sharing.InstanceQuery{}, sharing.Page{Limit: 2})
	fmt.Println(len(machines), next != "", err)

	// A cursor is bound to the account and the query that it was made for.
	_, _, err = engine.InstancesPage(ctx, "bob", sharing.InstanceQuery{}, sharing.Page{Cursor: next})
	fmt.Println(errors.Is(err, sharing.ErrInvalid))
	// Output:
	// 2 true <nil>
	// true
}

// A query for the newest image of a family always names its owner: a look-alike, however new, is never picked.
func ExampleEngine_Latest() {
	ctx := context.Background()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	engine := must(sharing.New(memstore.New(), sharing.WithClock(func() time.Time { return now })))
	for _, owner := range []sharing.AccountID{"acme", "acme", "mallory"} {
		now = now.AddDate(0, 0, 1)
		image := must(engine.Register(ctx, owner, sharing.ImageSpec{Family: "linux", Region: "eu-1"}))
		must(engine.Share(ctx, owner, image.ID, sharing.Everyone))
	}
	image := must(engine.Latest(ctx, "bob", sharing.LatestQuery{Owner: "acme", Family: "linux", Region: "eu-1"}))
	fmt.Println(image.Owner, image.CreatedAt.Format(time.DateOnly))
	// Output: acme 2026-01-03
}
