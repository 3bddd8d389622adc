package sharing

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// A history is what a replay remembers of a log's events, to judge whether the next one can have followed them. An
// event that can't have is kept out of the store, where it could be somebody's permission (R24, R27).
type history struct {
	images    map[ImageID]*imageBefore
	instances map[InstanceID]instanceBefore
	operation string // of the last event
	actor     AccountID
}

// An imageBefore is an image as the last event about it left it. It is zero if there was none.
type imageBefore struct {
	fixed
	marks
	sequence int64
	deleted  bool
	shares   map[Grantee]shareBefore // those that were made and not ended, but may have expired
}

// The fixed properties of an image are those that it has from its beginning and that no call changes.
type fixed struct {
	owner                AccountID
	region               Region
	architecture, digest string
	size                 int64
	source               Source
	created              time.Time
}

func (rec *ImageRecord) fixed() fixed {
	return fixed{rec.Owner, rec.Region, rec.Architecture, rec.Digest, rec.Size, rec.Source, rec.CreatedAt}
}

// marks are the properties of an image that its owner sets by calls that do nothing else.
type marks struct {
	state             ImageState
	protected, sealed bool
}

// A shareBefore is a share as the last event about it left it. It is zero if there was none.
type shareBefore struct {
	status           ShareStatus
	created, expires time.Time
}

func (s Share) before() shareBefore {
	return shareBefore{s.Status, s.CreatedAt, s.Expires}
}

// presentAt reports whether the share, which was made before, had not expired at the given time.
func (s shareBefore) presentAt(at time.Time) bool { return s.expires.IsZero() || at.Before(s.expires) }

// An instanceBefore is an instance as the last event about it left it. It is zero if there was none.
type instanceBefore struct {
	owner      AccountID
	region     Region
	launched   time.Time
	labels     map[string]string
	image      ImageID
	generation int64
	terminated bool
}

func newHistory() history {
	return history{images: make(map[ImageID]*imageBefore), instances: make(map[InstanceID]instanceBefore)}
}

// add takes the next event of the log, whose times are normal and which nobody changes later, or says why the event
// can't be the next.
func (h *history) add(ev *Event) error {
	img, inst := h.images[ev.Image], h.instances[ev.Instance]
	if img == nil {
		img = new(imageBefore)
	}
	what := ""
	if err := ev.valid(); err != nil {
		what = "is damaged: " + err.Error()
	} else if what = ev.inItself(); what == "" && ev.Operation == h.operation && ev.Actor != h.actor {
		what = "belongs to an operation of another actor"
	} else if what == "" && ev.Image != "" {
		what = ev.after(img, inst)
	}
	if what != "" {
		return invalid("event", "%s (%s of operation %s) %s: the log is not whole",
			quoted(string(ev.Cursor)), ev.Kind, quoted(ev.Operation), what)
	}
	h.operation, h.actor = ev.Operation, ev.Actor
	if rec := ev.ImageRecord; rec != nil {
		img.fixed, img.marks = rec.fixed(), rec.marks()
		if img.deleted = !rec.DeletedAt.IsZero(); img.deleted {
			img.shares = nil
		}
	}
	if len(ev.Shares) > 0 && img.shares == nil {
		img.shares = make(map[Grantee]shareBefore)
	}
	for _, share := range ev.Shares {
		img.shares[share.Grantee] = share.before()
	}
	for _, g := range ev.Ended {
		delete(img.shares, g)
	}
	if rec := ev.InstanceRecord; rec != nil {
		h.instances[ev.Instance] = instanceBefore{rec.Owner, rec.Region, rec.LaunchedAt, rec.Labels,
			rec.Instance.Image, rec.DiskGeneration, !rec.TerminatedAt.IsZero()}
	}
	if ev.Image != "" {
		img.sequence = ev.Sequence
		h.images[ev.Image] = img
	}
	return nil
}

// What an event leaves behind, as bits: by its kind exactly one of these.
const (
	leavesImage = 1 << iota
	leavesInstance
	leavesShares
	leavesEnded
	leavesTrust
)

var leaves = map[EventKind]int{
	EventRegistered: leavesImage, EventCaptured: leavesImage, EventCopied: leavesImage, EventUpdated: leavesImage,
	EventDeprecated: leavesImage, EventDisabled: leavesImage, EventEnabled: leavesImage, EventProtected: leavesImage,
	EventUnprotected: leavesImage, EventSealed: leavesImage, EventUnsealed: leavesImage, EventDeleted: leavesImage, EventForceDeleted: leavesImage,
	EventShared: leavesShares, EventExpirySet: leavesShares, EventAccepted: leavesShares, EventRejected: leavesShares,
	EventLeft: leavesEnded, EventUnshared: leavesEnded,
	EventLaunched: leavesInstance, EventDiskReplaced: leavesInstance, EventReinitialized: leavesInstance, EventTerminated: leavesInstance,
	EventTrustSet: leavesTrust,
}

