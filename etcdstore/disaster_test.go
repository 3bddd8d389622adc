package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// A disaster strikes a cluster that is under load. It returns when the cluster has gone on without the victim for a while,
// and the victim is back.
type disaster struct {
	name    string
	victim  func(c *cluster) int
	strikes func(c *cluster, victim int, l *load)
}

func anyMember(*cluster) int { return rand.IntN(3) }

var disasters = []disaster{
	{"a member killed", anyMember, killed},
	{"a member cut off", anyMember, cutOff},
	{"the leader killed", (*cluster).leader, killed},
	{"the leader cut off", (*cluster).leader, cutOff},
	{"a member stopped in its tracks", anyMember, stopped},
	{"the leader not heard by the others, whom it hears", (*cluster).leader, func(c *cluster, victim int, l *load) {
		parted(c, victim, l, c.from(victim), 20) // every third request is lost on it
	}},
	{"the leader heard by the others, whom it does not hear", (*cluster).leader, func(c *cluster, victim int, l *load) {
		parted(c, victim, l, c.to(victim), 20)
	}},
}

func killed(c *cluster, victim int, l *load) {
	c.kill(victim)
	l.await(200)
	c.restart(victim)
}

func stopped(c *cluster, victim int, l *load) {
	c.signal(victim, syscall.SIGSTOP)
	l.await(200)
	c.signal(victim, syscall.SIGCONT)
}

func cutOff(c *cluster, victim int, l *load) {
	parted(c, victim, l, append(c.from(victim), c.to(victim)...), 200)
}

// parted holds up wires of the victim during some changes, while clients reach it as before. What an unshare has ended meanwhile, with the others, the victim does
// not permit from what it knew (R21). Nor does it refuse it: it knows nothing.
func parted(c *cluster, victim int, l *load, wires []wire, changes int64) {
	ctx := l.Context()
	at := newEngine(l.T, openAt(l.T, l.prefix, c.tasks[victim].Client))
	var img sharing.Image
	l.insist(func() (err error) {
		img, err = l.engine.Register(ctx, "owner", sharing.ImageSpec{Name: "witness", Region: "r"})
		return err
	})
	l.insist(func() error {
		_, err := l.engine.Share(ctx, "owner", img.ID, "guest")
		return err
	})
	l.insist(func() error { return at.CanUse(ctx, "guest", img.ID, "r") })
	c.hold(true, wires...)
	defer c.hold(false, wires...)
	l.insist(func() error { return l.engine.Unshare(ctx, "owner", img.ID, "guest") })
	brief, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	var refusal *sharing.Refusal
	if err := at.CanUse(brief, "guest", img.ID, "r"); err == nil || errors.As(err, &refusal) {
		l.Errorf("a member that the others do without answers a check: %v", err)
	}
	l.await(changes)
	c.hold(false, wires...)
	for {
		err := at.CanUse(ctx, "guest", img.ID, "r")
		if errors.Is(err, sharing.ErrImageNotFound) {
			return
		}
		if err == nil || errors.As(err, &refusal) || ctx.Err() != nil {
			l.Fatalf("a member that is back answers a check with %v", err)
		}
	}
}

