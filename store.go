package sharing

import (
	"context"
	"time"
)

// A Store keeps the engine's state: records of images, shares, instances and trust policies, and the event log.
// It knows no rule. The engine loads what a decision needs, decides, and stores the outcome;
// a store has to read and write what it is told to, and keep transactions apart.
//
// The conformance suite, package storetest, asks of a store all of this that can be asked through
// the interface. What becomes of a transaction when the program or the machine ends, and what
// opening and closing a store do, it can't: each store says so itself, and has tests of its own.
//
// # Transactions
//
// Transactions are strictly serialisable: each takes effect at one instant between the call's start and its end,
// and reads what all transactions before it wrote, and nothing else. That holds for all engines on one database,
// in one process or several.
//
// A closure may be run more than once, for instance after a conflict: only its last run counts.
// It calls the transaction's methods from one goroutine, and not after it has returned.
// It does not call the store. A panic in it leaves nothing changed and nothing locked.
//
// # Values
//
// Identifiers are bytes: equal only if byte for byte equal, and ordered by bytes. Those of accounts, organisations,
// images, instances, regions and operations are 1 to 128 bytes of valid UTF-8 without control characters; a grantee
// may have four bytes more. Texts, which may be empty, hold no control characters either, but for line feeds and
// tabs in a description or notice: so a zero byte may separate the parts of a key, label keys and values included.
// Two things may be any bytes: the place that a scan goes on after, and a cursor of the log, since whoever calls
// the engine may make one up. (And so may the operations and texts of a log that no engine wrote, in a replay.)
//
// Times are kept to the nanosecond; the same instant in another time zone is alike. So are
// nil and an empty map or slice, and the same JSON laid out anew, in an event's Result.
//
// What a transaction returns stays valid after it, and nobody changes it: neither the engine, which copies what it
// hands on, nor the store, which may therefore return what it holds. What the engine passes to a transaction
// it does not change afterwards, so that a store may keep it; nor does the store change it, not even its order.
//
// A record that can't be decoded is an error that says which, never an absent record.
//
// A store that keeps nothing of what it returns can spare the engine copies: see [FreshStore].
type Store interface {
	// View runs fn in a transaction that only reads. It returns fn's error as it is, or the store's own.
	View(ctx context.Context, fn func(ViewTx) error) error

	// Update runs fn in a transaction, and commits what fn wrote if fn returns nil. Otherwise nothing is changed,
	// and fn's error is returned as it is.
	//
	// The store's own errors: one wrapping [ErrConflict] if it gave up after retries, and nothing was changed;
	// one wrapping [ErrOutcomeUnknown] if it can't tell whether it committed; any other if it can tell that it did not.
	// After an unknown outcome, [ViewTx.Load] of the operation has to find the truth, or fail as long as it can't:
	// a commit that is still under way may not come after it.
	//
	// When ctx ends before the commit, nothing is changed, and the error wraps the context's.
	Update(ctx context.Context, fn func(UpdateTx) error) error
}

// A FreshStore is a [Store] whose [ViewTx.Images] and [ViewTx.Instances] make each record anew, by
// decoding it say, so that nobody else refers to it or to what it holds. The engine hands such a
// record on as it is, where it would otherwise copy it. A type that embeds a FreshStore is one too.
type FreshStore interface {
	Store
	// Fresh is never called: it marks the type.
	Fresh()
}

