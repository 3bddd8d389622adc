package sharingtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/imageshare/sharing"
)

// A world is a system and the model, set up alike, side by side. Each call is made of both.
type world struct {
	subject Subject
	model   *Model
	setup   Setup
	clock   *clock
	members *members
	lacks   features
	drawn   int    // IDs, by the system
	answer  string // the ID that the system's answer holds, which the model is told to draw
	log     log
	used    []usedToken
	// unavailable are the texts of ErrImageUnavailable, of which an instance's owner must find only one (R6).
	unavailable map[string]string
}

// A usedToken is a token that an account used, for which call, and what it answered (R23).
type usedToken struct {
	token string
	call  call
	value any
}

// errStranger is what the grantee check of a world says (R19).
var errStranger = errors.New("no such account")

// stranger is the account that the grantee check of a world refuses.
const stranger sharing.AccountID = "stranger"

// newWorld opens an empty system. In checked worlds there is a grantee check, and in worlds with members a directory.
func newWorld(t TB, open Open, lacks features, policy sharing.Policy, checked bool, members *members) *world {
	w := &world{
		clock:       &clock{now: time.Date(2018, 5, 4, 12, 0, 0, 0, time.UTC)},
		members:     members,
		lacks:       lacks,
		log:         newLog(),
		unavailable: map[string]string{},
	}
	w.setup = Setup{Policy: policy, Now: w.clock.Now, IDs: w.draw}
	if members != nil {
		w.setup.Directory = members
	}
	if checked {
		w.setup.GranteeCheck = func(_ context.Context, _ sharing.AccountID, _ sharing.Image, g sharing.Grantee) error {
			if g == sharing.Account(stranger) {
				return errStranger
			}
			return nil
		}
	}
	w.subject = open(t, w.setup)
	modelSetup := w.setup
	modelSetup.IDs = func() string { return w.answer }
	w.model = NewModel(modelSetup)
	return w
}

// draw draws an ID: greater ones, but each third that before again.
func (w *world) draw() string {
	w.drawn++
	return fmt.Sprintf("id-%06d", w.drawn-w.drawn%3/2)
}

// do makes a call of the system and of the model, and compares what they answer and what they did.
func (w *world) do(t TB, c call) (any, error) {
	return w.doOn(t, w.subject.System, w.model, c)
}

// doOn is do with a form of the system, such as its dry run, and a model that this form should be like.
func (w *world) doOn(t TB, s System, m *Model, c call) (any, error) {
	before := w.model
	if _, isChange := changes[c.Op]; isChange && w.subject.Events != nil {
		before = w.model.clone()
	}
	got, gotErr := c.of(t.Context(), s)
	if before != w.model {
		t.Logf("%v: %v, %v", c, idOf(got), gotErr)
	}
	w.answer = idOf(got)
	if gotErr == nil && m.used(c.Op, w.answer) {
		t.Fatalf("%v: the ID %s was used before (R8)", c, w.answer)
	}
	want, wantErr := c.of(t.Context(), m)
	w.compare(t, c, got, gotErr, want, wantErr)
	w.noOracle(t, s, c, gotErr)
	if before != w.model {
		w.follow(t, c, before)
	}
	return got, gotErr
}

// dryRun makes a call of the system's dry run: it decides as the call, and changes nothing.
func (w *world) dryRun(t TB, c call) {
	w.doOn(t, w.subject.DryRun, w.model.clone(), c.in("DryRun()."))
}

// once makes a call under a token (R23).
func (w *world) once(t TB, token string, c call) {
	s := w.subject.Once(token)
	c = c.in(fmt.Sprintf("Once(%q).", token))
	i := slices.IndexFunc(w.used, func(u usedToken) bool { return u.token == token && u.call.Actor == c.Actor })
	switch {
	case i >= 0:
		first := w.used[i]
		before := w.model.clone()
		got, err := c.of(t.Context(), s)
		var wantErr error
		if first.call.request() != c.request() {
			wantErr = sharing.ErrInvalid
		}
		w.compare(t, c, got, err, first.value, wantErr)
		w.follow(t, c, before)
	case !identifier(token, ""):
		got, err := c.of(t.Context(), s)
		w.compare(t, c, got, err, nil, sharing.ErrInvalid)
	default:
		before := w.model.clone()
		value, err := w.doOn(t, s, w.model, c)
		if err == nil && w.model.differs(before) {
			w.used = append(w.used, usedToken{token, c, value})
		}
	}
}

// noOracle repeats a call that ended in not found with an ID that never was: the error must be the same (R20).
// An instance's image that its owner must not know about gives one error, whatever the reason (R6).
func (w *world) noOracle(t TB, s System, c call, err error) {
	other := c
	switch {
	case errors.Is(err, sharing.ErrImageUnavailable):
		key := fmt.Sprint(c.Actor, " ", c.Instance)
		if first, ok := w.unavailable[key]; ok && first != err.Error() {
			t.Fatalf("%v: the error tells why (R6):\n%v\n%v", c, first, err)
		}
		w.unavailable[key] = err.Error()
		return
	case errors.Is(err, sharing.ErrInstanceNotFound):
		other.Instance = never
	case !errors.Is(err, sharing.ErrImageNotFound) || c.Op == "Latest":
		return
	case c.Image != "" && !w.model.sees(c.Actor, c.Image):
		other.Image = never
	default:
		other.Deprecation.Replacement = never
	}
	_, otherErr := other.of(t.Context(), s)
	if hidden, none := without(err, c), without(otherErr, other); hidden != none {
		t.Fatalf("%v: the error tells that there is something (R20):\n%v\n%v", c, hidden, none)
	}
}

// differs reports whether the state is another.
func (m *Model) differs(from *Model) bool {
	return m.state() != from.state()
}

// used reports whether what a call makes can't have the ID, because something ever had it.
func (m *Model) used(op, id string) bool {
	switch op {
	case "Register", "Capture", "Copy":
		return m.images[sharing.ImageID(id)] != nil
	case "Launch":
		return m.instances[sharing.InstanceID(id)] != nil
	}
	return false
}

// idOf returns the ID of what a call made or returned.
func idOf(answer any) string {
	switch made := answer.(type) {
	case sharing.Image:
		return string(made.ID)
	case sharing.Instance:
		return string(made.ID)
	}
	return ""
}

// A clock stands still until it is moved.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// members are a directory that can be changed, and made to fail.
type members struct {
	of   map[sharing.AccountID][]sharing.OrganizationID
	fail error
}

func (m *members) Organizations(_ context.Context, account sharing.AccountID) ([]sharing.OrganizationID, error) {
	return slices.Clone(m.of[account]), m.fail
}

// move makes the account a member, or no longer.
func (m *members) move(account sharing.AccountID, org sharing.OrganizationID) {
	orgs := m.of[account]
	if i := slices.Index(orgs, org); i >= 0 {
		m.of[account] = slices.Delete(slices.Clone(orgs), i, i+1)
	} else {
		m.of[account] = append(slices.Clone(orgs), org)
	}
}
