package sharingtest

import (
	"slices"
	"time"

	"github.com/imageshare/sharing"
)

// An Alphabet is a small world and the calls that are tried in each of its states: every one of Ops, by every account,
// on every image and instance there is, with every argument that occurs in the world.
type Alphabet struct {
	Name string
	// Ops are names of methods of [System] that change something, and of two steps that are not calls: in "Wait" an
	// hour passes, and in "Move" an account joins or leaves an organisation.
	Ops []string
	// Policy is the policy with which every system is opened.
	Policy sharing.Policy
	// Accounts, Regions, Images and Instances are the bounds of the world; the last two count all that were ever made.
	// A call that leads out of the bounds is tried too, but nothing is tried from there.
	Accounts          []sharing.AccountID
	Regions           []sharing.Region
	Images, Instances int
	// Public and Organizations say with whom images are shared besides accounts. Accounts join and leave organisations.
	Public        bool
	Organizations []sharing.OrganizationID
}

// The steps of a search that are no calls: an hour passes, an account joins or leaves an organisation.
const (
	wait = "Wait"
	move = "Move"
)

var (
	three = []sharing.AccountID{"a", "b", "c"}
	two   = []sharing.AccountID{"a", "b"}
	one   = []sharing.Region{"r1"}
)

// Alphabets are the searches that together try every call that changes something, except Update: the texts that it
// changes decide little, and [Run] makes it often. Each of them closes: it has finitely many states.
var Alphabets = []Alphabet{
	{
		Name:     "sharing", // R1 to R8, R13
		Ops:      []string{"Register", "Share", "Unshare", "Leave", "Delete", "ForceDelete", "Launch", "ReplaceDisk", "Reinit", "Terminate"},
		Accounts: three, Regions: one, Images: 2, Instances: 2,
	},
	{
		Name:     "acceptance", // R2, R14, R29
		Ops:      []string{"Register", "Share", "SetShares", "Unshare", "Accept", "Reject", "Leave", "Delete", "Launch", "Reinit", "Terminate"},
		Policy:   sharing.Policy{RequireAcceptance: true, MaxShares: 1},
		Accounts: three, Regions: one, Images: 2, Instances: 1,
	},
	{
		Name: "life cycle", // R16, R17, R28
		Ops: []string{"Register", "Share", "Unshare", "Deprecate", "Disable", "Enable", "Protect", "Unprotect", "Seal", "Unseal",
			"Delete", "ForceDelete", "Launch", "ReplaceDisk", "Reinit", "Capture"},
		Accounts: two, Regions: one, Images: 2, Instances: 1,
	},
	{
		Name:     "organizations", // R19, with R14
		Ops:      []string{"Register", "Share", "Unshare", "Accept", "Reject", "Leave", "Disable", "Enable", "Delete", "Launch", "Reinit", move},
		Policy:   sharing.Policy{RequireAcceptance: true},
		Accounts: three, Regions: one, Images: 1, Instances: 1, Public: true, Organizations: []sharing.OrganizationID{"o"},
	},
	{
		Name:     "lineage", // R3, R4, R10, R12
		Ops:      []string{"Register", "Copy", "Capture", "Share", "Unshare", "Seal", "ForceDelete", "Disable", "Launch", "ReplaceDisk", "Terminate"},
		Policy:   sharing.Policy{MaxImages: 2},
		Accounts: two, Regions: []sharing.Region{"r1", "r2"}, Images: 2, Instances: 1,
	},
	{
		Name:     "expiry", // R15
		Ops:      []string{"Register", "Share", "ShareUntil", "Unshare", "Leave", "Delete", "Disable", "Enable", "Launch", "Reinit", wait},
		Policy:   sharing.Policy{MaxShares: 1},
		Accounts: three, Regions: one, Images: 1, Instances: 2,
	},
	{
		Name:     "trust", // R11
		Ops:      []string{"Register", "Share", "Unshare", "SetTrust", "Launch", "ReplaceDisk", "Reinit"},
		Accounts: two, Regions: one, Images: 2, Instances: 1,
	},
}