// A ViewTx reads: whatever it is asked, the answers are of one instant. Once the context
// given to View or Update has ended, every method returns an error that wraps the context's.
type ViewTx interface {
	// Access is the hot path: it reads what account, which is in the organizations, has of an image, and account's
	// trust policy. It returns what Load would for a Need of Account, Organizations, Image and Trust alone.
	Access(account AccountID, organizations []OrganizationID, image ImageID) (Access, Trust, error)

	// Load reads all that a decision needs, in one call, so that a store can answer it with one request.
	Load(Need) (State, error)

	// Images returns the images that scan selects, in ascending order of ID.
	// Fewer than scan.Limit means that there are no more.
	Images(ImageScan) ([]Access, error)

	// Derived returns the images whose Source.Image is source, tombstones too, after the ID after,
	// in ascending order of ID, at most limit. Fewer means that there are no more.
	Derived(source, after ImageID, limit int) ([]*ImageRecord, error)

	// Shares returns the shares that scan selects, in ascending order of image and then grantee.
	// Fewer than scan.Limit means that there are no more.
	Shares(ShareScan) ([]SharedImage, error)

	// Instances returns the instances that scan selects, in ascending order of ID, none that was terminated.
	// Fewer than scan.Limit means that there are no more.
	Instances(InstanceScan) ([]*InstanceRecord, error)

	// Events returns the events that q selects in the order of the log, at most q.Limit, which is positive.
	// Fewer means that there are no more by now. The order is that of the commits: a later call never finds
	// an event before one that an earlier call returned. A cursor that the store did not make is [ErrInvalid].
	Events(q EventQuery) ([]Event, error)

	// Changed returns a function that waits until events may have been committed after this transaction's
	// instant, and then returns nil, or until its context ends, and then returns the context's error. It
	// may return nil too early, but misses no event. It is called after the transaction, at most once.
	Changed() (wait func(context.Context) error)
}

// An UpdateTx reads and writes. The engine reads first and then writes, so that a store may keep the writes until the
// end and send them with the commit: whether a read that comes after a write finds what was written does not matter,
// since nobody asks. Writes take effect in their order; one transaction may write the same record several times.
type UpdateTx interface {
	ViewTx

	// PutImage stores a record in place of that with the same ID, if there is one.
	//
	// A record with DeletedAt ends the image's shares, at a cost that does not depend on their number:
	// from then on no method finds them. It is kept as a tombstone, which only Load and Derived find.
	PutImage(ImageRecord) error

	// PutShares stores shares, all of one image, each in place of that with the same grantee, if there is one.
	PutShares([]Share) error

	// DeleteShares removes the shares of image with these grantees, those that there are.
	DeleteShares(image ImageID, grantees []Grantee) error

	// PutInstance stores a record in place of that with the same ID, if there is one.
	// One with TerminatedAt is kept, but only Load finds it, and it counts nowhere.
	PutInstance(InstanceRecord) error

	// PutTrust stores the trust policy of account in place of that before. The zero value is as good as none.
	PutTrust(account AccountID, trust Trust) error

	// Append appends events to the log, in their order. The store gives each its Cursor.
	Append([]Event) error
}

// An ImageRecord is an image as it is stored: with its source and replacement whole, whoever sees them.
//
// Like that of [Image], its first fields are those that every decision reads: they lie together in memory.
type ImageRecord struct {
	// DeletedAt is zero unless the image was deleted and the record is a tombstone (R8).
	DeletedAt time.Time `json:",omitzero"`
	Image
}

// An InstanceRecord is an instance as it is stored.
type InstanceRecord struct {
	Instance
	// TerminatedAt is zero unless the instance was terminated.
	TerminatedAt time.Time `json:",omitzero"`
}

// A Need says what [ViewTx.Load] is to read. A zero field asks for nothing.
type Need struct {
	// Operation asks for State.Operation.
	Operation string
	// Account is the account in whose eyes images are read, and Organizations are those that it is in.
	Account       AccountID
	Organizations []OrganizationID
	// Trust asks for State.Trust.
	Trust bool
	// Instance asks for State.Instance.
	Instance InstanceID
	// Image asks for State.Image and State.Sequence. If it is empty and Instance is not,
	// Image stands, here and below, for the one that the instance's system disk is made from.
	Image ImageID
	// Images and Instances ask for State.Images and State.Instances.
	Images    []ImageID
	Instances []InstanceID
	// Grantees asks for State.Shares: those of Image with these grantees, of which none is named twice.
	Grantees []Grantee
	// AllShares, given in place of Grantees and never beside them, asks for State.Shares: all of Image.
	// PresentAt asks for State.PresentShares: how many shares Image has that have not expired at this instant.
	//
	// Both are answered only if Account, not empty, is the Owner of Image's record; to any other,
	// and of an image without a record, State has no shares and counts none. Then the store must
	// not read them either: of an image that an account does not see it may be told nothing, not
	// even by how long the answer takes (R20), and what it may not be told is not to be read.
	AllShares bool
	PresentAt time.Time
	// ImagesIn asks for State.ImagesOwned: how many images Account owns in this region.
	ImagesIn Region
	// ImagesBeside, given in place of ImagesIn, asks for State.ImagesOwned in the region of Instance.
	ImagesBeside bool
	// OwnInstances asks for State.OwnInstances.
	OwnInstances bool
	// NewImage and NewInstance ask for State.Taken.
	NewImage    ImageID
	NewInstance InstanceID
}

