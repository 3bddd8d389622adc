package sharing

import (
	"errors"
	"fmt"
	"time"
)

// The engine asks for a lost outcome at once and then after waits that double from firstWait, lookups times:
// about five seconds in all.
const (
	lookups   = 10
	firstWait = 10 * time.Millisecond
)

// outcome finds out from the event log whether a change was committed of which the store says only that it failed (R26).
func outcome[T any](c *call, token token, operation string, result T, cause error) (T, error) {
	wait := firstWait
	for i := range lookups {
		if i > 0 {
			select {
			case <-c.ctx.Done():
			case <-time.After(wait):
			}
			wait *= 2
		}
		if c.ctx.Err() != nil {
			break
		}
		var log []Event
		err := c.store.View(c.ctx, func(tx ViewTx) error {
			state, err := tx.Load(Need{Operation: operation})
			log = state.Operation
			return err
		})
		if err != nil {
			continue
		}
		c.log.WarnContext(c.ctx, "sharing: the store lost the outcome of a change, the event log tells it",
			"op", c.op, "operation", operation, "committed", len(log) > 0, "error", cause)
		if len(log) == 0 {
			return result, unchanged(cause)
		}
		if token.operation != "" {
			// Another call under the token may have been the one that committed.
			return repeated[T](token, log[0])
		}
		return result, nil
	}
	return result, fmt.Errorf("%w: operation %s may or may not have been made: %w", ErrOutcomeUnknown, operation, cause)
}

// unchanged returns the store's error where it is certain that nothing was changed, whatever the store says.
func unchanged(cause error) error {
	if errors.Is(cause, ErrOutcomeUnknown) {
		return fmt.Errorf("nothing was changed: %v", cause)
	}
	return fmt.Errorf("nothing was changed: %w", cause)
}
