package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/imageshare/sharing"
)

// A scene is a small world made through the engine, in which calls are made: an owner, with the image img
// that it shares with me (accepted) and with guest (pending), and the image other; and me, with the instance
// vm made from img. All its names begin with a prefix of its own, so that scenes on one store do not meet.
type scene struct {
	*check
	prefix             string
	owner, me, guest   sharing.AccountID
	img, other         sharing.ImageID
	vm                 sharing.InstanceID
	faulty             *FaultyStore
	healthy, throughIt *sharing.Engine // on the store itself, and through faulty
	nextID             string          // the one that the engines draw
	start              sharing.Cursor
}

var scenes atomic.Int64

// newScene makes a scene on the store under test.
func (c *check) newScene() *scene {
	c.Helper()
	p := fmt.Sprintf("scene%d.", scenes.Add(1))
	s := &scene{
		check: c, prefix: p, owner: sharing.AccountID(p + "owner"), me: sharing.AccountID(p + "me"), guest: sharing.AccountID(p + "guest"),
		img: sharing.ImageID(p + "img"), other: sharing.ImageID(p + "other"), vm: sharing.InstanceID(p + "vm"), faulty: Faulty(c.store),
	}
	s.healthy, s.throughIt = s.engine(c.store), s.engine(s.faulty)
	s.start = c.endOfLog()
	spec := sharing.ImageSpec{Name: "name", Region: here, Digest: fullImage("", "").Digest, Labels: map[string]string{"k": "v"}}
	s.made("img", func() error { return second(s.healthy.Register(c.ctx, s.owner, spec)) })
	s.made("other", func() error { return second(s.healthy.Register(c.ctx, s.owner, spec)) })
	s.made("", func() error {
		return second(s.healthy.Share(c.ctx, s.owner, s.img, sharing.Account(s.me), sharing.Account(s.guest)))
	})
	s.made("", func() error { return s.healthy.Accept(c.ctx, s.me, s.img) })
	s.made("vm", func() error {
		return second(s.healthy.Launch(c.ctx, s.me, sharing.LaunchSpec{Image: s.img, Region: here}))
	})
	s.nextID = p + "new"
	return s
}

// endOfLog returns the cursor of the last event.
func (c *check) endOfLog() sharing.Cursor {
	c.Helper()
	for _, ev := range read(c, c.store, func(tx sharing.ViewTx) ([]sharing.Event, error) {
		return tx.Events(sharing.EventQuery{After: c.end, Limit: many})
	}) {
		c.end = ev.Cursor
	}
	return c.end
}

func second[T any](_ T, err error) error { return err }

func (s *scene) engine(store sharing.Store) *sharing.Engine {
	s.Helper()
	e, err := sharing.New(store,
		sharing.WithPolicy(sharing.Policy{RequireAcceptance: true}),
		sharing.WithClock(func() time.Time { return noon }),
		sharing.WithIDs(func() string { return s.nextID }))
	if err != nil {
		s.Fatal(err)
	}
	return e
}

// made makes a call that must succeed, and gives what it makes the name.
func (s *scene) made(name string, call func() error) {
	s.Helper()
	s.nextID = s.prefix + name
	if err := call(); err != nil {
		s.Fatalf("on a store without faults the engine failed: %v", err)
	}
}

// evidence tells all of the scene that is in the store, its records and events. That of
// two scenes is alike if the same happened in them.
func (s *scene) evidence() string {
	s.Helper()
	var found struct {
		State     sharing.State
		Owners    sharing.State
		Images    []sharing.Access
		Shares    []sharing.SharedImage
		Instances []*sharing.InstanceRecord
		Events    []sharing.Event
	}
	s.view(s.store, func(tx sharing.ViewTx) (err error) {
		if found.State, err = tx.Load(sharing.Need{
			Account: s.me, Trust: true, Images: []sharing.ImageID{s.img, s.other, sharing.ImageID(s.prefix + "new")},
			Instances: []sharing.InstanceID{s.vm, sharing.InstanceID(s.prefix + "new")}, ImagesIn: here, OwnInstances: true, Image: s.img,
		}); err != nil {
			return err
		}
		if found.Owners, err = tx.Load(sharing.Need{Account: s.owner, Image: s.img, AllShares: true, PresentAt: noon}); err != nil {
			return err
		}
		if found.Images, err = listImages(tx, sharing.ImageScan{Query: sharing.ImageQuery{Owner: s.owner}, Limit: many}); err != nil {
			return err
		}
		if found.Shares, err = listShares(tx, sharing.ShareScan{Owner: s.owner, Limit: many}); err != nil {
			return err
		}
		if found.Instances, err = listInstances(tx, sharing.InstanceScan{Owner: s.me, Limit: many}); err != nil {
			return err
		}
		found.Events, err = tx.Events(sharing.EventQuery{After: s.start, Limit: many})
		return err
	})
	operations := map[string]string{}
	events := make([]sharing.Event, len(found.Events))
	for i, ev := range found.Events {
		if operations[ev.Operation] == "" {
			operations[ev.Operation] = fmt.Sprint("operation ", len(operations)+1)
		}
		ev.Operation, ev.Cursor, ev.Request, ev.Result = operations[ev.Operation], "", "", nil
		events[i] = ev
	}
	found.Events = events
	return s.plain(found)
}