// A State is what [ViewTx.Load] read.
type State struct {
	// Operation are the events of the operation, in the order of the log; none if it made no change.
	Operation []Event
	// Trust is the trust policy of Account.
	Trust Trust
	// Instance is nil if no instance ever had the ID.
	Instance *InstanceRecord
	// Image is what Account has of the image.
	Image Access
	// Sequence is the number of the last event about the image; 0 if there is none.
	Sequence int64
	// Images and Instances are in the order of the Need; an instance is nil if none ever had the ID.
	Images    []Access
	Instances []*InstanceRecord
	// Shares are in ascending order of grantee, expired ones among them. All of them are
	// given to the image's owner alone.
	Shares []Share
	// PresentShares, ImagesOwned and OwnInstances are counts: of the image's shares not
	// expired, for its owner alone; of Account's images in the region, deleted ones not
	// counted; of Account's instances made from the image, terminated ones not counted.
	PresentShares, ImagesOwned, OwnInstances int
	// Taken reports whether an image, deleted or not, has the ID NewImage, or an instance,
	// terminated or not, the ID NewInstance.
	Taken bool
}

// Access is what an account has of an image: the record, and what reaches the account.
type Access struct {
	// Image is nil if no image ever had the ID.
	Image *ImageRecord
	// Own is the share made with the account itself; Organization, of those with its organisations, the one
	// that lasts longest; Everyone, the one with everyone. Expired shares are given too. A deleted image has none.
	Own, Organization, Everyone Grant
}

// A Grant is what a share gives: that there is one, its status, and until when.
type Grant struct {
	Exists  bool
	Status  ShareStatus
	Expires time.Time // zero: never
}

// An ImageScan selects images that are not deleted. All conditions must hold.
type ImageScan struct {
	// Account and Organizations are in whose eyes the images are read.
	Account       AccountID
	Organizations []OrganizationID
	// Query.Origin selects by any of its bits, and not at all if it is zero: Account owns the image
	// (OriginOwn); there is a share with Account or one of Organizations, whatever its status and expiry
	// (OriginShared); there is one with everyone (OriginPublic). Query.Deprecated means nothing here.
	// Every other field that is not zero must be equal, labels included; Source is that of the record.
	Query ImageQuery
	// After, if not empty, selects the images with greater IDs. Limit is positive.
	After ImageID
	Limit int
}

// A ShareScan selects shares, whatever their status and expiry, of images that are not deleted.
// All conditions must hold; at least one of Image, Owner and Grantee is not empty.
type ShareScan struct {
	Image   ImageID
	Owner   AccountID // of the image
	Grantee Grantee
	// After, if not zero, selects the shares that come after this place in the order.
	After ShareKey
	// Limit is positive.
	Limit int
}

// A ShareKey is the place of a share in listings.
type ShareKey struct {
	Image   ImageID
	Grantee Grantee
}

// A SharedImage is a share, with the record of its image.
type SharedImage struct {
	Share
	Record *ImageRecord
}

// An InstanceScan selects instances that are not terminated. All conditions must hold;
// Owner may be empty if Query.Image is not.
type InstanceScan struct {
	Owner AccountID
	Query InstanceQuery
	// After, if not empty, selects the instances with greater IDs. Limit is positive.
	After InstanceID
	Limit int
}
