package sharing_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// A log may have its times in any zone, even in one that JSON can't tell to the second or at all. A store, which may
// keep JSON, is passed the same instants in UTC (R24).
func TestR24_ReplayPassesUTC(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img := w.image("owner")
	want(t, w.Deprecate(ctx, "owner", img, sharing.Deprecation{}), nil)
	_, err := w.ShareUntil(ctx, "owner", img, w.now.Add(time.Hour), "b")
	want(t, err, nil)
	want(t, w.Terminate(ctx, "b", w.launch("b", img)), nil)
	want(t, w.ForceDelete(ctx, "owner", img), nil)
	for _, offset := range []time.Duration{53*time.Minute + 28*time.Second, 30 * time.Hour} {
		log := w.log()
		zone := time.FixedZone("", int(offset/time.Second))
		eachTime(reflect.ValueOf(log), func(at *time.Time) { *at = at.In(zone) })
		to := &utcStore{Store: memstore.New()}
		want(t, sharing.Replay(ctx, to, sequence(log)), nil)
		if diff := cmp.Diff(w.log(), to.events, cmpopts.IgnoreFields(sharing.Event{}, "Cursor")); diff != "" {
			t.Errorf("the times of a log whose zone is %v east of UTC:\n%s", offset, diff)
		}
		eachTime(reflect.ValueOf(to.events), func(at *time.Time) {
			if at.Location() != time.UTC {
				t.Errorf("a store was passed the time %v", at)
			}
		})
	}
}

// A utcStore holds the events that it was passed.
type utcStore struct {
	sharing.Store
	events []sharing.Event
}

func (s *utcStore) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	return s.Store.Update(ctx, func(tx sharing.UpdateTx) error { return fn(utcTx{tx, s}) })
}

type utcTx struct {
	sharing.UpdateTx
	store *utcStore
}

func (tx utcTx) Append(events []sharing.Event) error {
	tx.store.events = append(tx.store.events, events...)
	return tx.UpdateTx.Append(events)
}

// eachTime calls do with each time that is not zero in v.
func eachTime(v reflect.Value, do func(*time.Time)) {
	switch at, ok := v.Interface().(time.Time); {
	case ok && !at.IsZero():
		do(v.Addr().Interface().(*time.Time))
	case ok:
	case v.Kind() == reflect.Pointer && !v.IsNil():
		eachTime(v.Elem(), do)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			eachTime(v.Index(i), do)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			eachTime(v.Field(i), do)
		}
	}
}
