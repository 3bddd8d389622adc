package sharing

import (
	"context"
	"slices"
)

// Trust is an account's policy on whose images it accepts (R11). The zero value trusts everyone.
// An account always trusts itself.
type Trust struct {
	// Owners are the accounts whose images are accepted: a set of at most 1,000.
	Owners []AccountID
	// Enforce refuses the use of images of any other owner: if Owners is empty, of every other
	// account. Without Enforce, a policy that names owners is an audit: nothing is refused, but the
	// event of the use is marked untrusted.
	Enforce bool
}

const maxTrusted = 1000

// validate checks a normal policy.
func (t Trust) validate() error {
	if len(t.Owners) > maxTrusted {
		return invalid("trusted owners", "are %d: at most %d are allowed", len(t.Owners), maxTrusted)
	}
	for _, owner := range t.Owners {
		if err := validName("trusted owner", string(owner), true); err != nil {
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

// trusts reports whether a normal policy of account names owner, or need not name it.
func (t Trust) trusts(account, owner AccountID) bool {
	if account == owner || t.isZero() {
		return true
	}
	_, found := slices.BinarySearch(t.Owners, owner)
	return found
}

// SetTrust sets whose images the actor accepts (R11). The zero Trust accepts everyone's. The owners are a set: their
// order and repetitions don't matter.
//
// More than 1,000 owners, or an invalid one, is [ErrInvalid]. No rule refuses the call.
func (e *Engine) SetTrust(ctx context.Context, actor AccountID, t Trust) error {
	t = t.normal()
	c, err := e.begin(ctx, "SetTrust", actor, t.validate())
	if err != nil {
		return err
	}
	_, err = makeChange(c, t, Need{Trust: true}, func(m *moment) (none struct{}, events []Event, err error) {
		if m.Trust.equal(t) {
			return none, nil, nil
		}
		return none, []Event{{Kind: EventTrustSet, Trust: &t}}, nil
	})
	return err
}

// Trust returns the actor's own trust policy, with its owners in ascending order (R11).
func (e *Engine) Trust(ctx context.Context, actor AccountID) (Trust, error) {
	c, err := e.begin(ctx, "Trust", actor)
	if err != nil {
		return Trust{}, err
	}
	return answerOf(&c, func(tx ViewTx) (Trust, error) {
		m, err := c.load(tx, Need{Trust: true})
		return m.Trust.normal(), err
	})
}
