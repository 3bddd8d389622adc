package etcdstore

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/imageshare/sharing"
)

// queues let the Updates of one process that would conflict wait for each other, in the order in which they came.
// They save work, and no more: what keeps transactions apart are the comparisons at the commit.
type queues struct {
	mu    sync.Mutex
	heads map[string]*head
}

// A head is what an Update holds while it is at the head of its queue.
type head struct {
	held  chan struct{} // full while an Update holds it
	users int           // those who hold it or wait for it; guarded by queues.mu
}

// A turn is an Update's place in a queue. It joins one queue at most.
type turn struct {
	*queues
	name string
	head *head
}

// queue waits for the turn of an Update that begins with a Load of need. Those that change the same image
// conflict, since each writes the number of the image's last event; of others, those that are judged by the same count.
func (t *turn) queue(ctx context.Context, name string) error {
	if t.head != nil || name == "" {
		return nil
	}
	t.mu.Lock()
	h := t.heads[name]
	if h == nil {
		if t.heads == nil {
			t.heads = make(map[string]*head)
		}
		h = &head{held: make(chan struct{}, 1)}
		t.heads[name] = h
	}
	h.users++
	t.mu.Unlock()
	t.name = name
	select {
	case h.held <- struct{}{}:
		t.head = h
		return nil
	case <-ctx.Done():
		t.leave(h)
		return ctx.Err()
	}
}

// end lets the next one go on.
func (t *turn) end() {
	if t.head != nil {
		<-t.head.held
		t.leave(t.head)
		t.head = nil
	}
}

func (t *turn) leave(h *head) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h.users--; h.users == 0 {
		delete(t.heads, t.name)
	}
}

// queue waits for the turn of the transaction, if it is an Update that begins by asking for need.
func (tx *view) queue(need sharing.Need) error {
	if tx.turn == nil {
		return nil
	}
	image := need.Image
	if image == "" && need.Instance != "" {
		image = tx.where.of(need.Instance).image
	}
	switch {
	case image != "":
		return tx.turn.queue(tx.ctx, tx.key(tableAbout, string(image)))
	case need.ImagesIn != "":
		return tx.turn.queue(tx.ctx, tx.key(tableRegions, string(need.Account), string(need.ImagesIn)))
	}
	return nil
}

// The waits between two runs of a transaction, or two requests, double from shortestPause to longestPause,
// and are drawn at random up to that.
const (
	shortestPause = time.Millisecond
	longestPause  = 200 * time.Millisecond
)

// pause waits before the next attempt, and reports whether ctx still lasts.
func pause(ctx context.Context, attempt int) bool {
	longest := min(shortestPause<<min(attempt, 16), longestPause)
	timer := time.NewTimer(rand.N(longest))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