// TestDisasters puts a cluster of three under load, and lets each disaster strike: once, and with -long 30 of them. After each, every
// acknowledged change is there, none that was refused is, and replaying the log gives the state.
func TestDisasters(t *testing.T) {
	c := startCluster(t)
	client := newClient(t, c.endpoints()...)
	rounds := len(disasters)
	if *long {
		rounds = 30
	}
	for round := range rounds {
		d := disasters[round%len(disasters)]
		t.Run(d.name, func(t *testing.T) {
			prefix := newPrefix()
			s, err := open(t.Context(), client, prefix)
			if err != nil {
				t.Fatal(err)
			}
			l := startLoad(t, prefix, newEngine(t, s))
			l.await(200)
			d.strikes(c, d.victim(c), l)
			l.await(100)
			l.stop()
			l.judge()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A load is some callers that make changes at once, and remember what they were answered.
type load struct {
	*testing.T
	prefix string // of the store
	engine *sharing.Engine
	ended  atomic.Bool
	all    sync.WaitGroup
	acked  atomic.Int64
	tick   chan struct{}

	mu       sync.Mutex
	outcomes map[string]error // by the name of the image that the change was to make
}

const loadCallers = 8

func startLoad(t *testing.T, prefix string, e *sharing.Engine) *load {
	ctx := t.Context()
	l := &load{T: t, prefix: prefix, engine: e, tick: make(chan struct{}, 1), outcomes: make(map[string]error)}
	owner := sharing.AccountID("owner")
	var img sharing.Image
	l.insist(func() (err error) {
		img, err = e.Register(ctx, owner, sharing.ImageSpec{Name: "hot", Region: "r"})
		return err
	})
	for caller := range loadCallers {
		account := sharing.AccountID(fmt.Sprint("caller", caller))
		l.all.Go(func() {
			for n := 0; !l.ended.Load() && ctx.Err() == nil; n++ {
				name := fmt.Sprintf("%d-%d", caller, n)
				_, err := e.Register(ctx, account, sharing.ImageSpec{Name: name, Region: sharing.Region(fmt.Sprint("r", n/50))})
				l.note(name, err)
				if n%4 == 0 {
					_, err = e.Share(ctx, owner, img.ID, sharing.Account(account))
				} else if n%4 == 2 {
					err = e.Unshare(ctx, owner, img.ID, sharing.Account(account))
				}
				if err != nil && !errors.Is(err, sharing.ErrOutcomeUnknown) {
					t.Logf("a change failed: %v", err)
				}
			}
		})
	}
	return l
}

func (l *load) note(name string, err error) {
	l.mu.Lock()
	l.outcomes[name] = err
	l.mu.Unlock()
	if err == nil {
		l.acked.Add(1)
		select {
		case l.tick <- struct{}{}:
		default:
		}
	}
}

// insist makes a call again until it succeeds. While a cluster elects a leader, a call may end with an error and nothing changed, or with an
// unknown outcome, and making it again changes nothing twice (R23, R26); but no rule may refuse it.
func (l *load) insist(call func() error) {
	l.Helper()
	for {
		err := call()
		var refusal *sharing.Refusal
		switch {
		case err == nil:
			return
		case errors.As(err, &refusal), l.Context().Err() != nil:
			l.Fatal(err)
		}
		l.Log("again after:", err)
	}
}

// patience is how long nothing may be acknowledged before a store counts as dead: longer than the slowest machine needs for some elections.
const patience = 5 * time.Minute

// await waits until n more changes were acknowledged: the store lives.
func (l *load) await(n int64) {
	l.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for until := l.acked.Load() + n; l.acked.Load() < until; {
		select {
		case <-l.tick:
			deadline.Reset(patience)
		case <-deadline.C:
			l.Fatalf("no progress for %v", patience)
		}
	}
}

func (l *load) stop() {
	l.ended.Store(true)
	l.all.Wait()
}

// judge compares what was answered with the log, and the log with the state.
func (l *load) judge() {
	var log []sharing.Event
	l.insist(func() (err error) {
		log, err = collect(l.engine.Events(l.Context(), sharing.EventQuery{}))
		return err
	})
	replayed := memstore.New()
	if err := sharing.Replay(l.Context(), replayed, each(log)); err != nil {
		l.Fatal(err)
	}
	made := make(map[string]int)
	for _, ev := range log {
		if ev.Kind == sharing.EventRegistered && ev.Actor != "owner" {
			made[ev.ImageRecord.Name]++
		}
	}
	unknown := 0
	for name, err := range l.outcomes {
		switch got := made[name]; {
		case errors.Is(err, sharing.ErrOutcomeUnknown):
			unknown++
			if got > 1 {
				l.Errorf("%s was made %d times", name, got)
			}
		case err == nil && got != 1:
			l.Errorf("%s was acknowledged, and made %d times", name, got)
		case err != nil && got != 0:
			l.Errorf("%s was refused (%v), and made", name, err)
		}
		delete(made, name)
	}
	if len(made) > 0 {
		l.Errorf("made by nobody: %v", made)
	}
	l.Logf("%d acknowledged, %d unknown of %d", l.acked.Load(), unknown, len(l.outcomes))
	l.sameState(newEngine(l.T, replayed))
}

// sameState compares all that the accounts see with another engine's.
func (l *load) sameState(other *sharing.Engine) {
	accounts := []sharing.AccountID{"owner"}
	for caller := range loadCallers {
		accounts = append(accounts, sharing.AccountID(fmt.Sprint("caller", caller)))
	}
	for _, account := range accounts {
		for _, see := range []func(e *sharing.Engine) (any, error){
			func(e *sharing.Engine) (any, error) {
				return collect(e.Images(l.Context(), account, sharing.ImageQuery{}))
			},
			func(e *sharing.Engine) (any, error) {
				return collect(e.SharesReceived(l.Context(), account, sharing.ShareQuery{}))
			},
			func(e *sharing.Engine) (any, error) {
				return collect(e.SharesGiven(l.Context(), account, sharing.ShareQuery{}))
			},
		} {
			var got any
			l.insist(func() (err error) {
				got, err = see(l.engine)
				return err
			})
			want, err := see(other)
			if err != nil {
				l.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				l.Errorf("%s sees another state than the log tells (-log +state):\n%s", account, diff)
			}
		}
	}
}

func collect[T any](items func(func(T, error) bool)) (all []T, err error) {
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return slices.Clip(all), nil
}

func each[T any](items []T) func(func(T, error) bool) {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}
