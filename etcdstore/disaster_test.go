package etcdstore

import (
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

// TestDisasters puts a cluster of three under load, and kills a member, stops one in its tracks so that the others
// do without it, and kills the leader: 3 times, and 30 with -long. After each, every acknowledged change is there, none that was refused is,
// and replaying the log gives the state.
func TestDisasters(t *testing.T) {
	c := startCluster(t)
	client := newClient(t, c.endpoints()...)
	rounds := 3
	if *long {
		rounds = 30
	}
	for round := range rounds {
		s, err := open(t.Context(), client, newPrefix())
		if err != nil {
			t.Fatal(err)
		}
		l := startLoad(t, newEngine(t, s))
		l.await(200)
		switch victim := rand.IntN(3); round % 3 {
		case 0:
			c.kill(victim)
			l.await(200)
			c.restart(victim)
		case 1:
			c.signal(victim, syscall.SIGSTOP)
			l.await(200)
			c.signal(victim, syscall.SIGCONT)
		case 2:
			leader := c.leader()
			c.kill(leader)
			l.await(200)
			c.restart(leader)
		}
		l.await(100)
		l.stop()
		l.judge()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A load is some callers that make changes at once, and remember what they were answered.
type load struct {
	*testing.T
	engine *sharing.Engine
	ended  atomic.Bool
	all    sync.WaitGroup
	acked  atomic.Int64
	tick   chan struct{}

	mu       sync.Mutex
	outcomes map[string]error // by the name of the image that the change was to make
}

const loadCallers = 8

func startLoad(t *testing.T, e *sharing.Engine) *load {
	ctx := t.Context()
	l := &load{T: t, engine: e, tick: make(chan struct{}, 1), outcomes: make(map[string]error)}
	owner := sharing.AccountID("owner")
	img, err := e.Register(ctx, owner, sharing.ImageSpec{Name: "hot", Region: "r"})
	if err != nil {
		t.Fatal(err)
	}
	for caller := range loadCallers {
		account := sharing.AccountID(fmt.Sprint("caller", caller))
		l.all.Go(func() {
			for n := 0; !l.ended.Load(); n++ {
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

// await waits until n more changes were acknowledged: the store lives.
func (l *load) await(n int64) {
	l.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	for until := l.acked.Load() + n; l.acked.Load() < until; {
		select {
		case <-l.tick:
		case <-deadline.C:
			l.Fatal("no progress for a minute")
		}
	}
}

func (l *load) stop() {
	l.ended.Store(true)
	l.all.Wait()
}

// judge compares what was answered with the log, and the log with the state.
func (l *load) judge() {
	made := make(map[string]int)
	replayed := memstore.New()
	if err := sharing.Replay(l.Context(), replayed, l.engine.Events(l.Context(), sharing.EventQuery{})); err != nil {
		l.Fatal(err)
	}
	for ev, err := range l.engine.Events(l.Context(), sharing.EventQuery{}) {
		if err != nil {
			l.Fatal(err)
		}
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
			got, err := see(l.engine)
			if err != nil {
				l.Fatal(err)
			}
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
