// Package linearizability checks that calls on an engine take effect one by one, each at an instant
// between its start and its end (R21), however many callers, engines and processes share the store.
//
// [History.Record] makes images and lets callers make random calls on them at once, on several engines in one process or
// in several processes of one machine. It writes down what each call asked and answered, and when. [Verify] searches for
// an order of all calls that explains the answers.
package linearizability

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/imageshare/sharing"
)

// The small world of a history: few grantees and a low limit, so that calls meet.
const (
	owner     = sharing.AccountID("owner")
	region    = sharing.Region("region")
	grantees  = 4
	maxShares = 2 // the engines' share limit
)

func grantee(i int) sharing.AccountID { return sharing.AccountID(fmt.Sprintf("grantee-%d", i)) }

// A Subject is one image of a history, with one instance for each grantee, which the grantee made from the image.
type Subject struct {
	Image     sharing.ImageID
	Instances []sharing.InstanceID
}

// prepare makes n images that are shared with nobody.
func prepare(ctx context.Context, e *sharing.Engine, n int) ([]Subject, error) {
	subjects := make([]Subject, n)
	for i := range subjects {
		img, err := insist(ctx, func() (sharing.Image, error) { return e.Register(ctx, owner, sharing.ImageSpec{Region: region}) })
		if err != nil {
			return nil, err
		}
		share := func(grantees ...sharing.Grantee) error {
			_, err := insist(ctx, func() ([]sharing.Share, error) { return e.SetShares(ctx, owner, img.ID, grantees...) })
			return err
		}
		subjects[i].Image = img.ID
		for g := range grantees {
			if err := share(sharing.Account(grantee(g))); err != nil {
				return nil, err
			}
			inst, err := insist(ctx, func() (sharing.Instance, error) {
				return e.Launch(ctx, grantee(g), sharing.LaunchSpec{Image: img.ID, Region: region})
			})
			if err != nil {
				return nil, err
			}
			subjects[i].Instances = append(subjects[i].Instances, inst.ID)
		}
		if err := share(); err != nil {
			return nil, err
		}
	}
	return subjects, nil
}

// insist calls until the store knows the outcome. What an earlier call made without saying so
// does no harm: nobody knows its ID.
func insist[T any](ctx context.Context, call func() (T, error)) (T, error) {
	for {
		made, err := call()
		if ctx.Err() != nil || !errors.Is(err, sharing.ErrConflict) && !errors.Is(err, sharing.ErrOutcomeUnknown) {
			return made, err
		}
	}
}

// An Operation is one call of a history: what was asked about which subject, what was
// answered, and when, in nanoseconds.
type Operation struct {
	Caller     int
	Subject    int
	Kind       Kind
	Grantee    int
	Set        uint8 // for SetShares, bits of grantees
	Answer     string
	Start, End int64
}

// A Kind is the method that an operation called.
type Kind int

// The methods of a history.
const (
	Share Kind = iota
	Unshare
	SetShares
	Leave
	CanUse
	Launch
	Reinit
	Disable
	Enable
	List
	ForceDelete
	kinds
)

// call makes n random calls, one after the other, and returns what it wrote down.
func call(ctx context.Context, e *sharing.Engine, subjects []Subject, caller, n int, seed uint64) ([]Operation, error) {
	r := rand.New(rand.NewPCG(seed, uint64(caller)))
	operations := make([]Operation, 0, n)
	for range n {
		op := Operation{
			Caller: caller, Subject: r.IntN(len(subjects)),
			Kind: Kind(r.IntN(int(kinds))), Grantee: r.IntN(grantees), Set: uint8(r.IntN(1 << grantees)),
		}
		if op.Kind == ForceDelete && r.IntN(100) > 0 { // a deleted image has no further story
			op.Kind = CanUse
		}
		var err error
		op.Start = time.Now().UnixNano()
		op.Answer, err = ask(ctx, e, subjects[op.Subject], op)
		op.End = time.Now().UnixNano()
		if err != nil {
			return nil, err
		}
		operations = append(operations, op)
	}
	return operations, nil
}

// ask makes the call, and says in a word how it ended.
func ask(ctx context.Context, e *sharing.Engine, s Subject, op Operation) (string, error) {
	account := grantee(op.Grantee)
	with := sharing.Account(account)
	var err error
	switch op.Kind {
	case Share:
		_, err = e.Share(ctx, owner, s.Image, with)
	case Unshare:
		err = e.Unshare(ctx, owner, s.Image, with)
	case SetShares:
		var set []sharing.Grantee
		for i := range grantees {
			if op.Set&(1<<i) != 0 {
				set = append(set, sharing.Account(grantee(i)))
			}
		}
		_, err = e.SetShares(ctx, owner, s.Image, set...)
	case Leave:
		err = e.Leave(ctx, account, s.Image)
	case CanUse:
		err = e.CanUse(ctx, account, s.Image, region)
	case Launch:
		_, err = e.Launch(ctx, account, sharing.LaunchSpec{Image: s.Image, Region: region})
	case Reinit:
		_, err = e.Reinit(ctx, account, s.Instances[op.Grantee])
	case Disable:
		err = e.Disable(ctx, owner, s.Image)
	case Enable:
		err = e.Enable(ctx, owner, s.Image)
	case ForceDelete:
		err = e.ForceDelete(ctx, owner, s.Image)
	case List:
		return list(ctx, e, s)
	}
	return word(err)
}

// list answers with the grantees that the owner sees.
func list(ctx context.Context, e *sharing.Engine, s Subject) (string, error) {
	var set uint8
	for share, err := range e.Shares(ctx, owner, s.Image) {
		if err != nil {
			return word(err)
		}
		for i := range grantees {
			if share.Grantee == sharing.Account(grantee(i)) {
				set |= 1 << i
			}
		}
	}
	return shared(set), nil
}

func shared(set uint8) string { return fmt.Sprintf("shared with %0*b", grantees, set) }

// Answers of calls of which the model knows no outcome.
const (
	unknown  = "unknown"  // nobody knows whether it took effect (R26)
	conflict = "conflict" // the store gave up, and nothing was changed
)

// word returns in a word how a call ended that returned err. An error that is no answer is returned as such.
func word(err error) (string, error) {
	for _, kind := range []error{sharing.ErrImageNotFound, sharing.ErrInstanceNotFound, sharing.ErrImageDisabled, sharing.ErrShareLimit, sharing.ErrImageUnavailable} {
		if errors.Is(err, kind) {
			return kind.Error(), nil
		}
	}
	switch {
	case err == nil:
		return "ok", nil
	case errors.Is(err, sharing.ErrOutcomeUnknown):
		return unknown, nil
	case errors.Is(err, sharing.ErrConflict):
		return conflict, nil
	}
	return "", err
}

// Verify returns an error unless some order of all operations explains every answer. It gives up, also with an error,
// if it has not found an order when the timeout has passed.
func Verify(operations []Operation, timeout time.Duration) error {
	history := make([]porcupine.Operation, len(operations))
	var last int64
	for _, op := range operations {
		last = max(last, op.End)
	}
	for i, op := range operations {
		end := op.End
		if op.Answer == unknown { // it may still take effect
			end = last + 1
		}
		history[i] = porcupine.Operation{ClientId: op.Caller, Input: op, Output: op.Answer, Call: op.Start, Return: end}
	}
	switch porcupine.CheckOperationsTimeout(model, history, timeout) {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return fmt.Errorf("no verdict on %d operations within %v", len(operations), timeout)
	}
	return fmt.Errorf("no order of the %d operations explains their answers", len(operations))
}
