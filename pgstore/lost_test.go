package pgstore_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/pgtest"
	"github.com/imageshare/sharing/pgstore"
)

var lostStride = flag.Int("lost.stride", 0, "cut the connection after every so many bytes of a call; 0: somewhat more than 500 cases in all")

// TestR26_LostCommit cuts the connection of a change at every position: of what the store sends, where the server gets
// the rest too late or never, and of what the server answers. Whatever the store then says is the truth, and repeating
// the call under its token changes nothing twice.
func TestR26_LostCommit(t *testing.T) {
	l := newLoss(t)
	up, down := l.measure()
	cases := 0
	each := func(name string, bytes, most int, cut pgtest.Cut) {
		t.Run(name, func(t *testing.T) {
			stride := *lostStride
			if stride == 0 {
				stride = max(1, bytes/most)
			}
			for after := 0; after < bytes; after += stride {
				cut.After = after
				l.check(t, cut)
				cases++
			}
		})
	}
	each("Up", up, 160, pgtest.Cut{Direction: pgtest.Up})
	each("UpLate", up, 100, pgtest.Cut{Direction: pgtest.Up, Late: true})
	each("Down", down, 180, pgtest.Cut{Direction: pgtest.Down})
	each("UpAway", up, 20, pgtest.Cut{Direction: pgtest.Up, Away: true})
	each("UpLateAway", up, 20, pgtest.Cut{Direction: pgtest.Up, Away: true, Late: true})
	each("DownAway", down, 20, pgtest.Cut{Direction: pgtest.Down, Away: true})
	t.Logf("%d cases, of calls of %d bytes up and %d down; %v", cases, up, down, l.answers)
	if cases < 500 {
		t.Errorf("%d cases are less than 500", cases)
	}
}

// A loss is a store behind a proxy, and the same store without.
type loss struct {
	proxy        *pgtest.Proxy
	engine, near *sharing.Engine
	image        sharing.ImageID
	calls        int
	before, last sharing.Cursor // the last event that was seen before the call, and by now
	answers      map[string]int
}

func newLoss(t *testing.T) *loss {
	b := sharedBed(t)
	l := &loss{proxy: pgtest.NewProxy(t, b.Server), answers: map[string]int{}}
	database := b.database(t)
	store, err := pgstore.Open(t.Context(), l.proxy.DSN(database)+" pool_max_conns=2 default_query_exec_mode=exec")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	l.engine, l.near = newEngine(t, store), newEngine(t, b.open(t, database))
	img, err := l.near.Register(t.Context(), "owner", sharing.ImageSpec{Region: "here"})
	if err != nil {
		t.Fatal(err)
	}
	l.image = img.ID
	return l
}

// share shares with a grantee whose name is as long as that of all others.
func (l *loss) share(ctx context.Context, e *sharing.Engine, call int) error {
	name := fmt.Sprintf("grantee-%06d", call)
	_, err := e.Once(name).Share(ctx, "owner", l.image, sharing.Grantee(name))
	return err
}

// measure returns how many bytes a call sends and gets. It is the same for each, since no statement is prepared.
func (l *loss) measure() (up, down int) {
	for range 2 { // the first connects
		l.calls++
		l.proxy.Cut(nil)
		if err := l.share(context.Background(), l.engine, l.calls); err != nil {
			return 0, 0
		}
	}
	return l.proxy.Bytes(pgtest.Up), l.proxy.Bytes(pgtest.Down)
}

func (l *loss) check(t *testing.T, cut pgtest.Cut) {
	ctx := t.Context()
	l.calls++
	call := l.calls
	l.before = l.last
	if err := l.near.CanUse(ctx, "owner", l.image, "here"); err != nil {
		t.Fatal(err)
	}
	if err := l.engine.CanUse(ctx, "owner", l.image, "here"); err != nil { // connects, if it must
		t.Fatal(err)
	}
	patience := ctx
	if cut.Away {
		var cancel context.CancelFunc
		patience, cancel = context.WithTimeout(ctx, 150*time.Millisecond)
		defer cancel()
	}
	l.proxy.Cut(&cut)
	err := l.share(patience, l.engine, call)
	l.proxy.Cut(nil)
	l.proxy.Back()

	events := l.events(t, call)
	switch {
	case err == nil:
		l.answers["made"]++
		if events != 1 {
			t.Errorf("%+v: the call succeeded, and made %d events", cut, events)
		}
	case errors.Is(err, sharing.ErrOutcomeUnknown):
		l.answers["unknown"]++
		if !cut.Away {
			t.Errorf("%+v: the outcome is unknown though the server is there: %v", cut, err)
		}
	default:
		l.answers["not made"]++
		if events != 0 {
			t.Errorf("%+v: the call failed, and made %d events: %v", cut, events, err)
		}
	}
	if err := l.share(ctx, l.engine, call); err != nil {
		t.Errorf("%+v: repeated under its token: %v", cut, err)
	}
	if events := l.events(t, call); events != 1 {
		t.Errorf("%+v: repeated under its token, the call made %d events", cut, events)
	}
}

// events counts the events that a call made.
func (l *loss) events(t *testing.T, call int) int {
	n := 0
	for ev, err := range l.near.Events(t.Context(), sharing.EventQuery{Image: l.image, After: l.before}) {
		if err != nil {
			t.Fatal(err)
		}
		l.last = ev.Cursor
		for _, share := range ev.Shares {
			if share.Grantee == sharing.Grantee(fmt.Sprintf("grantee-%06d", call)) {
				n++
			}
		}
	}
	return n
}
