package sharing_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/imageshare/sharing"
)

// A cancelled context ends every call with its error, and changes nothing.
func TestContextCancelled(t *testing.T) {
	w := newWorld(t)
	img := w.image("owner")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.Share(ctx, "owner", img, "b")
	want(t, err, context.Canceled)
	want(t, w.CanUse(ctx, "owner", img, "r1"), context.Canceled)
	want(t, first(w.Images(ctx, "owner", sharing.ImageQuery{})), context.Canceled)
	want(t, first(w.Images(ctx, "owner", sharing.ImageQuery{Source: img, Owner: "b"})), context.Canceled) // which reads nothing
	if len(w.log()) != 1 {
		t.Error("a cancelled call left an event")
	}
}

// A loop over a listing or the log ends with its context's error at the first item after it ended, however much was read ahead.
func TestContextCancelled_InTheLoop(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		img := w.image("owner")
		w.share("owner", img, "a", "b", "c")
		w.launch("owner", img)
	}
	given := func(ctx context.Context) iter.Seq2[sharing.Share, error] {
		return w.SharesGiven(ctx, "owner", sharing.ShareQuery{})
	}
	events := func(ctx context.Context) iter.Seq2[sharing.Event, error] { return w.Events(ctx, sharing.EventQuery{}) }
	if n, err := cancelAfterOne(t, given); n != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("the listing gave %d items and ended with %v, want 1 and its context's error", n, err)
	}
	if n, err := cancelAfterOne(t, events); n != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("the log gave %d events and ended with %v, want 1 and its context's error", n, err)
	}
}

// cancelAfterOne ends a loop's context in its body, and returns how many items the loop gave and the error that it ended with.
func cancelAfterOne[T any](t *testing.T, loop func(context.Context) iter.Seq2[T, error]) (n int, last error) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, err := range loop(ctx) {
		if last = err; err == nil {
			n++
		}
		cancel()
	}
	return n, last
}