// left returns what ev leaves behind.
func (ev *Event) left() (bits int) {
	if ev.ImageRecord != nil {
		bits |= leavesImage
	}
	if ev.InstanceRecord != nil {
		bits |= leavesInstance
	}
	if len(ev.Shares) > 0 {
		bits |= leavesShares
	}
	if len(ev.Ended) > 0 {
		bits |= leavesEnded
	}
	if ev.Trust != nil {
		bits |= leavesTrust
	}
	return bits
}

// inItself says what is wrong with an event, whose values are valid, whatever came before it.
func (ev *Event) inItself() string {
	rec, inst := ev.ImageRecord, ev.InstanceRecord
	switch {
	case ev.At.IsZero():
		return "has no time"
	case leaves[ev.Kind] == 0:
		return "is of an unknown kind"
	case leaves[ev.Kind] != ev.left():
		return "does not hold what its kind changes, and nothing else"
	case (ev.Image == "") != (ev.Trust != nil), (ev.Instance == "") != (inst == nil):
		return "is about no image or instance, or about one that it does not change"
	case rec != nil && rec.ID != ev.Image:
		return "holds the record of another image"
	case inst != nil && (inst.ID != ev.Instance || inst.Instance.Image != ev.Image):
		return "holds the record of another instance"
	case slices.ContainsFunc(ev.Shares, func(share Share) bool { return share.Image != ev.Image }):
		return "holds a share of another image"
	case rec != nil && rec.Owner != ev.Actor, inst != nil && inst.Owner != ev.Actor:
		return "changes what its actor does not own"
	case rec != nil && rec.DeletedAt.IsZero() == (ev.Kind == EventDeleted || ev.Kind == EventForceDeleted),
		inst != nil && inst.TerminatedAt.IsZero() == (ev.Kind == EventTerminated):
		return "ends something, or does not, against its kind"
	case rec != nil && (rec.State == ImageDeprecated) != (rec.Deprecation != nil):
		return "holds an image that is half deprecated"
	case ev.makesImage() && (rec.Source.Image == "") != (ev.Kind == EventRegistered),
		ev.makesImage() && (rec.Source.Instance == "") == (ev.Kind == EventCaptured):
		return "makes an image from something else than its kind"
	case rec != nil && rec.Source.Image == ev.Image:
		return "makes an image from itself"
	case ev.makesImage() && !rec.CreatedAt.Equal(ev.At),
		rec != nil && !rec.DeletedAt.IsZero() && !rec.DeletedAt.Equal(ev.At),
		ev.Kind == EventLaunched && !inst.LaunchedAt.Equal(ev.At),
		ev.Kind == EventTerminated && !inst.TerminatedAt.Equal(ev.At):
		return "makes or ends something at another time than its own"
	case ev.Untrusted && (inst == nil || ev.Kind == EventTerminated):
		return "is marked untrusted, but uses no image"
	}
	return ""
}

func (ev *Event) makesImage() bool {
	return ev.Kind == EventRegistered || ev.Kind == EventCaptured || ev.Kind == EventCopied
}

// after says what is wrong with an event that follows events which left its image and instance as given.
func (ev *Event) after(img *imageBefore, inst instanceBefore) string {
	rec, made, launched := ev.ImageRecord, ev.makesImage(), ev.Kind == EventLaunched
	switch {
	case ev.Sequence != img.sequence+1:
		return fmt.Sprintf("has the number %d of image %s, not %d", ev.Sequence, quoted(string(ev.Image)), img.sequence+1)
	case made != (img.sequence == 0):
		return "makes an image again, or is about one that was not made before"
	case img.deleted && ev.Kind != EventTerminated:
		return "brings back what was deleted"
	case rec != nil && !made && rec.fixed() != img.fixed:
		return "changes what an image has from its beginning"
	case rec != nil && rec.marks() != ev.marksAfter(img.marks):
		return "leaves its image in a state that its kind does not lead to"
	case rec != nil && !made && !ev.mayKeepMarks() && rec.marks() == img.marks:
		return "changes nothing"
	case rec != nil && !rec.DeletedAt.IsZero() && img.protected:
		return "deletes what is protected"
	case !ev.mayChangeShares(img):
		return "changes shares that its actor may not change, or that there are not"
	case !ev.leavesShares(img):
		return "leaves a share as its kind does not"
	}
	generation := inst.generation + 1
	if ev.Kind == EventTerminated {
		generation--
	}
	switch disk := ev.InstanceRecord; {
	case disk == nil:
		return ""
	case launched != (inst.owner == ""):
		return "launches an instance again, or is about one that was not launched before"
	case inst.terminated:
		return "brings back what was terminated"
	case !launched && (disk.Owner != inst.owner || disk.Region != inst.region), disk.Region != img.region:
		return "gives an instance to another owner or region"
	case !launched && (!disk.LaunchedAt.Equal(inst.launched) || !maps.Equal(disk.Labels, inst.labels)):
		return "changes what an instance has from its launch"
	case !launched && ev.Kind != EventDiskReplaced && ev.Image != inst.image:
		return "changes from which image an instance's disk was made"
	case disk.DiskGeneration != generation:
		return fmt.Sprintf("makes disk %d of an instance, not %d", disk.DiskGeneration, generation)
	}
	return ""
}

