package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/imageshare/sharing"
)

var (
	errInjected = errors.New("storetest: injected")
	errConflict = fmt.Errorf("storetest: injected: %w", sharing.ErrConflict)
	errUnknown  = fmt.Errorf("storetest: injected: %w", sharing.ErrOutcomeUnknown)
)

func isConflict(err error) bool { return errors.Is(err, sharing.ErrConflict) }

// testFaults makes the store fail under an engine: whatever fails, the state is as before the call or as after it,
// the answer says which or that nobody can know, and nothing is permitted that a rule refuses (R22, R26, R27).
func testFaults(t *testing.T, open opener) {
	c := newCheck(t, open)
	for _, call := range engineCalls {
		c.run(call.name, func() {
			c.checkCall(call)
		})
	}
	c.run("Reads", func() { testFaultyReads(c) })
	c.run("Meanwhile", func() { testMeanwhile(c) })
	t.Run("Replay", func(t *testing.T) { testReplay(newCheck(t, open), newCheck(t, open)) })
}

// An outcome is what a call does and answers on a store without faults.
type outcome struct {
	before, after string // evidence
	answer        string
	err           error
}

// idle reports whether the call changes nothing since all is already so (R23): then a store that loses the outcome of
// nothing may make it fail.
func (o outcome) idle() bool { return o.err == nil && o.before == o.after }

// checkCall makes the call once without a fault, and then once with each.
func (c *check) checkCall(call engineCall) {
	golden := c.newScene()
	var want outcome
	want.before = golden.evidence()
	var result any
	result, want.err = call.make(c.ctx, golden.healthy.Once("token"), golden)
	want.answer, want.after = golden.plain(result), golden.evidence()
	if want.err != nil && want.after != want.before {
		c.Errorf("R22: %s was refused (%v) and changed something", call.name, want.err)
	}

	// Faults after which nothing is committed can follow each other in one scene.
	s := c.newScene()
	for _, fault := range []Fault{
		{Kind: FailBefore, Err: errInjected}, {Kind: FailBefore, Err: errConflict},
		{Kind: FailCommit, Err: errInjected}, {Kind: FailCommit, Err: errConflict}, {Kind: FailCommit, Err: errUnknown},
		{Kind: FailCommit, Err: errUnknown, Away: 1},
	} {
		if committed := s.try(call, fault, want); committed {
			s = c.newScene()
		}
	}
	for n := 1; !s.try(call, Fault{Kind: FailCall, Call: n, Err: errInjected}, want) && n < 100; n++ {
	}
	for _, fault := range []Fault{
		{Kind: RunTwice},
		{Kind: LoseAnswer, Err: errUnknown}, {Kind: LoseAnswer, Err: errInjected}, {Kind: LoseAnswer, Err: errUnknown, Away: 1},
	} {
		c.newScene().try(call, fault, want)
	}
	c.newScene().tryWithoutToken(call, want)
	c.newScene().tryWithoutAnswer(call, LoseAnswer, want)
	c.newScene().tryWithoutAnswer(call, FailCommit, want)
}

// try makes the call with a fault, and checks what it did and answered. It reports whether the fault did not
// happen, or left the call's change made: then the scene is no more what it was.
func (s *scene) try(call engineCall, fault Fault, want outcome) (done bool) {
	s.Helper()
	s.faulty.Inject(fault)
	result, err := call.make(s.ctx, s.throughIt.Once("token"), s)
	happened := s.faulty.Heal()
	what := fmt.Sprintf("%s, with fault %+v (happened: %v)", call.name, fault, happened)
	after := s.evidence()
	if !happened || fault.Kind == RunTwice || fault.Kind == LoseAnswer {
		if !want.idle() || err == nil {
			s.expect(what, want, s.plain(result), err, after)
		}
		s.repeat(what, call, want)
		return true
	}
	if err == nil {
		s.Errorf("R26: %s: it was answered with success, and nothing was committed", what)
	}
	if errors.Is(err, sharing.ErrOutcomeUnknown) && !want.idle() {
		s.Errorf("R26: %s: the log tells that nothing was committed, and the answer is that nobody knows: %v", what, err)
	}
	if isConflict(fault.Err) && !isConflict(err) {
		s.Errorf("%s: the error should wrap ErrConflict: %v", what, err)
	}
	if after != want.before {
		s.Errorf("R22: %s: a call that failed changed something; it answered %v (-before +after):\n%s", what, err, difference(after, want.before))
	}
	return false
}

