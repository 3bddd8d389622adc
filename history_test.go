package sharing_test

import (
	"strings"
	"testing"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// history makes a log of which every event can be damaged.
func (w *world) history() []sharing.Event {
	w.t.Helper()
	ctx := w.t.Context()
	careful, err := sharing.New(w.store, sharing.WithPolicy(sharing.Policy{RequireAcceptance: true}))
	want(w.t, err, nil)
	img := w.image("owner")                                                                   // 0
	w.share("owner", img, "b")                                                                // 1
	w.launch("b", img)                                                                        // 2
	want(w.t, w.SetTrust(ctx, "b", sharing.Trust{Owners: []sharing.AccountID{"owner"}}), nil) // 3
	want(w.t, w.Protect(ctx, "owner", img), nil)                                              // 4
	_, err = careful.Share(ctx, "owner", img, "c")                                            // 5
	want(w.t, err, nil)                                                                       //
	want(w.t, careful.Accept(ctx, "c", img), nil)                                             // 6
	want(w.t, w.Terminate(ctx, "owner", w.launch("owner", img)), nil)                         // 7, 8
	want(w.t, w.Unshare(ctx, "owner", img, "c"), nil)                                         // 9
	want(w.t, w.Delete(ctx, "owner", w.image("owner")), nil)                                  // 10, 11
	return w.log()
}

// A log with a gap, or with an event that no call can have left behind, is not replayed: what it says is nobody's permission (R27).
func TestR27_ReplayOfDamagedLog(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t)
	want(t, sharing.Replay(ctx, memstore.New(), sequence(w.history())), nil)

	type (
		ev  = sharing.Event
		log = []sharing.Event
	)
	const (
		damaged  = "is damaged"
		noStart  = "has no operation or no time"
		content  = "does not hold what its kind changes"
		about    = "is about no image or instance"
		foreign  = "changes what its actor does not own"
		number   = "has the number"
		made     = "makes an image again, or is about one that was not made"
		back     = "brings back what was deleted"
		given    = "gives an image to another owner or region"
		state    = "leaves its image in a state"
		shares   = "changes shares that its actor may not change"
		launched = "launches an instance again"
		moved    = "gives an instance to another owner or region"
		disk     = "of an instance, not"
		ends     = "ends something, or does not"
	)
	for _, test := range []struct {
		name, why string
		damage    func(log) log
	}{
		{"a gap", number, func(l log) log { return append(l[:1], l[2:]...) }},
		{"twice", number, func(l log) log { return append(l[:2:2], l[1:]...) }},
		{"another order", number, func(l log) log { l[0], l[1] = l[1], l[0]; return l }},
		{"no beginning", made, func(l log) log { l[1].Sequence = 1; return l[1:2] }},
		{"a register twice", made, again(0, func(*ev) {})},

		{"no operation", noStart, edit(0, func(e *ev) { e.Operation = "" })},
		{"no time", noStart, edit(0, func(e *ev) { e.At = time.Time{} })},
		{"no kind", "unknown kind", edit(0, func(e *ev) { e.Kind = "" })},
		{"another kind", "unknown kind", edit(0, func(e *ev) { e.Kind = "image.transferred" })},
		{"no change", content, edit(0, func(e *ev) { e.ImageRecord = nil })},
		{"another kind's change", content, edit(4, func(e *ev) { e.Kind = sharing.EventLaunched })},
		{"two changes", content, edit(1, func(e *ev) { e.Ended = []sharing.Grantee{"b"} })},
		{"no image", about, edit(9, func(e *ev) { e.Image = "" })},
		{"an image of a policy", about, edit(3, func(e *ev) { e.Image = "image" })},
		{"an instance of an image", about, edit(4, func(e *ev) { e.Instance = "vm" })},

		{"no actor", damaged, edit(3, func(e *ev) { e.Actor = "" })},
		{"an image's ID", damaged, edit(0, func(e *ev) { e.Image, e.ImageRecord.ID = "a b", "a b" })},
		{"its record's ID", damaged, edit(0, func(e *ev) { e.ImageRecord.ID = "a b" })},
		{"no owner", damaged, edit(0, func(e *ev) { e.ImageRecord.Owner = "" })},
		{"no region", damaged, edit(0, func(e *ev) { e.ImageRecord.Region = "" })},
		{"a state", damaged, edit(0, func(e *ev) { e.ImageRecord.State = 3 })},
		{"a grantee", damaged, edit(1, func(e *ev) { e.Shares[0].Grantee = "org:" })},
		{"a status", damaged, edit(1, func(e *ev) { e.Shares[0].Status = 3 })},
		{"an ended share", damaged, edit(9, func(e *ev) { e.Ended[0] = "" })},
		{"an instance's ID", damaged, edit(2, func(e *ev) { e.Instance, e.InstanceRecord.ID = "a b", "a b" })},
		{"an instance without owner", damaged, edit(2, func(e *ev) { e.InstanceRecord.Owner = "" })},
		{"a trust policy", damaged, edit(3, func(e *ev) { e.Trust.Owners[0] = "*" })},

		{"another image", "record of another image", edit(0, func(e *ev) { e.ImageRecord.ID = "other" })},
		{"another instance", "record of another instance", edit(2, func(e *ev) { e.Instance = "other" })},
		{"another instance's image", "record of another instance", edit(2, func(e *ev) { e.InstanceRecord.Image = "other" })},
		{"another's share", "share of another image", edit(1, func(e *ev) { e.Shares[0].Image = "other" })},
		{"another's image", foreign, edit(4, func(e *ev) { e.Actor = "b" })},
		{"another's disk", foreign, edit(2, func(e *ev) { e.InstanceRecord.Owner = "x" })},

		{"a delete that does not", ends, edit(11, func(e *ev) { e.ImageRecord.DeletedAt = time.Time{} })},
		{"an update that deletes", ends, edit(4, func(e *ev) { e.Kind, e.ImageRecord.DeletedAt = sharing.EventUpdated, e.At })},
		{"a launch that ends", ends, edit(2, func(e *ev) { e.InstanceRecord.TerminatedAt = e.At })},
		{"a terminate that does not", ends, edit(8, func(e *ev) { e.InstanceRecord.TerminatedAt = time.Time{} })},

		{"another owner", given, edit(4, func(e *ev) { e.Actor, e.ImageRecord.Owner = "b", "b" })},
		{"another region", given, edit(4, func(e *ev) { e.ImageRecord.Region = "elsewhere" })},
		{"half a deprecation", "half deprecated", edit(4, func(e *ev) { e.ImageRecord.State = sharing.ImageDeprecated })},
		{"another kind's state", state, edit(4, func(e *ev) { e.ImageRecord.State = sharing.ImageDisabled })},
		{"a disable that does not", state, edit(4, func(e *ev) { e.Kind = sharing.EventDisabled })},
		{"a protect that does not", state, edit(4, func(e *ev) { e.ImageRecord.Protected = false })},
		{"a protect that seals", state, edit(4, func(e *ev) { e.ImageRecord.Sealed = true })},
		{"a delete of what is protected", "deletes what is protected", again(4, func(e *ev) {
			e.Kind, e.ImageRecord.DeletedAt = sharing.EventForceDeleted, e.At
		})},
		{"a deleted image", back, again(11, func(e *ev) { e.Kind, e.ImageRecord.DeletedAt = sharing.EventUpdated, time.Time{} })},
		{"a deleted image's share", back, again(11, func(e *ev) {
			e.Kind, e.ImageRecord, e.Shares = sharing.EventShared, nil, []sharing.Share{{Image: e.Image, Grantee: "b"}}
		})},

		{"a share of another's", shares, edit(1, func(e *ev) { e.Actor = "b" })},
		{"a share with the owner", shares, edit(1, func(e *ev) { e.Shares[0].Grantee = "owner" })},
		{"an accept by another", shares, edit(6, func(e *ev) { e.Actor = "b" })},
		{"an accept by the owner", shares, edit(6, func(e *ev) { e.Actor, e.Shares[0].Grantee = "owner", "owner" })},
		{"an accept of none", shares, edit(6, func(e *ev) { e.Actor, e.Shares[0].Grantee = "d", "d" })},
		{"an accept of one that ended", shares, again(6, func(*ev) {})},
		{"an accept that rejects", shares, edit(6, func(e *ev) { e.Shares[0].Status = sharing.ShareRejected })},
		{"a reject that accepts", shares, edit(6, func(e *ev) { e.Kind = sharing.EventRejected })},
		{"an accept of two", shares, edit(6, func(e *ev) {
			e.Shares = append(e.Shares, sharing.Share{Image: e.Image, Grantee: "b"})
		})},
		{"an end of none", shares, again(9, func(*ev) {})},
		{"an end by another", shares, edit(9, func(e *ev) { e.Actor = "c" })},
		{"a leave by another", shares, edit(9, func(e *ev) { e.Kind = sharing.EventLeft })},
		{"an expiry of none", shares, again(5, func(e *ev) { e.Kind = sharing.EventExpirySet })},

		{"a launch twice", launched, again(2, func(e *ev) { e.InstanceRecord.DiskGeneration++ })},
		{"a launch by another", launched, again(2, func(e *ev) {
			e.Actor, e.InstanceRecord.Owner, e.InstanceRecord.DiskGeneration = "owner", "owner", 2
		})},
		{"a reinit of none", launched, edit(2, func(e *ev) { e.Kind = sharing.EventReinitialized })},
		{"a launch in another region", moved, edit(2, func(e *ev) { e.InstanceRecord.Region = "elsewhere" })},
		{"another's reinit", moved, again(2, func(e *ev) {
			e.Kind, e.Actor, e.InstanceRecord.Owner, e.InstanceRecord.DiskGeneration = sharing.EventReinitialized, "owner", "owner", 2
		})},
		{"a terminated instance", "brings back what was terminated", again(7, func(e *ev) {
			e.Kind, e.InstanceRecord.DiskGeneration = sharing.EventReinitialized, 2
		})},
		{"a reinit from another image", "from which image", func(l log) log {
			l[10].Actor, l[10].ImageRecord.Owner = "b", "b"
			reinit := l[2]
			reinit.Kind, reinit.Image, reinit.Sequence = sharing.EventReinitialized, l[10].Image, 2
			rec := *reinit.InstanceRecord
			rec.Image, rec.DiskGeneration = l[10].Image, 2
			reinit.InstanceRecord = &rec
			return append(l[:11:11], reinit)
		}},
		{"a launch of disk 2", disk, edit(2, func(e *ev) { e.InstanceRecord.DiskGeneration = 2 })},
		{"a reinit without a disk", disk, again(2, func(e *ev) { e.Kind = sharing.EventReinitialized })},
		{"a terminate with a disk", disk, edit(8, func(e *ev) { e.InstanceRecord.DiskGeneration++ })},
	} {
		w := newWorld(t)
		to := &world{t: t, store: memstore.New()}
		err := sharing.Replay(ctx, to.store, sequence(test.damage(w.history())))
		if want(t, err, sharing.ErrInvalid); err == nil || !strings.Contains(err.Error(), test.why) || !strings.Contains(err.Error(), "not whole") {
			t.Errorf("%s: got %v, want an event that %s", test.name, err, test.why)
		}
		to.Engine, err = sharing.New(to.store)
		want(t, err, nil)
		if log := to.log(); len(log) > 0 {
			t.Errorf("%s: the store has %d events", test.name, len(log))
		}
	}
}

// edit damages one event of a log.
func edit(i int, do func(*sharing.Event)) func([]sharing.Event) []sharing.Event {
	return func(log []sharing.Event) []sharing.Event { do(&log[i]); return log }
}

// again damages a log by repeating one of its events at the end, with the next number of its image.
func again(i int, do func(*sharing.Event)) func([]sharing.Event) []sharing.Event {
	return func(log []sharing.Event) []sharing.Event {
		ev := log[i]
		ev.Operation += "-again"
		for _, other := range log {
			if other.Image == ev.Image {
				ev.Sequence = other.Sequence + 1
			}
		}
		if rec := ev.ImageRecord; rec != nil {
			copied := *rec
			ev.ImageRecord = &copied
		}
		if rec := ev.InstanceRecord; rec != nil {
			copied := *rec
			ev.InstanceRecord = &copied
		}
		do(&ev)
		return append(log, ev)
	}
}
