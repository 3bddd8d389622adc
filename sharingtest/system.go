package sharingtest

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/imageshare/sharing"
)

// A System is what is judged: the calls of [sharing.Engine], with the same meaning. An engine is a System.
//
// The errors that a System returns are recognised by [errors.Is] as one of the sentinels of package sharing, and by
// [errors.As] as a [*sharing.Refusal] if a rule refuses (R25).
type System interface {
	Register(ctx context.Context, actor sharing.AccountID, spec sharing.ImageSpec) (sharing.Image, error)
	Capture(ctx context.Context, actor sharing.AccountID, from sharing.InstanceID, spec sharing.ImageSpec) (sharing.Image, error)
	Copy(ctx context.Context, actor sharing.AccountID, image sharing.ImageID, to sharing.Region, spec sharing.ImageSpec) (sharing.Image, error)
	Update(ctx context.Context, actor sharing.AccountID, image sharing.ImageID, u sharing.ImageUpdate) (sharing.Image, error)
	Delete(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) error
	ForceDelete(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) error

	Share(ctx context.Context, actor sharing.AccountID, image sharing.ImageID, grantees ...sharing.Grantee) ([]sharing.Share, error)
	ShareUntil(ctx context.Context, actor sharing.AccountID, image sharing.ImageID, expires time.Time, grantees ...sharing.Grantee) ([]sharing.Share, error)
	SetShares(ctx context.Context, actor sharing.AccountID, image sharing.ImageID, grantees ...sharing.Grantee) ([]sharing.Share, error)
	Unshare(ctx context.Context, actor sharing.AccountID, image sharing.ImageID, grantees ...sharing.Grantee) error
	Accept(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) error
	Reject(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) error
	Leave(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) error

	Deprecate(ctx context.Context, actor sharing.AccountID, image sharing.ImageID, d sharing.Deprecation) error
	Disable(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) error
	Enable(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) error
	Protect(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) error
	Unprotect(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) error
	Seal(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) error
	Unseal(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) error
	SetTrust(ctx context.Context, actor sharing.AccountID, t sharing.Trust) error

	Launch(ctx context.Context, actor sharing.AccountID, spec sharing.LaunchSpec) (sharing.Instance, error)
	ReplaceDisk(ctx context.Context, actor sharing.AccountID, id sharing.InstanceID, disk sharing.DiskSpec) (sharing.Instance, error)
	Reinit(ctx context.Context, actor sharing.AccountID, id sharing.InstanceID) (sharing.Instance, error)
	Terminate(ctx context.Context, actor sharing.AccountID, id sharing.InstanceID) error

	Image(ctx context.Context, actor sharing.AccountID, id sharing.ImageID) (sharing.Image, error)
	Instance(ctx context.Context, actor sharing.AccountID, id sharing.InstanceID) (sharing.Instance, error)
	CanUse(ctx context.Context, actor sharing.AccountID, image sharing.ImageID, region sharing.Region) error
	Latest(ctx context.Context, actor sharing.AccountID, q sharing.LatestQuery) (sharing.Image, error)
	Trust(ctx context.Context, actor sharing.AccountID) (sharing.Trust, error)
	Images(ctx context.Context, actor sharing.AccountID, q sharing.ImageQuery) iter.Seq2[sharing.Image, error]
	Shares(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) iter.Seq2[sharing.Share, error]
	SharesReceived(ctx context.Context, actor sharing.AccountID, q sharing.ShareQuery) iter.Seq2[sharing.Share, error]
	SharesGiven(ctx context.Context, actor sharing.AccountID, q sharing.ShareQuery) iter.Seq2[sharing.Share, error]
	Instances(ctx context.Context, actor sharing.AccountID, q sharing.InstanceQuery) iter.Seq2[sharing.Instance, error]

	UnshareImpact(ctx context.Context, actor sharing.AccountID, image sharing.ImageID, grantees ...sharing.Grantee) (sharing.Impact, error)
	DeleteImpact(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) (sharing.Impact, error)
	Exposure(ctx context.Context, actor sharing.AccountID, image sharing.ImageID) (sharing.Exposure, error)
}

// A Pager is a [System] whose listings have a page form. If a system is a Pager, its pages
// are compared with the listings.
type Pager interface {
	ImagesPage(ctx context.Context, actor sharing.AccountID, q sharing.ImageQuery, p sharing.Page) ([]sharing.Image, string, error)
	SharesPage(ctx context.Context, actor sharing.AccountID, image sharing.ImageID, p sharing.Page) ([]sharing.Share, string, error)
	SharesReceivedPage(ctx context.Context, actor sharing.AccountID, q sharing.ShareQuery, p sharing.Page) ([]sharing.Share, string, error)
	SharesGivenPage(ctx context.Context, actor sharing.AccountID, q sharing.ShareQuery, p sharing.Page) ([]sharing.Share, string, error)
	InstancesPage(ctx context.Context, actor sharing.AccountID, q sharing.InstanceQuery, p sharing.Page) ([]sharing.Instance, string, error)
}