// tryWithoutToken makes the call under no token, as most calls are, and loses its answer.
func (s *scene) tryWithoutToken(call engineCall, want outcome) {
	s.Helper()
	s.faulty.Inject(Fault{Kind: LoseAnswer, Err: errUnknown})
	result, err := call.make(s.ctx, s.throughIt, s)
	s.faulty.Heal()
	if !want.idle() || err == nil {
		s.expect(call.name+", with its answer lost, under no token", want, s.plain(result), err, s.evidence())
	}
}

// tryWithoutAnswer makes the call so that its context ends at the moment of the fault,
// when nobody can be asked any more.
func (s *scene) tryWithoutAnswer(call engineCall, kind FaultKind, want outcome) {
	s.Helper()
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	s.faulty.Inject(Fault{Kind: kind, Err: errUnknown, Away: -1, Meanwhile: cancel})
	_, err := call.make(ctx, s.throughIt.Once("token"), s)
	happened := s.faulty.Heal()
	what := fmt.Sprintf("%s, with its answer lost and its context ended (kind %v, happened: %v)", call.name, kind, happened)
	if happened && !want.idle() && !errors.Is(err, sharing.ErrOutcomeUnknown) {
		s.Errorf("R26: %s: the error should wrap ErrOutcomeUnknown: %v", what, err)
	}
	expected := want.before
	if kind == LoseAnswer {
		expected = want.after
	}
	if now := s.evidence(); now != expected {
		s.Errorf("R26: %s: the state is neither as before nor as after the call (-contract +store):\n%s", what, difference(now, expected))
	}
	s.repeat(what, call, want)
}

// repeat makes the call again under its token: whatever happened before, it is then made exactly once (R23).
func (s *scene) repeat(what string, call engineCall, want outcome) {
	s.Helper()
	result, err := call.make(s.ctx, s.healthy.Once("token"), s)
	s.expect(what+", repeated under its token", want, s.plain(result), err, s.evidence())
}

// expect checks that a call did and answered what it does and answers without a fault.
func (s *scene) expect(what string, want outcome, answer string, err error, after string) {
	s.Helper()
	if (err == nil) != (want.err == nil) || err != nil && kindOf(err) != kindOf(want.err) {
		s.Errorf("R26: %s: it answered %v; without the fault it answers %v", what, err, want.err)
	} else if answer != want.answer {
		s.Errorf("R26: %s: the answer differs from that without the fault:\n%s", what, difference(answer, want.answer))
	}
	if after != want.after {
		s.Errorf("R22: %s: the state and the log differ from those without the fault (-without +with):\n%s", what, difference(after, want.after))
	}
}

// kindOf returns the rule of a refusal, or "" for another error.
func kindOf(err error) string {
	var refusal *sharing.Refusal
	if errors.As(err, &refusal) {
		return refusal.Rule + " " + refusal.Unwrap().Error()
	}
	return ""
}

// testMeanwhile changes the world between two runs of a closure: only the last run counts.
func testMeanwhile(c *check) {
	launch := func(s *scene) error {
		return second(s.throughIt.Launch(s.ctx, s.me, sharing.LaunchSpec{Image: s.img, Region: here}))
	}
	s := c.newScene()
	s.faulty.Inject(Fault{Kind: RunTwice, Meanwhile: func() {
		s.made("", func() error { return s.healthy.Unshare(s.ctx, s.owner, s.img, sharing.Account(s.me)) })
	}})
	s.nextID = s.prefix + "new"
	if err := launch(s); !errors.Is(err, sharing.ErrImageNotFound) {
		c.Errorf("R21: a launch that was decided anew after an unshare should be refused with ErrImageNotFound: %v", err)
	}
	if strings.Contains(s.evidence(), `"ID": "new"`) {
		c.Errorf("R22: a launch that was refused in the run that counts left an instance")
	}
	s.faulty.Inject(Fault{Kind: RunTwice, Meanwhile: func() {
		s.made("", func() error {
			if err := second(s.healthy.Share(s.ctx, s.owner, s.img, sharing.Account(s.me))); err != nil {
				return err
			}
			return s.healthy.Accept(s.ctx, s.me, s.img)
		})
		s.nextID = s.prefix + "new"
	}})
	s.nextID = s.prefix + "new"
	if err := launch(s); err != nil {
		c.Errorf("R21: a launch that was decided anew after a share should succeed: %v", err)
	}
}
