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
	now := func() time.Time { return w.now }
	careful, err := sharing.New(w.store, sharing.WithPolicy(sharing.Policy{RequireAcceptance: true}), sharing.WithClock(now))
	want(w.t, err, nil)
	img := w.image("owner")                                                                        // 0
	w.share("owner", img, "b")                                                                     // 1
	w.launch("b", img)                                                                             // 2
	want(w.t, w.SetTrust(ctx, "b", sharing.Trust{Owners: []sharing.AccountID{"owner", "x"}}), nil) // 3
	want(w.t, w.Protect(ctx, "owner", img), nil)                                                   // 4
	_, err = careful.Share(ctx, "owner", img, "c")                                                 // 5
	want(w.t, err, nil)                                                                            //
	want(w.t, careful.Accept(ctx, "c", img), nil)                                                  // 6
	want(w.t, w.Terminate(ctx, "owner", w.launch("owner", img)), nil)                              // 7, 8
	want(w.t, w.Unshare(ctx, "owner", img, "c"), nil)                                              // 9
	want(w.t, w.Delete(ctx, "owner", w.image("owner")), nil)                                       // 10, 11
	img = w.image("owner")                                                                         // 12
	_, err = careful.ShareUntil(ctx, "owner", img, w.now.Add(time.Hour), "b")                      // 13
	want(w.t, err, nil)                                                                            //
	_, err = careful.ShareUntil(ctx, "owner", img, w.now.Add(2*time.Hour), "b")                    // 14
	want(w.t, err, nil)                                                                            //
	want(w.t, careful.Accept(ctx, "b", img), nil)                                                  // 15
	want(w.t, w.Deprecate(ctx, "owner", img, sharing.Deprecation{Notice: "old"}), nil)             // 16
	_, err = w.Copy(ctx, "owner", img, "r2", sharing.ImageSpec{})                                  // 17
	want(w.t, err, nil)                                                                            //
	vm := w.launch("b", img)                                                                       // 18
	_, err = w.Capture(ctx, "b", vm, sharing.ImageSpec{})                                          // 19
	want(w.t, err, nil)                                                                            //
	_, err = w.Reinit(ctx, "b", vm)                                                                // 20
	want(w.t, err, nil)                                                                            //
	w.now = w.now.Add(3 * time.Hour)                                                               //
	_, err = careful.Share(ctx, "owner", img, "b")                                                 // 21, in place of one that expired
	want(w.t, err, nil)                                                                            //
	want(w.t, w.SetTrust(ctx, "b", sharing.Trust{}), nil)                                          // 22
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
		noStart  = "has no time"
		content  = "does not hold what its kind changes"
		about    = "is about no image or instance"
		foreign  = "changes what its actor does not own"
		number   = "has the number"
		made     = "makes an image again, or is about one that was not made"
		back     = "brings back what was deleted"
		fixed    = "changes what an image has from its beginning"
		source   = "makes an image from something else"
		late     = "at another time than its own"
		state    = "leaves its image in a state"
		shares   = "changes shares that its actor may not change"
		share    = "leaves a share as its kind does not"
		launched = "launches an instance again"
		moved    = "gives an instance to another owner or region"
		altered  = "changes what an instance has from its launch"
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

		{"no operation", damaged, edit(0, func(e *ev) { e.Operation = "" })},
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
		{"a trust policy in disorder", damaged, edit(3, func(e *ev) { e.Trust.Owners = []sharing.AccountID{"x", "owner"} })},
		{"a trust policy that says it twice", damaged, edit(3, func(e *ev) { e.Trust.Owners = []sharing.AccountID{"x", "x"} })},
		{"an operation", damaged, edit(0, func(e *ev) { e.Operation = "a\x00b" })},
		{"a request", damaged, edit(0, func(e *ev) { e.Request = "\xff" })},
		{"a name", damaged, edit(0, func(e *ev) { e.ImageRecord.Name = "a\x00b" })},
		{"a description", damaged, edit(0, func(e *ev) { e.ImageRecord.Description = "\xff" })},
		{"a family", damaged, edit(0, func(e *ev) { e.ImageRecord.Family = "a\nb" })},
		{"an architecture", damaged, edit(0, func(e *ev) { e.ImageRecord.Architecture = "\xff" })},
		{"a digest", damaged, edit(0, func(e *ev) { e.ImageRecord.Digest = "sha256:\x00" })},
		{"a size", damaged, edit(0, func(e *ev) { e.ImageRecord.Size = -1 })},
		{"a label", damaged, edit(0, func(e *ev) { e.ImageRecord.Labels = map[string]string{"k": "\x00"} })},
		{"an instance's label", damaged, edit(2, func(e *ev) { e.InstanceRecord.Labels = map[string]string{"\xff": ""} })},
		{"a notice", damaged, edit(16, func(e *ev) { e.ImageRecord.Deprecation.Notice = "\x00" })},
		{"a replacement", damaged, edit(16, func(e *ev) { e.ImageRecord.Deprecation.Replacement = "a b" })},
		{"its own replacement", damaged, edit(16, func(e *ev) { e.ImageRecord.Deprecation.Replacement = e.Image })},
		{"a source", damaged, edit(17, func(e *ev) { e.ImageRecord.Source.Image = "a b" })},
		{"a source instance", damaged, edit(19, func(e *ev) { e.ImageRecord.Source.Instance = "a b" })},

		{"an image that is its own source", "makes an image from itself", edit(17, func(e *ev) { e.ImageRecord.Source.Image = e.Image })},
		{"another's operation", "operation of another actor", func(l log) log { l[2].Operation = l[1].Operation; return l }},
		{"a protection twice", "changes nothing", again(4, func(*ev) {})},

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

		{"a register of a copy", source, edit(0, func(e *ev) { e.ImageRecord.Source.Image = "other" })},
		{"a copy of nothing", source, edit(17, func(e *ev) { e.ImageRecord.Source.Image = "" })},
		{"a copy of an instance", source, edit(17, func(e *ev) { e.ImageRecord.Source.Instance = "vm" })},
		{"a capture of nothing", source, edit(19, func(e *ev) { e.ImageRecord.Source.Instance = "" })},
		{"an image made at another time", late, edit(0, func(e *ev) { e.ImageRecord.CreatedAt = e.At.Add(1) })},
		{"a delete at another time", late, edit(11, func(e *ev) { e.ImageRecord.DeletedAt = e.At.Add(1) })},
		{"a launch at another time", late, edit(2, func(e *ev) { e.InstanceRecord.LaunchedAt = e.At.Add(1) })},
		{"a terminate at another time", late, edit(8, func(e *ev) { e.InstanceRecord.TerminatedAt = e.At.Add(1) })},
		{"an untrusted share", "is marked untrusted", edit(1, func(e *ev) { e.Untrusted = true })},
		{"an untrusted terminate", "is marked untrusted", edit(8, func(e *ev) { e.Untrusted = true })},

		{"another owner", fixed, edit(4, func(e *ev) { e.Actor, e.ImageRecord.Owner = "b", "b" })},
		{"another region", fixed, edit(4, func(e *ev) { e.ImageRecord.Region = "elsewhere" })},
		{"another architecture", fixed, edit(4, func(e *ev) { e.ImageRecord.Architecture = "arm64" })},
		{"another digest", fixed, edit(4, func(e *ev) { e.ImageRecord.Digest = "sha256:0" })},
		{"another size", fixed, edit(4, func(e *ev) { e.ImageRecord.Size++ })},
		{"another source", fixed, edit(4, func(e *ev) { e.ImageRecord.Source.Image = "other" })},
		{"another age", fixed, edit(4, func(e *ev) { e.ImageRecord.CreatedAt = e.At.Add(1) })},
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
		{"an accept that rejects", share, edit(6, func(e *ev) { e.Shares[0].Status = sharing.ShareRejected })},
		{"a reject that accepts", share, edit(6, func(e *ev) { e.Kind = sharing.EventRejected })},
		{"an accept of two", shares, edit(6, func(e *ev) {
			e.Shares = append(e.Shares, sharing.Share{Image: e.Image, Grantee: "b"})
		})},
		{"an end of none", shares, again(9, func(*ev) {})},
		{"an end by another", shares, edit(9, func(e *ev) { e.Actor = "c" })},
		{"a leave by another", shares, edit(9, func(e *ev) { e.Kind = sharing.EventLeft })},
		{"an expiry of none", shares, again(5, func(e *ev) { e.Kind = sharing.EventExpirySet })},
		{"a share where one is present", shares, again(13, func(*ev) {})},
		{"a share with one grantee twice", shares, edit(1, func(e *ev) { e.Shares = append(e.Shares, e.Shares[0]) })},
		{"an end of one share twice", shares, edit(9, func(e *ev) { e.Ended = append(e.Ended, e.Ended[0]) })},
		{"an accept of one that has expired", shares, edit(15, func(e *ev) { e.At = e.Shares[0].Expires })},
		{"a share that begins rejected", share, edit(1, func(e *ev) { e.Shares[0].Status = sharing.ShareRejected })},
		{"a pending share with everyone", share, edit(1, func(e *ev) {
			e.Shares[0].Grantee, e.Shares[0].Status = sharing.Everyone, sharing.SharePending
		})},
		{"a pending share with an organisation", share, edit(1, func(e *ev) {
			e.Shares[0].Grantee, e.Shares[0].Status = sharing.Organization("o"), sharing.SharePending
		})},
		{"a share that begins expired", share, edit(1, func(e *ev) { e.Shares[0].Expires = e.At })},
		{"a share made at another time", share, edit(1, func(e *ev) { e.Shares[0].CreatedAt = e.At.Add(1) })},
		{"a share changed at another time", share, edit(15, func(e *ev) { e.Shares[0].UpdatedAt = e.At.Add(1) })},
		{"an accept that drops the expiry", share, edit(15, func(e *ev) { e.Shares[0].Expires = time.Time{} })},
		{"an accept that makes the share older", share, edit(15, func(e *ev) { e.Shares[0].CreatedAt = e.At.Add(-1) })},
		{"an expiry that accepts", share, edit(14, func(e *ev) { e.Shares[0].Status = sharing.ShareAccepted })},
		{"an expiry in the past", share, edit(14, func(e *ev) { e.Shares[0].Expires = e.At })},

		{"a launch twice", launched, again(2, func(e *ev) { e.InstanceRecord.DiskGeneration++ })},
		{"a launch by another", launched, again(2, func(e *ev) {
			e.Actor, e.InstanceRecord.Owner, e.InstanceRecord.DiskGeneration = "owner", "owner", 2
		})},
		{"a reinit of none", launched, edit(2, func(e *ev) { e.Kind = sharing.EventReinitialized })},
		{"a launch in another region", moved, edit(2, func(e *ev) { e.InstanceRecord.Region = "elsewhere" })},
		{"another's reinit", moved, again(2, func(e *ev) {
			e.Kind, e.Actor, e.InstanceRecord.Owner, e.InstanceRecord.DiskGeneration = sharing.EventReinitialized, "owner", "owner", 2
		})},
		{"a disk that moves an instance", moved, func(l log) log {
			return again(20, func(e *ev) {
				e.Kind, e.Image, e.Sequence = sharing.EventDiskReplaced, l[17].Image, 2
				e.InstanceRecord.Image, e.InstanceRecord.Region, e.InstanceRecord.DiskGeneration = l[17].Image, "r2", 3
			})(l)
		}},
		{"a reinit that labels", altered, edit(20, func(e *ev) { e.InstanceRecord.Labels = map[string]string{"k": "v"} })},
		{"a reinit that makes younger", altered, edit(20, func(e *ev) { e.InstanceRecord.LaunchedAt = e.At.Add(1) })},
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
