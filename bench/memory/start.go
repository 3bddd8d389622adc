package memory

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/memstore"
)

// runStart is W6: what a program does that starts with an event log. The floor makes two maps and a slice of events
// from the same events; decoding them, as lines of JSON, is measured beside, since a log has to come from somewhere.
func runStart(ctx context.Context, scale contest.Scale) (rows []contest.Row, err error) {
	for _, n := range contest.Pick(scale, []int{500}, []int{10_000, 100_000, 300_000}, []int{10_000, 100_000, 1_000_000}) {
		log, err := history(ctx, n)
		if err != nil {
			return nil, err
		}
		lines, err := encode(log)
		if err != nil {
			return nil, err
		}
		decoded := make([]sharing.Event, len(log))
		results, err := contest.Run(ctx, contest.Options{Rounds: contest.Pick(scale, 1, max(1, 300_000/n), max(3, 1_000_000/n)), Units: 1},
			contest.Contestant{Name: nameFloor, Do: func(context.Context, int) error {
				newFloor(new(world.World)).replay(log)
				return nil
			}},
			contest.Contestant{Name: nameLibrary, Do: func(ctx context.Context, _ int) error {
				return sharing.Replay(ctx, memstore.New(), each(log))
			}},
			contest.Contestant{Name: "decoding lines of JSON", Do: func(context.Context, int) error {
				decoder := json.NewDecoder(bytes.NewReader(lines))
				for i := range decoded {
					decoded[i] = sharing.Event{}
					if err := decoder.Decode(&decoded[i]); err != nil {
						return err
					}
				}
				return nil
			}},
		)
		if err != nil {
			return nil, err
		}
		for i := range results { // of an event, not of the log
			results[i].PerUnit /= float64(len(log))
			results[i].Allocs /= float64(len(log))
		}
		rows = append(rows, contest.Rows("", n, 0, results)...)
	}
	return rows, nil
}

// history returns a log of n events or a few more: images are registered, shared and
// launched from; of every four shares one ends.
func history(ctx context.Context, n int) (log []sharing.Event, err error) {
	l, err := newLibrary(ctx, new(world.World))
	if err != nil {
		return nil, err
	}
	for i := range (n + 7) / 8 {
		owner, region := world.Account(i%world.Accounts), world.Region(i%world.Regions)
		img, err := l.engine.Register(ctx, owner, sharing.ImageSpec{Region: region, Name: fmt.Sprintf("web server %d", i), Family: "web", Architecture: "x86_64"})
		for j := range 4 {
			grantee := world.Account((i + 1 + j) % world.Accounts)
			if err == nil {
				err = l.share(owner, img.ID, sharing.Account(grantee))
			}
			if err == nil && j < 2 {
				_, err = l.launch(world.Question{Account: grantee, Image: img.ID, Region: region})
			}
		}
		if err == nil {
			err = l.unshare(owner, img.ID, sharing.Account(world.Account((i+1)%world.Accounts)))
		}
		if err != nil {
			return nil, err
		}
	}
	for ev, err := range l.engine.Events(ctx, sharing.EventQuery{}) {
		if err != nil {
			return nil, err
		}
		log = append(log, ev)
	}
	return log, nil
}

func encode(log []sharing.Event) ([]byte, error) {
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for i := range log {
		if err := encoder.Encode(&log[i]); err != nil {
			return nil, err
		}
	}
	return lines.Bytes(), nil
}

func each(log []sharing.Event) iter.Seq2[sharing.Event, error] {
	return func(yield func(sharing.Event, error) bool) {
		for i := range log {
			if !yield(log[i], nil) {
				return
			}
		}
	}
}

// replay makes the changes that a log tells of, and returns the log as it keeps it.
func (f *floor) replay(log []sharing.Event) (kept []sharing.Event) {
	for i := range log {
		ev := &log[i]
		if rec := ev.ImageRecord; rec != nil {
			f.images[ev.Image] = floorImage{rec.Owner, rec.Region, rec.State}
		}
		if rec := ev.InstanceRecord; rec != nil {
			f.instances[ev.Instance] = floorInstance{rec.Owner, rec.Instance.Image, rec.Region}
		}
		for _, s := range ev.Shares {
			f.shares[sharing.ShareKey{Image: s.Image, Grantee: s.Grantee}] = floorShare{s.Status, s.Expires}
		}
		for _, g := range ev.Ended {
			delete(f.shares, sharing.ShareKey{Image: ev.Image, Grantee: g})
		}
		kept = append(kept, *ev)
	}
	return kept
}
