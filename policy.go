package sharing

import (
	"context"
	"slices"
)

// A Policy holds the limits and choices of the platform. The zero value is the FAQ's behaviour.
type Policy struct {
	// MaxShares is how many grantees an image may have at any time (R2): 0 means 50, a negative value no limit.
	MaxShares int
	// MaxImages is how many images an account may own in a region (R3): 0 means 100, a negative value no limit.
	MaxImages int
	// RequireAcceptance makes new shares with accounts pending until the grantee accepts (R14).
	RequireAcceptance bool
	// BlockPublic refuses new shares with everyone, and leaves those that exist (R19).
	BlockPublic bool
}

const (
	defaultMaxShares = 50
	defaultMaxImages = 100
)

// limit returns the number that a limit of a Policy stands for, and whether there is one.
func limit(configured, byDefault int) (int, bool) {
	if configured == 0 {
		return byDefault, true
	}
	return configured, configured > 0
}

// Trust is an account's policy on whose images it accepts (R11).
// The zero value trusts everyone. An account always trusts itself.
type Trust struct {
	// Owners are the accounts from which images are accepted: a set of at most 1,000.
	Owners []AccountID
	// Enforce refuses to use the images of other owners. Without it the policy is an audit:
	// nothing is refused, and the event of the use is marked untrusted.
	Enforce bool
}

const maxTrusted = 1000

func (t Trust) validate() error {
	if len(t.Owners) > maxTrusted {
		return invalid("trusted owners", "are %d: at most %d are allowed", len(t.Owners), maxTrusted)
	}
	for _, owner := range t.Owners {
		if err := owner.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// normal returns t with its owners as a set: in ascending order, each once, in memory of its own.
func (t Trust) normal() Trust {
	t.Owners = slices.Compact(slices.Sorted(slices.Values(t.Owners)))
	return t
}

// equal compares two normal policies.
func (t Trust) equal(u Trust) bool { return t.Enforce == u.Enforce && slices.Equal(t.Owners, u.Owners) }

// isZero reports whether t trusts everyone.
func (t Trust) isZero() bool { return !t.Enforce && len(t.Owners) == 0 }

// trusts reports whether a normal policy of account names owner, or needs not to.
func (t Trust) trusts(account, owner AccountID) bool {
	if account == owner || t.isZero() {
		return true
	}
	_, found := slices.BinarySearch(t.Owners, owner)
	return found
}

// A Directory tells which organisations an account is in (R19). The engine asks it outside its transactions,
// at every call whose answer depends on it, and remembers nothing between calls.
// It must be safe for concurrent use.
type Directory interface {
	// Organizations returns the organisations of account, in any order; none for an account that it does not know.
	// An error ends the call that needed the answer.
	Organizations(ctx context.Context, account AccountID) ([]OrganizationID, error)
}