// An Open makes a new, empty system with the given setup. It closes what it opened by t.Cleanup.
type Open func(t TB, setup Setup) Subject

// TB is the part of a test that the suite uses: a [*testing.T] or a *rapid.T.
type TB interface {
	Context() context.Context
	Cleanup(func())
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// A Setup says how to set up a system.
type Setup struct {
	Policy sharing.Policy
	// Now is the clock. The system must use no other.
	Now func() time.Time
	// IDs draws identifiers, and now and then repeats one that it drew before. A system may draw its own
	// IDs instead, but see [Explore].
	IDs func() string
	// Directory and GranteeCheck are nil if there is none (R19).
	Directory    sharing.Directory
	GranteeCheck func(ctx context.Context, owner sharing.AccountID, image sharing.Image, g sharing.Grantee) error
}

// Options returns the setup as options of an engine, for a system that has one.
func (s Setup) Options() []sharing.Option {
	opts := []sharing.Option{sharing.WithPolicy(s.Policy), sharing.WithClock(s.Now), sharing.WithIDs(s.IDs)}
	if s.Directory != nil {
		opts = append(opts, sharing.WithDirectory(s.Directory))
	}
	if s.GranteeCheck != nil {
		opts = append(opts, sharing.WithGranteeCheck(s.GranteeCheck))
	}
	return opts
}

// A Subject is a system to be judged, with what it can do beyond the calls of [System]. What is nil the system
// can't do, and is not judged on.
type Subject struct {
	System
	// DryRun is the form of the system that only decides (see [sharing.Engine.DryRun]).
	DryRun System
	// Once returns the form of the system for one call under a token (see [sharing.Engine.Once]).
	Once func(token string) System
	// Events reads the event log (see [sharing.Engine.Events]).
	Events func(ctx context.Context, q sharing.EventQuery) iter.Seq2[sharing.Event, error]
	// Replayed returns a new system with the same setup, into which an event log was replayed (see [sharing.Replay]).
	Replayed func(ctx context.Context, events iter.Seq2[sharing.Event, error]) (Subject, error)
	// Reopened returns the same system, with all its content, in another setup: with another policy, or
	// with or without its directory.
	Reopened func(setup Setup) Subject
}

// A Feature is a part of the rules that a system may lack. A system is not judged on what it
// lacks: the calls are not made.
type Feature string

// The features that a system may lack. What is not named here no system may lack: it is what sharing images means.
const (
	Acceptance    Feature = "acceptance"    // R14: RequireAcceptance, Accept, Reject
	Expiry        Feature = "expiry"        // R15: ShareUntil
	LifeCycle     Feature = "life cycle"    // R16: Deprecate, Disable, Enable
	Protection    Feature = "protection"    // R17: Protect, Unprotect
	Families      Feature = "families"      // R18: Latest
	Organizations Feature = "organizations" // R19: a Directory
	Failures      Feature = "failures"      // R19: the own errors of a Directory that fails and of a grantee check
	Public        Feature = "public"        // R19: Everyone, BlockPublic
	GranteeCheck  Feature = "grantee check" // R19
	Trust         Feature = "trust"         // R11: SetTrust, Trust
	Lineage       Feature = "lineage"       // R10, R12: Capture, Copy, Exposure
	Seal          Feature = "seal"          // R28: Seal, Unseal
	ExactSet      Feature = "exact set"     // R29: SetShares
	Impact        Feature = "impact"        // UnshareImpact, DeleteImpact
	Explanations  Feature = "explanations"  // R25: a *sharing.Refusal for each refusal
)

// features is a set of those that a system lacks.
type features []Feature

func (lacks features) has(f Feature) bool { return !slices.Contains(lacks, f) }

// op reports whether a method of [System] that changes something is lacking.
func (lacks features) op(op string) bool {
	for _, feature := range lacks {
		if slices.Contains(opsOf[feature], op) {
			return true
		}
	}
	return false
}

// opsOf are the changes that belong to a feature.
var opsOf = map[Feature][]string{
	Acceptance: {"Accept", "Reject"},
	Expiry:     {"ShareUntil"},
	LifeCycle:  {"Deprecate", "Disable", "Enable"},
	Protection: {"Protect", "Unprotect"},
	Trust:      {"SetTrust"},
	Lineage:    {"Capture", "Copy"},
	Seal:       {"Seal", "Unseal"},
	ExactSet:   {"SetShares"},
}
