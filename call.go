package sharing

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
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
func (e *Engine) begin(ctx context.Context, op string, actor AccountID, input ...error) (call, error) {
	c := call{Engine: e, ctx: ctx, op: op, actor: actor, outside: e.nothingKnown()}
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
	m.newImage, m.newInstance = need.NewImage, need.NewInstance
	m.State, err = m.tx.Load(need)
	return err
}

// countNow stands in a Need for the instant of the decision.
var countNow = time.Unix(0, 0)

// view decides on one reading transaction.
func (c *call) view(decide func(tx ViewTx) error) error {
	for {
		if err := view(c.ctx, c.store, decide); !c.answered(err) {
			return c.named(err)
		}
	}
}

// answerOf returns what decide answers on one reading transaction, and nothing beside an error.
func answerOf[T any](c *call, decide func(tx ViewTx) (T, error)) (T, error) {
	var answer, none T
	err := c.view(func(tx ViewTx) (err error) {
		answer, err = decide(tx)
		return err
	})
	if err != nil {
		return none, err
	}
	return answer, nil
}

// view runs fn in a reading transaction. The error is fn's, or else the store's.
func view(ctx context.Context, store Store, fn func(tx ViewTx) error) error {
	var err error
	ran := false
	stored := store.View(ctx, func(tx ViewTx) error {
		ran, err = true, fn(tx)
		return err
	})
	if err != nil {
		return err
	}
	return decided(ran, stored)
}

// decided returns err, that a transaction or its closure ended with. If that is nil, the closure has to have run: a
// store that claims success without it would otherwise permit everything (R27).
func decided(ran bool, err error) error {
	if err == nil && !ran {
		return errors.New("the store did not run the transaction")
	}
	return err
}

// answered reports whether a decision ended because it lacked an answer from outside the store. If so, answered has
// obtained the answer, and the decision is to be made again.
func (c *call) answered(err error) bool {
	q, ok := err.(*question)
	if !ok {
		return false
	}
	c.answer(c.ctx, c.actor, q, &c.outside)
	return true
}

// A change is a call that changes something.
type change[T any] struct {
	call
	need Need
	// decide answers with the result, and with the events that bring it about: none if all is already so (R23).
	decide    func(*moment) (T, []Event, error)
	token     token
	operation string
	unusable  error // why the ID that was drawn can't be used, or nil

	// Of the transaction, as its closure was run last:
	result     T
	ran        bool
	err        error // that the closure ended with
	committing bool  // whether the closure left something to commit
}

// makeChange makes a change. request holds the arguments in which two calls under one token must agree; its type is a
// parameter so that only a token makes an interface value of it.
func makeChange[T, R any](c call, request R, need Need, decide func(*moment) (T, []Event, error)) (result T, err error) {
	ch := &change[T]{call: c, need: need, decide: decide}
	if ch.once {
		if ch.token, err = ch.tokenFor(request); err != nil {
			return result, ch.named(err)
		}
		ch.need.Operation, ch.operation = ch.token.operation, ch.token.operation
	} else {
		ch.operation = rand.Text()
	}
	for draws := 1; ; draws++ {
		ch.draw()
		err = ch.transact()
		for ch.answered(err) {
			err = ch.transact()
		}
		if !errors.Is(err, errTaken) || draws == maxDraws {
			break
		}
	}
	if err != nil {
		return result, ch.named(err)
	}
	return ch.result, nil
}

// maxDraws is how often a call asks the generator for an ID that was never used.
const maxDraws = 100

var errTaken = errors.New("the ID generator repeats itself: it gave no unused ID")

// drawn stands in a Need for an ID yet to be drawn.
const drawn = "?"

// draw draws an ID for the new image or instance that the change makes, if it makes one.
func (ch *change[T]) draw() {
	ch.unusable = firstError(drawID(ch.ids, &ch.need.NewImage), drawID(ch.ids, &ch.need.NewInstance))
}

// drawID puts a new ID in the place of one that is asked for. An error says why the new one can't be used.
func drawID[T interface {
	~string
	Validate() error
}](ids func() string, id *T) error {
	if *id == "" {
		return nil
	}
	*id = T(ids())
	err := (*id).Validate()
	if err != nil {
		*id = drawn
	}
	return err
}

// transact is one transaction of a change: load, decide, store.
func (ch *change[T]) transact() error {
	ch.ran, ch.err, ch.committing = false, nil, false
	var err error
	if ch.dryRun {
		err = ch.store.View(ch.ctx, ch.dryRunIn)
	} else {
		err = ch.store.Update(ch.ctx, ch.changeIn)
	}
	err = decided(ch.ran, err)
	switch {
	case ch.err != nil:
		return ch.err
	case err == nil || errors.Is(err, ErrConflict):
		return err
	case !ch.committing:
		return unchanged{err}
	}
	return ch.outcome(err)
}

// dryRunIn is the closure of a dry run.
func (ch *change[T]) dryRunIn(tx ViewTx) error {
	_, ch.err = ch.decideOn(tx)
	return ch.err
}

// changeIn is the closure of a change.
func (ch *change[T]) changeIn(tx UpdateTx) error {
	var events []Event
	events, ch.err = ch.decideOn(tx)
	if ch.err == nil && len(events) > 0 {
		ch.err = write(tx, events)
	}
	ch.committing = ch.err == nil && len(events) > 0
	return ch.err
}

// decideOn loads and decides, and returns the events that are to be stored.
func (ch *change[T]) decideOn(tx ViewTx) (events []Event, err error) {
	ch.ran = true
	m := moments.Get().(*moment)
	defer func() {
		*m = moment{}
		moments.Put(m)
	}()
	*m = ch.moment(tx)
	if err := m.load(ch.need); err != nil {
		return nil, err
	}
	if len(m.Operation) > 0 {
		ch.result, err = repeated[T](ch.token, m.Operation[0])
		return nil, err
	}
	ch.result, events, err = ch.decide(m)
	if err != nil || len(events) == 0 {
		return nil, err
	}
	switch { // refusals come first, since another ID would not help
	case ch.unusable != nil: // not the caller's fault, so not ErrInvalid
		return nil, fmt.Errorf("the ID generator gave an unusable ID: %v", ch.unusable)
	case m.Taken:
		return nil, errTaken
	}
	if year := m.now().Year(); year < 0 || year > latestYear {
		return nil, fmt.Errorf("the clock gives the year %d, which no record can hold: set it right", year)
	}
	for i := range events {
		events[i].Operation, events[i].At, events[i].Actor = ch.operation, m.now(), ch.actor
	}
	if ch.once {
		err = ch.token.sign(&events[0], ch.result)
	}
	return events, err
}

// moments are those of changes: a moment is large, and ends with its decision.
var moments = sync.Pool{New: func() any { return new(moment) }}

// write makes the changes of the events, and appends them to the log.
func write(tx UpdateTx, events []Event) error {
	for i := range events {
		if err := events[i].apply(tx); err != nil {
			return err
		}
	}
	return tx.Append(events)
}