// mayChangeShares reports whether the actor may change the shares that ev changes, none of them named twice (R1, R13,
// R14). A share is made where none is present, and ended or changed where one is (R15).
func (ev *Event) mayChangeShares(img *imageBefore) bool {
	grantees := slices.Clone(ev.Ended)
	for _, share := range ev.Shares {
		grantees = append(grantees, share.Grantee)
	}
	slices.Sort(grantees)
	for i, g := range grantees {
		was, made := img.shares[g]
		present := made && was.presentAt(ev.At)
		if present == (ev.Kind == EventShared) || g == Account(img.owner) || i > 0 && g == grantees[i-1] {
			return false
		}
	}
	switch ev.Kind {
	case EventAccepted, EventRejected, EventLeft:
		return len(grantees) == 1 && grantees[0] == Account(ev.Actor)
	}
	return len(grantees) == 0 || ev.Actor == img.owner
}

// leavesShares reports whether ev leaves the shares that it made or changed as its kind does (R14, R15).
func (ev *Event) leavesShares(img *imageBefore) bool {
	for _, share := range ev.Shares {
		after := img.shares[share.Grantee]
		switch ev.Kind {
		case EventShared:
			if share.Status == ShareRejected || share.Status == SharePending && !share.Grantee.isAccount() {
				return false
			}
			after = shareBefore{share.Status, ev.At, share.Expires}
		case EventExpirySet:
			after.expires = share.Expires
		case EventAccepted:
			after.status = ShareAccepted
		case EventRejected:
			after.status = ShareRejected
		}
		if share.before() != after || !after.presentAt(ev.At) || !share.UpdatedAt.Equal(ev.At) {
			return false
		}
	}
	return true
}

func (rec *ImageRecord) marks() marks { return marks{rec.State, rec.Protected, rec.Sealed} }

// marksAfter returns the marks with which an event leaves an image that had these before.
func (ev *Event) marksAfter(m marks) marks {
	switch ev.Kind {
	case EventCopied: // as its source is
		m.sealed = ev.ImageRecord.Sealed
	case EventDeprecated:
		m.state = ImageDeprecated
	case EventDisabled:
		m.state = ImageDisabled
	case EventEnabled:
		m.state = ImageAvailable
	case EventProtected, EventUnprotected:
		m.protected = ev.Kind == EventProtected
	case EventSealed, EventUnsealed:
		m.sealed = ev.Kind == EventSealed
	}
	return m
}

// mayKeepMarks reports whether an event about an image that was made before may leave its marks as they are.
func (ev *Event) mayKeepMarks() bool {
	switch ev.Kind {
	case EventUpdated, EventDeprecated, EventDeleted, EventForceDeleted:
		return true
	}
	return false
}

// valid checks the values of an event: those that decisions rely on, and the texts, which not every store can hold
// unless they are valid.
func (ev *Event) valid() error {
	err := firstError(validName("operation", ev.Operation, false), validText("request", ev.Request, maxText, ""),
		ev.Actor.Validate(), optional(ev.Image), optional(ev.Instance))
	if rec := ev.ImageRecord; rec != nil {
		err = firstError(err, rec.ID.Validate(), rec.Owner.Validate(), rec.Region.Validate(), rec.spec().validate(),
			optional(rec.Source.Image), optional(rec.Source.Instance))
		if rec.State > ImageDisabled {
			err = firstError(err, invalid("state", "%v is unknown", rec.State))
		}
		if rec.Deprecation != nil {
			err = firstError(err, rec.Deprecation.validate(rec.ID))
		}
	}
	if rec := ev.InstanceRecord; rec != nil {
		err = firstError(err, rec.ID.Validate(), rec.Owner.Validate(), rec.Region.Validate(), validLabels(rec.Labels))
	}
	for _, share := range ev.Shares {
		err = firstError(err, share.Image.Validate(), share.Grantee.Validate())
		if share.Status > ShareRejected {
			err = firstError(err, invalid("status", "%v is unknown", share.Status))
		}
	}
	for _, g := range ev.Ended {
		err = firstError(err, g.Validate())
	}
	if ev.Trust != nil {
		err = firstError(err, ev.Trust.validate())
		if !ev.Trust.equal(ev.Trust.normal()) {
			err = firstError(err, invalid("trusted owners", "are not in ascending order, each once"))
		}
	}
	return err
}
