package sharing

import (
	"errors"
	"fmt"
	"time"
)

// The engine looks for a lost outcome at once, and then again after waits that double from firstWait: lookups times in
// all, within about five seconds.
const (
	lookups   = 10
	firstWait = 10 * time.Millisecond
)

// outcome finds out from the event log whether a change was committed, when the store only says that it failed (R26).
func (ch *change[T]) outcome(cause error) error {
	wait := firstWait
	for i := range lookups {
		if i > 0 {
			select {
			case <-ch.ctx.Done():
			case <-time.After(wait):
			}
			wait *= 2
		}
		if ch.ctx.Err() != nil {
			break
		}
		events, err := operationIn(ch.ctx, ch.store, ch.operation)
		if err != nil {
			continue
		}
		ch.logger.WarnContext(ch.ctx, "sharing: the store lost the outcome of a change, the event log tells it",
			"op", ch.op, "operation", ch.operation, "committed", len(events) > 0, "error", cause)
		switch {
		case len(events) == 0:
			return unchanged{cause}
		case ch.once: // another call under the token may have been the one that committed
			ch.result, err = repeated[T](ch.token, events[0])
			return err
		}
		return nil
	}
	return fmt.Errorf("%w: operation %s may or may not have been made: %w", ErrOutcomeUnknown, ch.operation, cause)
}

// An unchanged error wraps an error of the store when it is certain that nothing was changed, even if
// the store itself could not tell.
type unchanged struct{ cause error }

func (e unchanged) Error() string {
	if errors.Is(e.cause, ErrOutcomeUnknown) {
		return "nothing was changed, though the store could not tell at first: " + e.cause.Error()
	}
	return "nothing was changed: " + e.cause.Error()
}

func (e unchanged) Is(target error) bool {
	return target != ErrOutcomeUnknown && errors.Is(e.cause, target)
}

func (e unchanged) As(target any) bool { return errors.As(e.cause, target) }
