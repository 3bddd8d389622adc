package script

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imageshare/sharing"
)

// A world is what a scenario is about: a platform with its store, its clock and its directory of organisations.
type world struct {
	ctx      context.Context
	open     func() (sharing.Store, error)
	store    sharing.Store
	platform *sharing.Engine
	engine   *sharing.Engine // of the command under way: the platform's, perhaps as a dry run or under a token

	policy        sharing.Policy
	now           time.Time
	name          string // the ID of what is made next
	organizations map[sharing.OrganizationID][]sharing.AccountID
	directoryDown bool
	refused       []sharing.AccountID // by the platform's check of grantees
}

// start is when every scenario begins.
var start = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

func newWorld(ctx context.Context, open func() (sharing.Store, error)) (*world, error) {
	store, err := open()
	if err != nil {
		return nil, err
	}
	w := &world{ctx: ctx, open: open, store: store, now: start}
	return w, w.restart()
}

// restart starts an engine with the policy and surroundings as they are, on the store as it is.
func (w *world) restart() (err error) {
	opts := []sharing.Option{
		sharing.WithPolicy(w.policy),
		sharing.WithClock(func() time.Time { return w.now }),
		sharing.WithIDs(func() string { return w.name }),
	}
	if w.organizations != nil {
		opts = append(opts, sharing.WithDirectory(w))
	}
	if w.refused != nil {
		opts = append(opts, sharing.WithGranteeCheck(w.check))
	}
	w.platform, err = sharing.New(w.store, opts...)
	return err
}

// Organizations makes the world a directory.
func (w *world) Organizations(_ context.Context, account sharing.AccountID) ([]sharing.OrganizationID, error) {
	if w.directoryDown {
		return nil, errors.New("the directory is down")
	}
	var in []sharing.OrganizationID
	for id, members := range w.organizations {
		if slices.Contains(members, account) {
			in = append(in, id)
		}
	}
	return in, nil
}

func (w *world) check(_ context.Context, _ sharing.AccountID, _ sharing.Image, g sharing.Grantee) error {
	if account, ok := g.Account(); ok && slices.Contains(w.refused, account) {
		return fmt.Errorf("%s is not of this company", account)
	}
	return nil
}

// do does what a line says, perhaps as a dry run or under a token, and answers.
func (w *world) do(line string) (string, error) {
	w.engine = w.platform
	for {
		how, command, ok := strings.Cut(line, ": ")
		token, once := strings.CutPrefix(how, "token ")
		switch {
		case ok && how == "dry run":
			w.engine = w.engine.DryRun()
		case ok && once:
			w.engine = w.engine.Once(token)
		default:
			return w.doPlain(line)
		}
		line = command
	}
}

// doPlain does a command with the engine that is set for it.
func (w *world) doPlain(line string) (string, error) {
	c, a, err := find(commands, line)
	if err != nil {
		return "", err
	}
	answer, err := c.do(w, a)
	var nonsense nonsense
	var refusal *sharing.Refusal
	switch {
	case errors.As(err, &nonsense):
		return "", err
	case errors.As(err, &refusal):
		return "refused: " + err.Error(), nil
	case err != nil:
		return "error: " + err.Error(), nil
	case answer == "":
		return "ok", nil
	}
	return answer, nil
}

// nonsense is the error of a command that has the form of one, and can't be understood.
type nonsense struct{ error }
