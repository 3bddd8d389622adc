package sharing_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
	"github.com/imageshare/sharing/storetest"
)

// A platform sets its own limits: zero stands for the default, a negative number for no limit.
func ExampleWithPolicy() {
	ctx := context.Background()
	engine := must(sharing.New(memstore.New(), sharing.WithPolicy(sharing.Policy{
		MaxShares:   -1, // no limit
		MaxImages:   1,
		BlockPublic: true,
	})))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	_, err := engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"})
	fmt.Println(errors.Is(err, sharing.ErrImageQuota))
	_, err = engine.Share(ctx, "acme", image.ID, sharing.Everyone)
	fmt.Println(errors.Is(err, sharing.ErrPublicBlocked))
	// Output:
	// true
	// true
}

// IDs may say which cluster they belong to, or be predictable in a test.
func ExampleWithIDs() {
	ctx := context.Background()
	n := 0
	engine := must(sharing.New(memstore.New(), sharing.WithIDs(func() string {
		n++
		return fmt.Sprintf("eu-%04d", n)
	})))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	machine := must(engine.Launch(ctx, "acme", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"}))
	fmt.Println(image.ID, machine.ID)
	// Output: eu-0001 eu-0002
}

// The operator learns what the engine had to look up, here because a store lost its answer to a commit.
func ExampleWithLogger() {
	ctx := context.Background()
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "operation" { // which differ from run to run
				return slog.Attr{}
			}
			return a
		},
	}))
	store := storetest.Faulty(memstore.New())
	engine := must(sharing.New(store, sharing.WithLogger(logger)))

	store.Inject(storetest.Fault{Kind: storetest.LoseAnswer, Err: sharing.ErrOutcomeUnknown})
	_, err := engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"})
	fmt.Println(err)
	// Output:
	// level=WARN msg="sharing: the store lost the outcome of a change, the event log tells it" op=Register committed=true error="outcome unknown"
	// <nil>
}

// A directory tells, at the moment of each call, which organisations an account is in.
func ExampleWithDirectory() {
	ctx := context.Background()
	staff := membership{"ann": {"research"}}
	engine := must(sharing.New(memstore.New(), sharing.WithDirectory(staff)))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	must(engine.Share(ctx, "acme", image.ID, sharing.Organization("research")))
	fmt.Println(engine.CanUse(ctx, "ann", image.ID, "eu-1"))

	delete(staff, "ann")
	err := engine.CanUse(ctx, "ann", image.ID, "eu-1")
	fmt.Println(errors.Is(err, sharing.ErrImageNotFound))
	// Output:
	// <nil>
	// true
}

// A membership is a directory that holds the organisations of each account.
type membership map[sharing.AccountID][]sharing.OrganizationID

func (d membership) Organizations(_ context.Context, account sharing.AccountID) ([]sharing.OrganizationID, error) {
	return d[account], nil
}

// The platform may restrict whom its accounts share with.
func ExampleWithGranteeCheck() {
	ctx := context.Background()
	errSuspended := errors.New("the account is suspended")
	engine := must(sharing.New(memstore.New(), sharing.WithGranteeCheck(
		func(_ context.Context, owner sharing.AccountID, image sharing.Image, g sharing.Grantee) error {
			if g == "mallory" {
				return errSuspended
			}
			return nil
		})))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	_, err := engine.Share(ctx, "acme", image.ID, "bob", "mallory")
	fmt.Println(errors.Is(err, sharing.ErrGranteeRefused), errors.Is(err, errSuspended))
	// Output: true true
}

// A clock may be set, for tests or for a platform that has its own time.
func ExampleWithClock() {
	ctx := context.Background()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	engine := must(sharing.New(memstore.New(), sharing.WithClock(func() time.Time { return now })))
	image := must(engine.Register(ctx, "acme", sharing.ImageSpec{Region: "eu-1"}))
	fmt.Println(image.CreatedAt)
	// Output: 2026-01-01 00:00:00 +0000 UTC
}
