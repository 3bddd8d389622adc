package sharingtest

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imageshare/sharing"
)

// Run judges the systems that open makes by random tests, leaving out the features that they lack. The flags of package
// rapid, -rapid.checks and -rapid.steps, set how many tests are made and how long they are.
func Run(t *testing.T, open Open, lacks ...Feature) {
	t.Run("Calls", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { randomCalls(t, open, lacks) })
	})
	t.Run("TwoWorlds", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { twoWorlds(t, open, lacks) })
	})
	if l := features(lacks); l.has(Organizations) && l.has(Failures) {
		t.Run("FailingDirectory", func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { failingDirectory(t, open, lacks) })
		})
	}
}

// randomCalls makes random calls in a random world, and after every few changes compares all that everyone sees.
func randomCalls(t *rapid.T, open Open, lacks features) {
	d := newDealer(t, open, lacks)
	changed := true // since everyone looked: what nobody changed is not looked at again, which would take most of the time
	actions := map[string]func(*rapid.T){
		"": func(t *rapid.T) {
			if changed {
				d.w.visible(t, accounts, regions)
			}
			changed = false
		},
		"a list": func(t *rapid.T) {
			c := d.on(t).query()
			d.w.do(t, c)
			d.w.pages(t, c, 1+uniform(2).Draw(t, "limit"))
		},
		"the shares of an image by pages": func(t *rapid.T) {
			d := d.on(t)
			c := call{Op: "Shares", Image: d.image(), Actor: pick(d, "actor", accounts...)}
			d.w.pages(t, c, 1+uniform(2).Draw(t, "limit"))
		},
		"time passes": func(t *rapid.T) {
			changed = true
			d.w.clock.now = d.w.clock.now.Add(pick(d.on(t), "duration", time.Nanosecond, time.Hour))
		},
	}
	ops := d.ops()
	for _, change := range []string{"changes", "more changes"} {
		actions[change] = func(t *rapid.T) {
			changed = true
			for range 1 + uniform(5).Draw(t, "calls") {
				d.on(t).make(ops)
			}
		}
	}
	if lacks.has(Families) {
		actions["the latest of a family"] = func(t *rapid.T) { d.w.do(t, d.on(t).latest()) }
	}
	if lacks.has(Organizations) {
		actions["move"] = func(t *rapid.T) {
			changed = true
			d.w.members.move(pick(d.on(t), "account", accounts...), pick(d.on(t), "organization", orgs...))
		}
	}
	if d.w.subject.Reopened != nil {
		actions["reopen"] = func(t *rapid.T) {
			changed = true
			d.w.reopen(d.on(t).policy(), !d.on(t).rarely(4))
		}
	}
	if lacks.has(Impact) {
		actions["UnshareImpact"] = func(t *rapid.T) {
			d := d.on(t)
			c := d.change("Unshare")
			c.Op = "UnshareImpact"
			d.w.do(t, c)
		}
	}
	t.Repeat(actions)
	d.w.replay(t)
}

// newDealer opens a random world with a few images in it.
func newDealer(t *rapid.T, open Open, lacks features) dealer {
	d := dealer{T: t, lacks: lacks}
	var m *members
	if lacks.has(Organizations) {
		m = &members{of: map[sharing.AccountID][]sharing.OrganizationID{"b": {"o"}, "c": {"o", "p"}}}
	}
	checked := lacks.has(GranteeCheck) && rapid.Bool().Draw(t, "checked")
	d.w = newWorld(t, open, lacks, d.policy(), checked, m)
	for range 2 {
		d.w.do(t, d.change("Register"))
	}
	return d
}

// on is the dealer for an action.
func (d dealer) on(t *rapid.T) dealer {
	d.T = t
	return d
}

func (d dealer) policy() sharing.Policy {
	return sharing.Policy{
		MaxShares:         pick(d, "max shares", 0, -1, 1, 2, 3),
		MaxImages:         pick(d, "max images", 0, -1, 2, 3),
		RequireAcceptance: d.lacks.has(Acceptance) && rapid.Bool().Draw(d.T, "acceptance"),
		BlockPublic:       d.lacks.has(Public) && d.rarely(3),
	}
}

// ops are the changes that the system is judged on, those without which nothing happens more than once.
func (d dealer) ops() []string {
	ops := slices.Concat(slices.Sorted(maps.Keys(changes)), []string{
		"Register", "Share", "Share", "Share", "Share", "ShareUntil", "Accept", "Accept", "Launch", "Launch", "Launch", "Launch",
		"Capture", "ReplaceDisk", "ReplaceDisk", "Reinit", "Reinit", "Reinit",
	})
	return slices.DeleteFunc(ops, d.lacks.op)
}

// make draws a call and makes it: plainly, or as a dry run, or under a token.
func (d dealer) make(ops []string) {
	c := d.likely(pick(d, "op", ops...))
	switch how := uniform(10).Draw(d.T, "how"); {
	case how == 9 && d.w.subject.DryRun != nil:
		d.w.dryRun(d.T, c)
	case how == 8 && d.w.subject.Once != nil:
		d.w.once(d.T, pick(d, "token", "t1", "t2", "t3", "t4", "bad token"), c)
	case how == 7 && len(d.w.used) > 0:
		again := pick(d, "again", d.w.used...)
		c = again.call.clone()
		slices.Reverse(c.Grantees)
		d.w.once(d.T, again.token, c)
	default:
		given := c.clone()
		answer, _ := d.w.do(d.T, given)
		scramble(given)
		scramble(answer)
	}
}

// reopen sets the system up with another policy, and with the world's directory or without.
func (w *world) reopen(policy sharing.Policy, directory bool) {
	w.setup.Policy, w.setup.Directory = policy, nil
	if directory && w.members != nil {
		w.setup.Directory = w.members
	}
	w.model.setup.Policy, w.model.setup.Directory = policy, w.setup.Directory
	w.subject = w.subject.Reopened(w.setup)
}

// replay compares a system that the event log was replayed into (R24).
func (w *world) replay(t TB) {
	if w.subject.Replayed == nil {
		return
	}
	w.queries(t)
	replayed, err := w.subject.Replayed(t.Context(), w.subject.Events(t.Context(), sharing.EventQuery{}))
	if err != nil {
		t.Fatalf("Replay: %v", err)
	}
	w.subject = replayed
	w.visible(t, accounts, regions)
}
