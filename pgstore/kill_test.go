package pgstore_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
	"github.com/imageshare/sharing/pgstore"
)

var killRuns = flag.Int("kill.runs", 3, "how often TestR26_ServerKilled kills the server")

// TestR26_ServerKilled kills the server by kill -9 under load, again and again. After each time every acknowledged change is
// there, none that failed is, and the log, replayed, gives the state.
func TestR26_ServerKilled(t *testing.T) {
	b := newBed(t, "checkpoint_timeout=30s")
	store := b.open(t, b.database(t))
	w := newWork(t, newEngine(t, store))
	for run := range *killRuns {
		w.during(t, func() {
			time.Sleep(20*time.Millisecond + rand.N(300*time.Millisecond)) // a random moment
			b.Kill(t)
			b.Launch(t)
		})
		w.verify(t, store)
		t.Logf("run %d: %v", run, w.counts)
	}
}

// TestR26_StandbyPromoted kills a primary under load and promotes its synchronous standby. The store goes on by itself,
// and nothing acknowledged is lost.
func TestR26_StandbyPromoted(t *testing.T) {
	b := newBed(t, "wal_level=replica")
	database := b.database(t)
	standby := b.Standby(t, "copy")
	b.SQL(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = 'copy'")
	b.SQL(t, "postgres", "SELECT pg_reload_conf()")
	for b.SQL(t, "postgres", "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1" {
		time.Sleep(10 * time.Millisecond) // psql has nothing to wait by
	}
	if _, err := pgstore.Open(t.Context(), standby.DSN(database)); err == nil {
		t.Error("a standby was opened, which may only be read")
	} else {
		t.Log(err)
	}
	both := fmt.Sprintf("host=%s,%s port=5432,5432 user=sharing dbname=%s sslmode=disable", b.Host(), standby.Host(), database)
	store, err := pgstore.Open(t.Context(), both)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w := newWork(t, newEngine(t, store))
	w.during(t, func() {
		time.Sleep(300 * time.Millisecond) // of load
		b.Kill(t)
		standby.Promote(t)
		standby.SQL(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = ''")
		standby.SQL(t, "postgres", "SELECT pg_reload_conf()")
	})
	w.verify(t, store)
	t.Log(w.counts)
}

// TestR26_StandbyAway ends, at the server, a commit that waits for a synchronous standby. It is in the primary's log then, where
// everybody sees it, but it is not acknowledged before the standby, or the operator, lets it.
func TestR26_StandbyAway(t *testing.T) {
	b := newBed(t)
	database := b.database(t)
	img, err := newEngine(t, b.open(t, database)).Register(t.Context(), "owner", sharing.ImageSpec{Region: "here"})
	if err != nil {
		t.Fatal(err)
	}
	b.SQL(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = 'away'")
	b.Stop()
	b.Launch(t)
	engine := newEngine(t, b.open(t, database))
	answer := make(chan error, 1)
	go func() {
		_, err := engine.Share(t.Context(), "owner", img.ID, "grantee")
		answer <- err
	}()
	waiting := func(than string) (pid string) {
		for pid == "" || pid == than {
			select {
			case err := <-answer:
				t.Fatalf("no standby has it, and the answer was: %v", err)
			case <-time.After(10 * time.Millisecond): // psql has nothing to wait by
				pid = b.SQL(t, "postgres", "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
			}
		}
		return pid
	}
	pid := waiting("")
	b.SQL(t, "postgres", "SELECT pg_terminate_backend("+pid+")")
	waiting(pid)
	b.SQL(t, "postgres", "ALTER SYSTEM RESET synchronous_standby_names")
	b.SQL(t, "postgres", "SELECT pg_reload_conf()")
	if err := <-answer; err != nil {
		t.Error(err)
	}
	if err := engine.CanUse(t.Context(), "grantee", img.ID, "here"); err != nil {
		t.Error(err)
	}
}

// work is load on an engine, and what is known of what it did.
type work struct {
	engine *sharing.Engine
	images []sharing.ImageID

	mu       sync.Mutex
	calls    int
	expected map[sharing.Grantee]knowledge // of whether the image is shared with the grantee, and launched by it
	counts   map[string]int
}

type knowledge struct {
	image            sharing.ImageID
	shared, launched string // "yes", "no" or "unknown"
}

func newWork(t *testing.T, engine *sharing.Engine) *work {
	w := &work{engine: engine, expected: map[sharing.Grantee]knowledge{}, counts: map[string]int{}}
	for range 4 {
		img, err := engine.Register(t.Context(), "owner", sharing.ImageSpec{Region: "here"})
		if err != nil {
			t.Fatal(err)
		}
		w.images = append(w.images, img.ID)
	}
	return w
}

// during keeps up the load while something happens, and for a moment after.
func (w *work) during(t *testing.T, happen func()) {
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	for range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				w.story(t.Context())
			}
		})
	}
	happen()
	before := w.made()
	for w.made() < before+20 { // changes are made again
		time.Sleep(5 * time.Millisecond)
	}
}

func (w *work) made() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts["yes"]
}

