package sharingtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/imageshare/sharing"
)

// A Search says how far [Explore] goes.
type Search struct {
	// Depth is the number of changes from empty after which the search stops; 0 means that
	// it does not stop at any depth.
	Depth int
	// Symmetric makes one state of all states that differ only in which account is which. This leaves up to six times
	// fewer states, each of which stands for the others.
	Symmetric bool
	// Progress, if not nil, is called with the counts now and then.
	Progress func(Explored)
}

// Explored counts what a search found.
type Explored struct {
	States      int
	Transitions int
	// Depth is the number of changes between empty and the state that is farthest from it.
	Depth int
	// Closed means that every call was tried in every state that can be reached.
	Closed bool
}

// String says in one line how far the search went.
func (e Explored) String() string {
	return fmt.Sprintf("%d states, %d transitions, depth %d, closed: %v", e.States, e.Transitions, e.Depth, e.Closed)
}

// A node is a state that was reached, with the shortest way to it.
type node struct {
	from  *node
	step  call
	depth int
}

// Explore searches, breadth first from empty, all states that the calls of an alphabet can reach. It
// tries every call in every state and compares the answer with the model's; in every state, it also
// compares all that every account can see.
//
// To try a call in a state, Explore leads a new system there from empty along the shortest way. It can therefore
// explore any system that is quick to open and that takes its IDs from [Setup].IDs.
func Explore(t TB, open Open, a Alphabet, s Search, lacks ...Feature) (found Explored) {
	a = a.without(lacks)
	x := explorer{open: open, alphabet: a, search: s, lacks: lacks, unavailable: map[string]string{}}
	queue := []*node{{}}
	known := map[string]bool{x.canonical(x.world(t, &node{})): true}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		found.Depth = at.depth
		if s.Depth > 0 && at.depth == s.Depth {
			found.States = len(known)
			return found
		}
		w := x.world(t, at)
		here := x.key(w, nil)
		for _, step := range a.steps(w.model) {
			x.step(t, w, step)
			found.Transitions++
			if x.key(w, nil) == here {
				continue
			}
			if key := x.canonical(w); !known[key] && !a.beyond(w.model) {
				known[key] = true
				w.visible(t, a.Accounts, a.Regions)
				queue = append(queue, &node{at, step, at.depth + 1})
			} else {
				w.glance(t, a.Accounts) // nobody looks from there, or somebody did who came by another way
			}
			w = x.world(t, at)
		}
		w.visible(t, a.Accounts, a.Regions) // the calls that were refused have changed nothing
		if found.States = len(known); s.Progress != nil {
			s.Progress(found)
		}
	}
	found.Closed = true
	return found
}

type explorer struct {
	open     Open
	alphabet Alphabet
	search   Search
	lacks    features
	// unavailable is that of every world: their IDs are the same.
	unavailable map[string]string
}

// world leads a new system to a state.
func (x explorer) world(t TB, to *node) *world {
	var m *members
	if len(x.alphabet.Organizations) > 0 {
		m = &members{of: map[sharing.AccountID][]sharing.OrganizationID{}}
	}
	w := newWorld(t, x.open, x.lacks, x.alphabet.Policy, false, m)
	w.unavailable = x.unavailable
	w.subject.Events = nil // an event log is followed from its start, or not at all
	var way []call
	for n := to; n.from != nil; n = n.from {
		way = append(way, n.step)
	}
	for i := len(way) - 1; i >= 0; i-- {
		if !w.outside(way[i]) {
			got, err := way[i].of(t.Context(), w.subject)
			w.answer = idOf(got)
			_, wantErr := way[i].of(t.Context(), w.model)
			if err != nil || wantErr != nil {
				t.Fatalf("%v: succeeded before, and fails now: %v, %v", way[i], err, wantErr)
			}
		}
	}
	return w
}

// step takes a step, and compares the answer.
func (x explorer) step(t TB, w *world, step call) {
	if !w.outside(step) {
		w.do(t, step)
	}
}

// outside takes a step that is no call.
func (w *world) outside(step call) bool {
	switch step.Op {
	case wait:
		w.clock.now = w.clock.now.Add(time.Hour)
	case move:
		w.members.move(step.Actor, "o")
	default:
		return false
	}
	return true
}

// canonical prints the state that a world is in. States that the search takes for the same print alike.
func (x explorer) canonical(w *world) string {
	if !x.search.Symmetric {
		return x.key(w, nil)
	}
	least := ""
	for _, names := range permutations(x.alphabet.Accounts) {
		if key := x.key(w, names); least == "" || key < least {
			least = key
		}
	}
	return least
}

// key prints what the rules can tell apart about a state, with other names for the accounts. Instead of IDs it prints
// which image and instance came first; instead of times, how long a share has to go, or that it had an expiry; and it
// leaves out how often a disk was made anew.
func (x explorer) key(w *world, names map[sharing.AccountID]sharing.AccountID) string {
	name := func(account sharing.AccountID) sharing.AccountID {
		if names == nil {
			return account
		}
		return names[account]
	}
	unname := map[sharing.AccountID]sharing.AccountID{}
	for _, account := range x.alphabet.Accounts {
		unname[name(account)] = account
	}
	images := sorted(w.model.images)
	number := map[sharing.ImageID]int{}
	for i, img := range images {
		number[img.ID] = i + 1
	}
	var b strings.Builder
	for _, img := range images {
		source := w.model.instances[img.Source.Instance]
		fmt.Fprint(&b, name(img.Owner), img.Region, img.State, img.Protected, img.Sealed, img.deleted, number[img.Source.Image], source != nil)
		if img.Deprecation != nil {
			fmt.Fprint(&b, " for ", number[img.Deprecation.Replacement])
		}
		share := func(g sharing.Grantee, as string) {
			if share, ok := img.shares[g]; ok && !img.deleted {
				fmt.Fprint(&b, as, share.Status)
				if !share.Expires.IsZero() {
					fmt.Fprint(&b, max(0, share.Expires.Sub(w.clock.now)))
				}
			}
		}
		for _, account := range x.alphabet.Accounts {
			share(sharing.Account(unname[account]), string(account))
		}
		share(sharing.Organization("o"), "o")
		share(sharing.Everyone, "*")
		fmt.Fprintln(&b)
	}
	for _, inst := range sorted(w.model.instances) {
		fmt.Fprintln(&b, name(inst.Owner), inst.Region, number[inst.Image], inst.terminated)
	}
	for _, account := range x.alphabet.Accounts {
		trust := w.model.trust[unname[account]]
		fmt.Fprint(&b, trust.Enforce)
		for _, owner := range trust.Owners {
			fmt.Fprint(&b, name(owner))
		}
		if w.members != nil {
			fmt.Fprint(&b, len(w.members.of[unname[account]]))
		}
	}
	return b.String()
}

// permutations are all ways to name the accounts by each other's names.
func permutations(accounts []sharing.AccountID) (all []map[sharing.AccountID]sharing.AccountID) {
	var extend func(to []sharing.AccountID)
	extend = func(to []sharing.AccountID) {
		if len(to) == len(accounts) {
			names := map[sharing.AccountID]sharing.AccountID{}
			for i, account := range accounts {
				names[account] = to[i]
			}
			all = append(all, names)
			return
		}
	next:
		for _, account := range accounts {
			for _, taken := range to {
				if taken == account {
					continue next
				}
			}
			extend(append(to[:len(to):len(to)], account))
		}
	}
	extend(nil)
	return all
}
