package sqlitestore_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/sqlitestore"
)

// noon is when everything happens, so that the same calls leave the same bytes.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// engineOn returns an engine of which the calls, each under a token, leave the same bytes whenever they are made.
func engineOn(t testing.TB, store sharing.Store, prefix string) *sharing.Engine {
	t.Helper()
	n := 0
	engine, err := sharing.New(store, sharing.WithClock(func() time.Time { return noon }),
		sharing.WithIDs(func() string { n++; return fmt.Sprint(prefix, n) }))
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// A changeCall is a call that changes something in the scene that newScene makes.
type changeCall struct {
	name string
	make func(ctx context.Context, e *sharing.Engine) error
}

var changeCalls = []changeCall{
	{"Register", func(ctx context.Context, e *sharing.Engine) error {
		_, err := e.Register(ctx, "alice", sharing.ImageSpec{Region: "eu", Description: strings.Repeat("long ", 400)})
		return err
	}},
	{"Share", func(ctx context.Context, e *sharing.Engine) error {
		_, err := e.Share(ctx, "alice", "old1", "dora", "eve")
		return err
	}},
	{"Unshare", func(ctx context.Context, e *sharing.Engine) error { return e.Unshare(ctx, "alice", "old1", "bob") }},
	{"Launch", func(ctx context.Context, e *sharing.Engine) error {
		_, err := e.Launch(ctx, "bob", sharing.LaunchSpec{Image: "old1", Region: "eu"})
		return err
	}},
	{"Terminate", func(ctx context.Context, e *sharing.Engine) error { return e.Terminate(ctx, "bob", "old3") }},
	{"ForceDelete", func(ctx context.Context, e *sharing.Engine) error { return e.ForceDelete(ctx, "alice", "old1") }},
	{"SetTrust", func(ctx context.Context, e *sharing.Engine) error {
		return e.SetTrust(ctx, "bob", sharing.Trust{Owners: []sharing.AccountID{"alice"}, Enforce: true})
	}},
}

// newScene makes a closed database file: two images of alice's, the first shared with bob and cid, the second deleted with
// its shares still to be swept; an instance of bob's; and a trust policy.
func newScene(t testing.TB) (path string) {
	t.Helper()
	path = filepath.Join(memoryFolder(t), "scene.db")
	store, err := sqlitestore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	e := engineOn(t, store, "old")
	ctx, n := t.Context(), 0
	once := func() *sharing.Engine { n++; return e.Once(fmt.Sprint("scene", n)) }
	var errs [8]error
	_, errs[0] = once().Register(ctx, "alice", sharing.ImageSpec{Region: "eu"})
	_, errs[1] = once().Register(ctx, "alice", sharing.ImageSpec{Region: "eu"})
	_, errs[2] = once().Share(ctx, "alice", "old1", "bob", "cid")
	var many []sharing.Grantee
	for i := range 40 {
		many = append(many, sharing.Grantee(fmt.Sprint("grantee", i)))
	}
	_, errs[3] = once().Share(ctx, "alice", "old2", many...)
	_, errs[4] = once().Launch(ctx, "bob", sharing.LaunchSpec{Image: "old1", Region: "eu"})
	errs[5] = once().ForceDelete(ctx, "alice", "old2")
	errs[6] = once().SetTrust(ctx, "cid", sharing.Trust{Enforce: true})
	errs[7] = store.Close()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return path
}

// A faultCase is one call during which I/O operations fail.
type faultCase struct {
	call  changeCall
	scene string
	at    int  // the number of the first operation that fails
	some  int  // how many fail
	full  bool // only what needs space fails
	kind  faultKind
	err   error

	before, after string // dumps of the state without a fault
}

func (c faultCase) String() string {
	return fmt.Sprintf("%s, I/O operation %d and %d more fail %s with %v", c.call.name, c.at, c.some-1, c.kind, c.err)
}

const forever = 1 << 30

var allFaults = flag.Bool("faults.all", false, "let several I/O operations in a row fail from each one on, not only from some")

// run makes the call with the fault, checks what it did and answered, and reports whether the fault happened at all
// and whether the outcome was unknown.
func (c faultCase) run(t *testing.T, faults *faultVFS, folder string) (happened, unknown bool) {
	path := filepath.Join(folder, "store.db")
	copyFile(t, c.scene, path)
	defer func() {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			os.Remove(path + suffix)
		}
	}()
	store, err := sqlitestore.OpenVFS(t.Context(), path, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	faults.failing = nil
	if c.some == forever && !c.full { // the call may look for its outcome, but not long, since nobody will ever answer
		faults.failing = func() { time.AfterFunc(30*time.Millisecond, cancel) }
	}
	faults.arm(c.at, c.some, c.kind, c.err)
	err = c.call.make(ctx, engineOn(t, store, "new").Once("token"))
	happened = faults.heal()
	unknown = errors.Is(err, sharing.ErrOutcomeUnknown)

	now := dump(t, path)
	switch crashed := dumpAfterCrash(t, path); {
	case err == nil && now != c.after:
		t.Errorf("R26: %v: it was answered with success, and the state is not as after the call:\n%s", c, cmp.Diff(c.after, now))
	case err == nil && crashed != c.after:
		t.Errorf("R26: %v: it was answered with success, and a crash undoes it:\n%s", c, cmp.Diff(c.after, crashed))
	case err != nil && !unknown && now != c.before:
		t.Errorf("R26: %v: it was answered with %v, and the state is not as before the call:\n%s", c, err, cmp.Diff(c.before, now))
	case err != nil && !unknown && crashed != c.before:
		t.Errorf("R26: %v: it was answered with %v, and after a crash it comes back:\n%s", c, err, cmp.Diff(c.before, crashed))
	case now != c.before && now != c.after:
		t.Errorf("R22: %v: the state is neither as before nor as after the call:\n%s", c, cmp.Diff(c.after, now))
	case crashed != c.before && crashed != c.after:
		t.Errorf("R22: %v: after a crash the state is neither as before nor as after the call:\n%s", c, cmp.Diff(c.after, crashed))
	}
	if err := c.call.make(t.Context(), engineOn(t, store, "new").Once("token")); err != nil {
		t.Errorf("R23: %v: repeated under its token the call failed: %v", c, err)
	}
	if again := dump(t, path); again != c.after {
		t.Errorf("R23: %v: repeated under its token the call has not been made exactly once:\n%s", c, cmp.Diff(c.after, again))
	}
	return happened, unknown
}

// TestR26_EveryIOFails makes each kind of change, and lets each I/O operation of it fail in each way: with nothing, half or
// all of it done, once, three times in a row, and for good. Each call ends in the truth, or in ErrOutcomeUnknown
// where nobody answers; nothing is changed twice or by half; and what was answered is true after a crash as well.
func TestR26_EveryIOFails(t *testing.T) {
	faults := newFaultVFS()
	vfs.Register(t.Name(), faults)
	t.Cleanup(func() { vfs.Unregister(t.Name()) })
	scene, folder := newScene(t), memoryFolder(t)
	before := dump(t, scene)
	cases, lost := 0, 0
	for _, call := range changeCalls {
		after := golden(t, call, scene)
		for _, some := range []int{1, 3, forever} {
			stride := 1
			if some > 1 && !*allFaults {
				stride = 7
			}
			for _, fault := range []struct {
				kind faultKind
				err  error
				full bool
			}{{failBefore, sqlite3.IOERR, false}, {failTorn, sqlite3.IOERR, false}, {failAfter, sqlite3.IOERR, false},
				{failAfter, sqlite3.FULL, false}, {failTorn, sqlite3.FULL, true}} {
				for at := 1; ; at += stride {
					faults.full = fault.full
					c := faultCase{call: call, scene: scene, at: at, some: some, full: fault.full, kind: fault.kind, err: fault.err, before: before, after: after}
					happened, unknown := c.run(t, faults, folder)
					if !happened {
						break
					}
					cases++
					if unknown {
						lost++
						if some != forever || fault.full {
							t.Errorf("R26: %v: the outcome can be found out, and it was answered that nobody knows", c)
						}
					}
				}
			}
		}
	}
	t.Logf("%d cases, of which %d ended in ErrOutcomeUnknown", cases, lost)
	if cases < 500 {
		t.Errorf("%d cases are too few", cases)
	}
}

// golden returns the dump of the scene after the call, made without a fault.
func golden(t *testing.T, call changeCall, scene string) string {
	t.Helper()
	path := filepath.Join(memoryFolder(t), "golden.db")
	copyFile(t, scene, path)
	if err := call.make(t.Context(), engineOn(t, openStore(t, path), "new").Once("token")); err != nil {
		t.Fatal(err)
	}
	after := dump(t, path)
	if replayed := dumpReplayed(t, path); replayed != after {
		t.Fatalf("R24: replaying the log of %s does not give the state:\n%s", call.name, cmp.Diff(after, replayed))
	}
	return after
}

// A signallingContext calls waits whenever somebody waits for its end.
type signallingContext struct {
	context.Context
	waits func()
}

func (c signallingContext) Done() <-chan struct{} {
	c.waits()
	return c.Context.Done()
}

// TestR26_CommitFailsWhileAnotherWaits loses the outcome of a commit while another change waits for its turn. The other
// one looks for its operation, and is made.
func TestR26_CommitFailsWhileAnotherWaits(t *testing.T) {
	faults := newFaultVFS()
	vfs.Register(t.Name(), faults)
	t.Cleanup(func() { vfs.Unregister(t.Name()) })
	store, err := sqlitestore.OpenVFS(t.Context(), filepath.Join(memoryFolder(t), "store.db"), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	waiting, other := make(chan struct{}), make(chan error)
	err = store.Update(t.Context(), func(tx sharing.UpdateTx) error {
		go func() {
			ctx := signallingContext{t.Context(), sync.OnceFunc(func() { close(waiting) })}
			other <- store.Update(ctx, func(tx sharing.UpdateTx) error {
				if _, err := tx.Load(sharing.Need{Operation: "other"}); err != nil {
					return err
				}
				return tx.PutTrust("other", sharing.Trust{Enforce: true})
			})
		}()
		<-waiting
		faults.arm(1, 2, failAfter, sqlite3.IOERR)
		return tx.PutTrust("first", sharing.Trust{Enforce: true})
	})
	if faults.heal(); !errors.Is(err, sharing.ErrOutcomeUnknown) {
		t.Fatalf("the commit that fails should leave its outcome unknown: %v", err)
	}
	if err := <-other; err != nil {
		t.Errorf("R26: a change failed that only waited for one whose commit failed: %v", err)
	}
}
