package sharing

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The engine looks for a lost outcome for searchTime: at once, and then after waits that double from firstWait to lastWait.
const (
	searchTime = 5 * time.Second
	firstWait  = 10 * time.Millisecond
	lastWait   = time.Second
)

// outcome finds out from the event log whether a change was committed, when the store only says that it failed (R26).
func (ch *change[T]) outcome(cause error) error {
	ctx, cancel := context.WithTimeout(ch.ctx, searchTime)
	defer cancel()
	for wait := firstWait; ctx.Err() == nil; wait = min(2*wait, lastWait) {
		events, err := operationIn(ctx, ch.store, ch.operation)
		if err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
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
