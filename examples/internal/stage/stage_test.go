package stage_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/examples/internal/stage"
)

func refusal(t *testing.T, s *stage.Stage) error {
	t.Helper()
	_, err := s.Image(t.Context(), "bob", "web")
	if !errors.Is(err, sharing.ErrImageNotFound) {
		t.Fatalf("Image: %v", err)
	}
	return err
}

func TestRightAnswers(t *testing.T) {
	var out strings.Builder
	s, err := stage.New(&out)
	if err != nil {
		t.Fatal(err)
	}
	s.Call("bob", "Leave(web)", nil, "").OK()
	s.Call("bob", "Image(web)", refusal(t, s), "").Refused(sharing.ErrImageNotFound, "R20")
	s.Call("bob", "Image()", fmt.Errorf("Image: %w", sharing.ErrInvalid), "").Invalid()
	s.Check(true, "it holds")
	if err := s.End(); err != nil {
		t.Errorf("End: %v\n%s", err, out.String())
	}
}

func TestWrongAnswersEndInAnError(t *testing.T) {
	for name, check := range map[string]func(*stage.Stage){
		"refused, not ok":     func(s *stage.Stage) { s.Call("bob", "Image(web)", refusal(t, s), "").OK() },
		"ok, not refused":     func(s *stage.Stage) { s.Call("bob", "f()", nil, "").Refused(sharing.ErrNotOwner, "R1") },
		"another kind":        func(s *stage.Stage) { s.Call("bob", "f()", refusal(t, s), "").Refused(sharing.ErrNotOwner, "R20") },
		"another rule":        func(s *stage.Stage) { s.Call("bob", "f()", refusal(t, s), "").Refused(sharing.ErrImageNotFound, "R1") },
		"refused, not bad":    func(s *stage.Stage) { s.Call("bob", "f()", refusal(t, s), "").Invalid() },
		"ok, not bad":         func(s *stage.Stage) { s.Call("bob", "f()", nil, "").Invalid() },
		"a claim that is not": func(s *stage.Stage) { s.Check(false, "it holds") },
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			s, err := stage.New(&out)
			if err != nil {
				t.Fatal(err)
			}
			check(s)
			if err := s.End(); err == nil || !strings.Contains(out.String(), "WRONG") {
				t.Errorf("End: %v\n%s", err, out.String())
			}
		})
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestAStoryThatCannotBeToldIsAnError(t *testing.T) {
	s, err := stage.New(full{})
	if err != nil {
		t.Fatal(err)
	}
	s.Say("once upon a time")
	if err := s.End(); err == nil {
		t.Error("End gave no error")
	}
}
