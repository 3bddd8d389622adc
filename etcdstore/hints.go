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

// Hints remember where instances were seen, so that the first request of a transaction that is about an instance
// can ask for its image too. A hint is a guess of what to read, never an answer: the request reads the instance as well,
// and if it has another image by now, that one is read in another request, and what was read by the guess is not looked at.
type hints struct {
	mu   sync.Mutex
	seen map[sharing.InstanceID]whereabouts
}

func (h *hints) of(id sharing.InstanceID) whereabouts {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen[id]
}

func (h *hints) remember(id sharing.InstanceID, at whereabouts) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen == nil {
		h.seen = make(map[sharing.InstanceID]whereabouts)
	}
	if _, ok := h.seen[id]; !ok && len(h.seen) >= maxHints {
		for other := range h.seen { // any one
			delete(h.seen, other)
			break
		}
	}
	h.seen[id] = at
}