// story shares an image with a new account, launches from it, and unshares again, mostly.
func (w *work) story(ctx context.Context) {
	w.mu.Lock()
	w.calls++
	n := w.calls
	w.mu.Unlock()
	account := sharing.AccountID(fmt.Sprintf("account-%06d", n))
	k := knowledge{image: w.images[n%len(w.images)], launched: "no"}
	_, err := w.engine.Share(ctx, "owner", k.image, sharing.Account(account))
	k.shared = w.count(err, "yes", "no")
	if k.shared == "yes" {
		_, err = w.engine.Launch(ctx, account, sharing.LaunchSpec{Image: k.image, Region: "here"})
		k.launched = w.count(err, "yes", "no")
		if n%3 > 0 {
			k.shared = w.count(w.engine.Unshare(ctx, "owner", k.image, sharing.Account(account)), "no", "yes")
		}
	} else {
		time.Sleep(10 * time.Millisecond) // callers in vain leave the machine to the server
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected[sharing.Account(account)] = k
}

// count counts the outcome of a call, and returns what follows from it.
func (w *work) count(err error, made, failed string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err == nil:
		w.counts["yes"]++
		return made
	case errors.Is(err, sharing.ErrOutcomeUnknown):
		w.counts["unknown"]++
		return "unknown"
	default:
		w.counts["failed"]++
		return failed
	}
}

func (w *work) verify(t *testing.T, store sharing.Store) {
	t.Helper()
	ctx := t.Context()
	replayed := memstore.New()
	if err := sharing.Replay(ctx, replayed, w.engine.Events(ctx, sharing.EventQuery{})); err != nil {
		t.Fatal(err)
	}
	state, again := w.state(t, store), w.state(t, replayed)
	if diff := cmp.Diff(state, again); diff != "" {
		t.Errorf("the log, replayed, gives another state (-store +replayed):\n%s", diff)
	}
	shared := map[sharing.Grantee]bool{}
	for _, s := range state.Shares {
		shared[s.Grantee] = true
	}
	launched := map[sharing.AccountID]bool{}
	for _, inst := range state.Instances {
		launched[inst.Owner] = true
	}
	is := map[bool]string{true: "yes", false: "no"}
	for g, k := range w.expected {
		if k.shared != "unknown" && k.shared != is[shared[g]] {
			t.Errorf("%s: shared: %s was acknowledged, and it is %s", g, k.shared, is[shared[g]])
		}
		if account, _ := g.Account(); k.launched != "unknown" && k.launched != is[launched[account]] {
			t.Errorf("%s: launched: %s was acknowledged, and it is %s", g, k.launched, is[launched[account]])
		}
	}
}

type content struct {
	Shares    []sharing.Share
	Instances []sharing.InstanceRecord
}

// state reads all shares and instances of the work's images.
func (w *work) state(t *testing.T, store sharing.Store) (c content) {
	t.Helper()
	err := store.View(t.Context(), func(tx sharing.ViewTx) error {
		c = content{}
		for _, img := range w.images {
			state, err := tx.Load(sharing.Need{Account: "owner", Image: img, AllShares: true})
			if err != nil {
				return err
			}
			c.Shares = append(c.Shares, state.Shares...)
			scan := sharing.InstanceScan{Query: sharing.InstanceQuery{Image: img}, Limit: 1 << 20}
			if err := tx.Instances(scan, func(inst *sharing.InstanceRecord) { c.Instances = append(c.Instances, *inst) }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