// without returns the alphabet without the calls that need features that a system lacks.
func (a Alphabet) without(lacks features) Alphabet {
	a.Ops = slices.DeleteFunc(slices.Clone(a.Ops), lacks.op)
	a.Public = a.Public && lacks.has(Public)
	if !lacks.has(Organizations) {
		a.Organizations = nil
	}
	a.Policy.RequireAcceptance = a.Policy.RequireAcceptance && lacks.has(Acceptance)
	return a
}

// Small returns the alphabet in the smallest world that makes sense, which closes in an instant.
func (a Alphabet) Small() Alphabet {
	a.Accounts, a.Images, a.Instances = two, 1, 1
	return a
}

// beyond reports whether a state is out of the bounds of the world.
func (a Alphabet) beyond(m *Model) bool {
	return len(m.images) > a.Images || len(m.instances) > a.Instances
}

// steps are all that can be tried in the state that the model is in.
func (a Alphabet) steps(m *Model) (steps []call) {
	for _, op := range a.Ops {
		for _, actor := range a.Accounts {
			steps = append(steps, a.calls(m, call{Op: op, Actor: actor})...)
		}
	}
	return steps
}

// calls are the calls of an operation by an actor.
func (a Alphabet) calls(m *Model, c call) (calls []call) {
	images, instances := sorted(m.images), sorted(m.instances)
	add := func(with func(*call)) {
		next := c
		with(&next)
		calls = append(calls, next)
	}
	switch c.Op {
	case wait:
		if c.Actor == a.Accounts[0] {
			add(func(*call) {})
		}
		return calls
	case move:
		for range a.Organizations {
			add(func(*call) {})
		}
		return calls
	case "SetTrust":
		for _, t := range a.trusts(c.Actor) {
			add(func(c *call) { c.Trust = t })
		}
		return calls
	case "Register":
		for _, region := range a.Regions {
			add(func(c *call) { c.Spec = sharing.ImageSpec{Region: region, Family: "f"} })
		}
		return calls
	case "Reinit", "Terminate", "Capture", "ReplaceDisk":
		for _, inst := range instances {
			c.Instance = inst.ID
			if c.Op != "ReplaceDisk" {
				add(func(*call) {})
				continue
			}
			for _, img := range images {
				add(func(c *call) { c.Image = img.ID })
			}
		}
		return calls
	}
	for _, img := range images {
		c.Image = img.ID
		switch c.Op {
		case "Share", "Unshare", "ShareUntil", "SetShares":
			for _, c.Grantees = range a.grantees(c.Op) {
				add(func(*call) {})
			}
		case "Launch", "Copy":
			for _, c.Region = range a.Regions {
				add(func(*call) {})
			}
		case "Deprecate":
			add(func(*call) {})
			for _, other := range images {
				add(func(c *call) { c.Deprecation.Replacement = other.ID })
			}
		default:
			add(func(*call) {})
		}
	}
	if c.Op == "ShareUntil" {
		for i := range calls {
			calls[i].Expires = m.now().Add(time.Hour)
		}
	}
	return calls
}

// grantees are the sets of grantees that are named in a call: each alone, any two accounts, and for SetShares none.
func (a Alphabet) grantees(op string) (sets [][]sharing.Grantee) {
	for _, account := range a.Accounts {
		sets = append(sets, []sharing.Grantee{sharing.Account(account)})
	}
	for _, org := range a.Organizations {
		sets = append(sets, []sharing.Grantee{sharing.Organization(org)})
	}
	if a.Public {
		sets = append(sets, []sharing.Grantee{sharing.Everyone})
	}
	if op == "SetShares" || op == "Share" {
		for i, x := range a.Accounts {
			for _, y := range a.Accounts[:i] {
				sets = append(sets, []sharing.Grantee{sharing.Account(x), sharing.Account(y)})
			}
		}
	}
	if op == "SetShares" {
		sets = append(sets, nil)
	}
	return sets
}

// trusts are the trust policies that an account tries: none, an audit, nobody, and any one other account.
func (a Alphabet) trusts(actor sharing.AccountID) []sharing.Trust {
	trusts := []sharing.Trust{{}, {Enforce: true}, {Owners: []sharing.AccountID{actor}}}
	for _, other := range a.Accounts {
		if other != actor {
			trusts = append(trusts, sharing.Trust{Owners: []sharing.AccountID{other}, Enforce: true})
		}
	}
	return trusts
}
