package sharing

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// A call is one call of an engine's method on its way: check the input, load, decide, store, return.
type call struct {
	*Engine
	ctx     context.Context
	op      string
	actor   AccountID
	outside outside
}

// begin starts a call, and fails on bad input that the call alone shows.
func (e *Engine) begin(ctx context.Context, op string, actor AccountID, input ...error) (*call, error) {
	c := &call{Engine: e, ctx: ctx, op: op, actor: actor, outside: e.outside()}
	return c, c.named(firstError(actor.Validate(), firstError(input...)))
}

func (c *call) named(err error) error { return named(c.op, err) }

// named says which method an error comes from. A refusal says so itself.
func named(op string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := err.(*Refusal); ok {
		return err
	}
	return fmt.Errorf("%s: %w", op, err)
}

// moment starts a decision.
func (c *call) moment(tx ViewTx) moment {
	return moment{op: c.op, actor: c.actor, policy: c.policy, clock: c.clock, outside: &c.outside, tx: tx}
}

// load starts a decision on what need asks for, in the actor's eyes.
func (c *call) load(tx ViewTx, need Need) (*moment, error) {
	m := c.moment(tx)
	return &m, m.load(need)
}

// load reads what need asks for.
func (m *moment) load(need Need) (err error) {
	if need.PresentAt == countNow {
		need.PresentAt = m.now()
	}
	need.Account, need.Organizations = m.actor, m.outside.organizations
	m.need = need
	m.State, err = m.tx.Load(need)
	return err
}

// countNow stands in a Need for the instant of the decision.
var countNow = time.Unix(0, 0)

// view decides on one reading transaction.
func (c *call) view(decide func(tx ViewTx) error) error {
	return c.settle(func() error {
		var decided error
		err := c.store.View(c.ctx, func(tx ViewTx) error {
			decided = decide(tx)
			return decided
		})
		if decided != nil {
			return decided
		}
		return err
	})
}

// settle decides, and again after each answer from outside the store that the decision lacked.
func (c *call) settle(decide func() error) error {
	for {
		err := decide()
		var q *question
		if !errors.As(err, &q) {
			return c.named(err)
		}
		c.answer(c.ctx, c.actor, q, &c.outside)
	}
}

// maxDraws is how often a call asks the generator for an ID that was never used.
const maxDraws = 100

var errTaken = errors.New("the ID generator repeats itself: it gave no unused ID")

// draw returns need with an ID for each new image or instance that it asks for.
func (c *call) draw(need Need) (Need, error) {
	if need.NewImage != "" {
		need.NewImage = ImageID(c.ids())
		if err := need.NewImage.Validate(); err != nil {
			return need, fmt.Errorf("the ID generator gave an unusable ID: %v", err)
		}
	}
	if need.NewInstance != "" {
		need.NewInstance = InstanceID(c.ids())
		if err := need.NewInstance.Validate(); err != nil {
			return need, fmt.Errorf("the ID generator gave an unusable ID: %v", err)
		}
	}
	return need, nil
}

// drawn stands in a Need for an ID yet to be drawn.
const drawn = "?"

// change is a call that changes something. decide answers with the result, and with the events that bring it about:
// none if all is already so (R23). request is what was asked, as far as two requests under one token must not differ.
func change[T any](c *call, request any, need Need, decide func(*moment) (T, []Event, error)) (T, error) {
	var result T
	token, err := c.tokenFor(request)
	if err != nil {
		return result, c.named(err)
	}
	need.Operation = token.operation
	for draws := 1; ; draws++ {
		if need, err = c.draw(need); err != nil {
			return result, c.named(err)
		}
		err = c.settle(func() (err error) {
			result, err = attempt(c, token, need, decide)
			return err
		})
		if !errors.Is(err, errTaken) || draws == maxDraws {
			break
		}
	}
	if err != nil {
		var none T
		return none, err
	}
	return result, nil
}

// attempt is one transaction of a change: load, decide, store.
func attempt[T any](c *call, token token, need Need, decide func(*moment) (T, []Event, error)) (result T, err error) {
	operation := token.operation
	if operation == "" {
		operation = rand.Text()
	}
	var decided error   // of the last run of the transaction
	committing := false // whether the last run left something to commit
	run := func(tx ViewTx) ([]Event, error) {
		committing = false
		m, err := c.load(tx, need)
		if err != nil {
			return nil, err
		}
		if len(m.Operation) > 0 {
			result, err = repeated[T](token, m.Operation[0])
			return nil, err
		}
		if m.Taken {
			return nil, errTaken
		}
		var events []Event
		result, events, err = decide(m)
		if err != nil || len(events) == 0 {
			return nil, err
		}
		for i := range events {
			events[i].Operation, events[i].At, events[i].Actor = operation, m.now(), c.actor
		}
		return events, token.sign(&events[0], result)
	}
	if c.dryRun {
		err = c.store.View(c.ctx, func(tx ViewTx) error {
			_, decided = run(tx)
			return decided
		})
	} else {
		err = c.store.Update(c.ctx, func(tx UpdateTx) error {
			var events []Event
			if events, decided = run(tx); decided == nil && len(events) > 0 {
				decided = write(tx, events)
				committing = decided == nil
			}
			return decided
		})
	}
	if decided != nil {
		return result, decided
	}
	switch {
	case err == nil || errors.Is(err, ErrConflict):
		return result, err
	case !committing:
		return result, unchanged(err)
	}
	return outcome(c, token, operation, result, err)
}

// write makes the changes of the events, and appends them to the log.
func write(tx UpdateTx, events []Event) error {
	for i := range events {
		if err := events[i].apply(tx); err != nil {
			return err
		}
	}
	return tx.Append(events)
}