// plain returns v as text, without the scene's prefix. What is empty looks like what is nil, and instants are in UTC.
func (s *scene) plain(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	d := json.NewDecoder(strings.NewReader(strings.ReplaceAll(string(text), s.prefix, "")))
	d.UseNumber()
	var decoded any
	if err := d.Decode(&decoded); err != nil {
		return err.Error()
	}
	text, err = json.MarshalIndent(tidy(decoded), "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// tidy leaves what is empty out of decoded JSON, and moves instants to UTC.
func tidy(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			if v[key] = tidy(item); v[key] == nil {
				delete(v, key)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i, item := range v {
			v[i] = tidy(item)
		}
		if len(v) == 0 {
			return nil
		}
	case string:
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return at.UTC().Format(time.RFC3339Nano)
		}
	}
	return v
}

// An engineCall is a call of the engine in a scene, a change or a refusal.
type engineCall struct {
	name string
	make func(ctx context.Context, e *sharing.Engine, s *scene) (any, error)
}

func just(err error) (any, error) { return nil, err }

// engineCalls are calls of each kind, of which some are refused and some change nothing.
var engineCalls = []engineCall{
	{"Register", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return e.Register(ctx, s.owner, sharing.ImageSpec{Region: here, Name: "new"})
	}},
	{"Capture", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return e.Capture(ctx, s.me, s.vm, sharing.ImageSpec{})
	}},
	{"Copy", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return e.Copy(ctx, s.owner, s.img, there, sharing.ImageSpec{})
	}},
	{"Share", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return e.Share(ctx, s.owner, s.other, sharing.Account(s.me), sharing.Account(s.guest), sharing.Everyone)
	}},
	{"ShareUntil", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return e.ShareUntil(ctx, s.owner, s.img, noon.Add(time.Hour), sharing.Account(s.me), sharing.Everyone)
	}},
	{"SetShares", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return e.SetShares(ctx, s.owner, s.img, sharing.Account(s.guest), sharing.Everyone)
	}},
	{"Unshare", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return just(e.Unshare(ctx, s.owner, s.img, sharing.Account(s.me), sharing.Account(s.guest)))
	}},
	{"Accept", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return just(e.Accept(ctx, s.guest, s.img))
	}},
	{"Reject", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return just(e.Reject(ctx, s.me, s.img))
	}},
	{"Leave", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return just(e.Leave(ctx, s.me, s.img))
	}},
	{"Delete", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return just(e.Delete(ctx, s.owner, s.other))
	}},
	{"ForceDelete", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return just(e.ForceDelete(ctx, s.owner, s.img))
	}},
	{"Deprecate", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return just(e.Deprecate(ctx, s.owner, s.img, sharing.Deprecation{Notice: "old", Replacement: s.other}))
	}},
	{"Disable", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return just(e.Disable(ctx, s.owner, s.img))
	}},
	{"Protect", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return just(e.Protect(ctx, s.owner, s.img))
	}},
	{"Update", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		name := "renamed"
		return e.Update(ctx, s.owner, s.img, sharing.ImageUpdate{Name: &name})
	}},
	{"SetTrust", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return just(e.SetTrust(ctx, s.me, sharing.Trust{Owners: []sharing.AccountID{s.owner}, Enforce: true}))
	}},
	{"Launch", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return e.Launch(ctx, s.me, sharing.LaunchSpec{Image: s.img, Region: here})
	}},
	{"ReplaceDisk", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return e.ReplaceDisk(ctx, s.me, s.vm, sharing.DiskSpec{Image: s.img})
	}},
	{"Reinit", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return e.Reinit(ctx, s.me, s.vm)
	}},
	{"Terminate", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return just(e.Terminate(ctx, s.me, s.vm))
	}},
	{"LaunchNotAccepted", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return e.Launch(ctx, s.guest, sharing.LaunchSpec{Image: s.img, Region: here})
	}},
	{"LaunchNotShared", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return e.Launch(ctx, s.me, sharing.LaunchSpec{Image: s.other, Region: here})
	}},
	{"ShareNotOwner", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return e.Share(ctx, s.me, s.img, sharing.Everyone)
	}},
	{"DeleteShared", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return just(e.Delete(ctx, s.owner, s.img))
	}},
	{"ShareAgain", func(ctx context.Context, e *sharing.Engine, s *scene) (any, error) {
		return e.Share(ctx, s.owner, s.img, sharing.Account(s.me))
	}},
}
