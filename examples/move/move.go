package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/imageshare/sharing"
)

// move writes the log of the store from into the store to, continuing an earlier move that stopped, and compares both.
func move(ctx context.Context, out io.Writer, from, to sharing.Store) error {
	// One clock for both, that stands: a share that expires meanwhile makes no difference.
	now := time.Now()
	clock := sharing.WithClock(func() time.Time { return now })
	source, err := sharing.New(from, clock)
	if err != nil {
		return err
	}
	target, err := sharing.New(to, clock)
	if err != nil {
		return err
	}

	total, err := count(source.Events(ctx, sharing.EventQuery{})) // the log is read twice, so that the bar has an end
	if err != nil {
		return err
	}
	if total == 0 {
		return errors.New("there is nothing to move: the store to move from is empty")
	}
	there, err := count(target.Events(ctx, sharing.EventQuery{}))
	if err != nil {
		return err
	}
	if there > 0 {
		fmt.Fprintf(out, "%d of %d events are there already\n", there, total)
	}
	progress := progressOn(out, total)
	err = sharing.ResumeReplay(ctx, to, progress.follow(source.Events(ctx, sharing.EventQuery{})))
	progress.end()
	if err != nil {
		return err
	}

	accounts, err := compareLogs(ctx, source, target)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		if err := compareViews(ctx, source, target, account); err != nil {
			return fmt.Errorf("account %s: %w", account, err)
		}
	}
	fmt.Fprintf(out, "equal: %d events, and what %d accounts see\n", total, len(accounts))
	return nil
}

// count returns how many events there are.
func count(events iter.Seq2[sharing.Event, error]) (n int, err error) {
	for _, err := range events {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
