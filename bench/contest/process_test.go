package contest

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	Serve(map[string]Opener{"odd": openOdd})
	os.Exit(m.Run())
}

// openOdd opens a contestant that fails, and names the process, unless the unit is odd.
func openOdd(_ context.Context, argument string) ([]Contestant, error) {
	return []Contestant{{Name: argument, Do: func(_ context.Context, n int) error {
		if n%2 == 0 {
			return errors.New("process " + strconv.Itoa(os.Getpid()))
		}
		return nil
	}}}, nil
}

// Every other unit is done in the other process, the rest in this one.
func TestProcess(t *testing.T) {
	p, err := Start("odd", "a")
	if err != nil {
		t.Fatal(err)
	}
	here := 0
	halved := p.Halve(Contestant{Name: "a", Do: func(_ context.Context, n int) error {
		here++
		return nil
	}})
	if _, err := Run(t.Context(), Options{Rounds: 1, Units: 10}, halved); err != nil || here != 10 {
		t.Errorf("%d units of 20 here, error %v", here, err)
	}
	if err := p.do("a", 0); err == nil || !strings.HasPrefix(err.Error(), "process ") || err.Error() == "process "+strconv.Itoa(os.Getpid()) {
		t.Errorf("another process gave the error %v", err)
	}
	if err := p.do("b", 1); err == nil {
		t.Error("a contestant that it doesn't have did a unit")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Start("unknown", ""); err == nil {
		t.Error("a process with an unknown opener was started")
	}
}
