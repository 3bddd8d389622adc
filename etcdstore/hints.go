package etcdstore

import (
	"sync"

	"github.com/imageshare/sharing"
)

// Whereabouts are the image that an instance's system disk is made from, and the region of both.
type whereabouts struct {
	image  sharing.ImageID
	region sharing.Region
}

// maxHints bounds the memory that hints take: some 100 bytes each.
const maxHints = 100_000

// Hints remember what was seen of images and instances and seldom changes, so that the first
// request of a transaction can ask for what follows from it too: where an instance is, and so its
// image; who owns an image, and so what only its owner may ask for. A hint is a guess of what to
// read, never an answer: the request reads the record as well, and if that says otherwise, what
// follows from it is read in another request, and what was read by the guess is not looked at.
type hints[ID comparable, Hint any] struct {
	mu   sync.Mutex
	seen map[ID]Hint
}

func (h *hints[ID, Hint]) of(id ID) Hint {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen[id]
}

func (h *hints[ID, Hint]) remember(id ID, hint Hint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen == nil {
		h.seen = make(map[ID]Hint)
	}
	if _, ok := h.seen[id]; !ok && len(h.seen) >= maxHints {
		for other := range h.seen { // any one
			delete(h.seen, other)
			break
		}
	}
	h.seen[id] = hint
}
