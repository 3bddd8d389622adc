package sharingtest_test

import (
	"context"
	"iter"
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/sharingtest"
)

// TestModelWithoutFeatures judges a system that has nothing but what the FAQ says.
func TestModelWithoutFeatures(t *testing.T) {
	open := func(_ sharingtest.TB, setup sharingtest.Setup) sharingtest.Subject {
		if setup.Directory != nil || setup.GranteeCheck != nil || setup.Policy.RequireAcceptance || setup.Policy.BlockPublic {
			t.Fatalf("set up with what the system lacks: %+v", setup)
		}
		return sharingtest.Subject{System: faq{has: sharingtest.NewModel(setup)}}
	}
	sharingtest.Run(t, open, sharingtest.Acceptance, sharingtest.Expiry, sharingtest.LifeCycle, sharingtest.Protection,
		sharingtest.Families, sharingtest.Organizations, sharingtest.Public, sharingtest.GranteeCheck, sharingtest.Trust,
		sharingtest.Lineage, sharingtest.Seal, sharingtest.ExactSet, sharingtest.Impact, sharingtest.Explanations)
}

// A faq has what every system has. The methods that it lacks panic: they are those of a nil System.
type faq struct {
	lacking
	has
}

type lacking struct{ sharingtest.System }

type has interface {
	Register(ctx context.Context, actor sharing.AccountID, spec sharing.ImageSpec) (sharing.Image, error)
	Update(ctx context.Context, actor sharing.AccountID, image sharing.ImageID, u sharing.ImageUpdate) (sharing.Image, error)
	Delete(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) error
	ForceDelete(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) error
	Share(ctx context.Context, actor sharing.AccountID, image sharing.ImageID, grantees ...sharing.Grantee) ([]sharing.Share, error)
	Unshare(ctx context.Context, actor sharing.AccountID, image sharing.ImageID, grantees ...sharing.Grantee) error
	Leave(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) error
	Launch(ctx context.Context, actor sharing.AccountID, spec sharing.LaunchSpec) (sharing.Instance, error)
	ReplaceDisk(ctx context.Context, actor sharing.AccountID, id sharing.InstanceID, disk sharing.DiskSpec) (sharing.Instance, error)
	Reinit(ctx context.Context, actor sharing.AccountID, id sharing.InstanceID) (sharing.Instance, error)
	Terminate(ctx context.Context, actor sharing.AccountID, id sharing.InstanceID) error
	Image(ctx context.Context, actor sharing.AccountID, id sharing.ImageID) (sharing.Image, error)
	Instance(ctx context.Context, actor sharing.AccountID, id sharing.InstanceID) (sharing.Instance, error)
	CanUse(ctx context.Context, actor sharing.AccountID, image sharing.ImageID, region sharing.Region) error
	Images(ctx context.Context, actor sharing.AccountID, q sharing.ImageQuery) iter.Seq2[sharing.Image, error]
	Shares(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) iter.Seq2[sharing.Share, error]
	SharesReceived(ctx context.Context, actor sharing.AccountID, q sharing.ShareQuery) iter.Seq2[sharing.Share, error]
	SharesGiven(ctx context.Context, actor sharing.AccountID, q sharing.ShareQuery) iter.Seq2[sharing.Share, error]
	Instances(ctx context.Context, actor sharing.AccountID, q sharing.InstanceQuery) iter.Seq2[sharing.Instance, error]
}
