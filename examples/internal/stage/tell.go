package stage

import (
	"errors"
	"fmt"
	"strings"

	"github.com/imageshare/sharing"
)

// Say tells lines of text.
func (s *Stage) Say(lines ...string) {
	for _, line := range lines {
		fmt.Fprintln(s.out, line)
	}
}

// Sayf tells one line of text.
func (s *Stage) Sayf(format string, args ...any) { s.Say(fmt.Sprintf(format, args...)) }

// An Outcome is the outcome of a call that was told.
type Outcome struct {
	stage *Stage
	err   error
}

// Call tells a call by its actor, such as "Share(web, bob)", and its outcome: the answer, or the error in full.
func (s *Stage) Call(actor sharing.AccountID, call string, err error, answer string, args ...any) Outcome {
	s.calls++
	s.name = ""
	came := "ok"
	var refusal *sharing.Refusal
	switch {
	case errors.As(err, &refusal):
		came = "refused: " + err.Error()
	case err != nil:
		came = "error: " + err.Error()
	case answer != "":
		came = fmt.Sprintf("ok: "+answer, args...)
	}
	s.Sayf("   %-*s  %s", actorWidth, actor, call)
	s.indented(came)
	return Outcome{s, err}
}

const (
	actorWidth = 13
	width      = 96
)

// indented tells text under a call, in lines of the page's width.
func (s *Stage) indented(text string) {
	indent := strings.Repeat(" ", 3+actorWidth+4)
	line := indent
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width && strings.TrimSpace(line) != "" {
			s.Say(line)
			line = indent + "  "
		}
		if strings.TrimSpace(line) != "" {
			line += " "
		}
		line += word
	}
	s.Say(line)
}

// OK checks that the call succeeded.
func (o Outcome) OK() {
	if o.err != nil {
		o.stage.wrong("it should have succeeded")
	}
}

// Refused checks that the rule refused the call with this kind of error.
func (o Outcome) Refused(kind error, rule string) {
	var refusal *sharing.Refusal
	if !errors.As(o.err, &refusal) || !errors.Is(o.err, kind) || refusal.Rule != rule {
		o.stage.wrong("it should have been refused by %s: %v", rule, kind)
	}
}

// Invalid checks that the call was bad input.
func (o Outcome) Invalid() {
	if !errors.Is(o.err, sharing.ErrInvalid) {
		o.stage.wrong("it should have been bad input")
	}
}

// Check checks that a claim of the story holds, and tells the claim.
func (s *Stage) Check(holds bool, claim string, args ...any) {
	claim = fmt.Sprintf(claim, args...)
	if holds {
		s.indented("so " + claim)
		return
	}
	s.wrong("not so: %s", claim)
}

func (s *Stage) wrong(format string, args ...any) {
	s.wrongs++
	s.indented("WRONG: " + fmt.Sprintf(format, args...))
}

// End ends the story with its balance. It returns an error if any answer was wrong, or if
// the story could not be written.
func (s *Stage) End() error {
	balance := fmt.Sprintf("%d calls, every answer as the rules say.", s.calls)
	var err error
	if s.wrongs > 0 {
		balance = fmt.Sprintf("%d calls, %d answers NOT AS THE RULES SAY.", s.calls, s.wrongs)
		err = fmt.Errorf("%d answers are not as the rules say", s.wrongs)
	}
	s.Say("", balance)
	return errors.Join(s.out.Flush(), err)
}

// Heading tells a heading with the number of the rule at its end.
func (s *Stage) Heading(title, rules string) {
	s.Say("", fmt.Sprintf("%-*s%s", width-len(rules), title, rules), strings.Repeat("─", width))
}
