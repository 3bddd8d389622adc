package sharing

import (
	"context"
	"time"
)

// A Store keeps the engine's state: records of images, shares, instances and trust policies, and the event log. It
// knows no rule. The engine loads what a decision needs, decides, and stores the outcome; a store has to read and write
// what it is told to, and keep transactions apart.
//
// The conformance suite, package storetest, tests all of this that can be tested through the interface. It can't test
// what becomes of a transaction when the program or the machine ends, or what opening and closing a store do: each
// store documents that itself, and has tests of its own for it.
//
// # Transactions
//
// Transactions are strictly serialisable: each takes effect at one instant between the call's start and
// its end, and reads exactly what all transactions before it wrote. That holds for all engines on one
// database, in one process or several.
//
// A closure may be run more than once, for instance after a conflict; only its last run counts. View and Update return
// only after it has ended, even if their context ends before, and do not run it later. It calls the transaction's
// methods from one goroutine, and not after it has returned. It does not call the store. A panic in it leaves nothing
// changed and nothing locked.
//
// # Values
//
// Identifiers are byte strings: equal only if they are equal byte for byte, and ordered by bytes. Those of accounts,
// organisations, images, instances, regions and operations are 1 to 128 bytes of valid UTF-8 without control
// characters; a grantee may have four bytes more. Texts, which may be empty, hold no control characters either,
// except line feeds and tabs in a description or notice. A zero byte may therefore separate the parts of a key, even
// if the parts are label keys and values. Three things may be any bytes, since a caller of the engine can make
// them up: the position after which a scan goes on, a cursor of the log, and what [ViewTx.Access] is asked for.
//
// Times that are to be stored are in UTC, and are kept to the nanosecond. The same instant in another time zone is
// equal. So are nil and an empty map or slice, and, in an event's Result, the same JSON with another layout.
//
// What a transaction returns stays valid after the transaction, and nobody changes it: neither the engine, which copies
// what it passes on, nor the store, which may therefore return what it holds. The engine does not change afterwards
// what it passed to a transaction, so a store may keep it; nor does the store change it, not even its order.
//
// A scan (Images, Shares, Instances) hands out one item at a time: the item and the record that it points to are valid
// only until each returns, and the store may use their memory for the next. What they refer to further, such as labels,
// stays valid. The function each changes nothing of the item, and does not call the transaction. If it panics, that is
// a panic of the closure. A scan that ends with an error may have handed out some items before.
//
// A record that can't be decoded is an error that says which record it is. It is never taken for an absent record.
//
// A store that keeps nothing of what it returns can spare the engine copies: see [FreshStore].
type Store interface {
	// View runs fn in a read-only transaction. It returns fn's error unchanged, or the store's own.
	View(ctx context.Context, fn func(ViewTx) error) error

	// Update runs fn in a transaction, and commits what fn wrote if fn returns nil. Otherwise nothing is changed, and
	// fn's error is returned unchanged.
	//
	// The store's own error wraps [ErrConflict] if the store gave up after retries and nothing was changed, and wraps
	// [ErrOutcomeUnknown] if the store can't tell whether the transaction committed; with any other error it can tell
	// that the transaction did not. The engine relies on that for ErrConflict alone: after any other error of a commit
	// it looks for the operation in the log. After an unknown outcome, [ViewTx.Load] of the operation has to find the
	// truth, or fail as long as it can't: a commit that is still under way must not take effect after it.
	//
	// If ctx ends before the commit, nothing is changed, and the error wraps the context's.
	Update(ctx context.Context, fn func(UpdateTx) error) error
}

// A FreshStore is a [Store] whose [ViewTx.Images] and [ViewTx.Instances] make anew what each record refers to, its
// labels and its deprecation, for instance by decoding them, so that nobody else refers to them. The engine passes them
// on as they are, where it would otherwise copy them. A type that embeds a FreshStore is one too.
type FreshStore interface {
	Store
	// Fresh is never called: it marks the type.
	Fresh()
}

// A ViewTx reads: all its answers are of one instant. Once the context given to View or Update has ended, every method
// returns an error that wraps the context's.
type ViewTx interface {
	// Access is the hot path: it reads what account, which is in organizations, has of an image, and account's trust
	// policy. It returns what Load would for a Need with only Account, Organizations, Image and Trust.
	//
	// Account and image may be any bytes, since the engine checks them only if no access is found. For identifiers that
	// can't be stored, an error is as good as the answer that there is nothing.
	Access(account AccountID, organizations []OrganizationID, image ImageID) (Access, Trust, error)

	// Load reads all that a decision needs in one call, so that a store can answer it with one request.
	Load(Need) (State, error)

	// Images calls each for the images that scan selects, in ascending order of ID. If there are fewer than scan.Limit,
	// no more follow.
	Images(scan ImageScan, each func(*Access)) error

	// Derived returns the images whose Source.Image is source, including tombstones, with IDs greater than after, in
	// ascending order of ID, at most limit. If there are fewer, no more follow.
	Derived(source, after ImageID, limit int) ([]*ImageRecord, error)

	// Shares calls each for the shares that scan selects, in ascending order of image and then grantee. If there are
	// fewer than scan.Limit, no more follow.
	Shares(scan ShareScan, each func(*SharedImage)) error

	// Instances calls each for the instances that scan selects, except terminated ones, in ascending order of ID. If
	// there are fewer than scan.Limit, no more follow.
	Instances(scan InstanceScan, each func(*InstanceRecord)) error

	// Events returns the events that q selects in the order of the log, at most q.Limit, which is positive. If there
	// are fewer, no more follow for now. The order is that of the commits: a later call never finds an event before one
	// that an earlier call returned. A cursor that the store did not make is [ErrInvalid].
	Events(q EventQuery) ([]Event, error)

	// Changed returns a function that waits until events may have been committed after this transaction's instant, and
	// then returns nil; if its context ends first, it returns the context's error. It may return nil too early, but
	// never misses an event. It is called after the transaction, at most once.
	Changed() (wait func(context.Context) error)
}

// An UpdateTx reads and writes. The engine reads first and then writes, so a store may keep the writes until the end
// and send them with the commit: whether a read finds what was written before it does not matter, since the engine
// never makes such a read. Writes take effect in their order; one transaction may write the same record several times.
type UpdateTx interface {
	ViewTx

	// PutImage stores a record in place of the one with the same ID, if any.
	//
	// A record with DeletedAt ends the image's shares, at a cost that does not depend on their number: from then on no
	// method finds them. The record is kept as a tombstone, which only Load and Derived find.
	PutImage(ImageRecord) error

	// PutShares stores shares, all of one image, each in place of the one with the same grantee, if any. A deleted image
	// gets none: they are ignored.
	PutShares([]Share) error

	// DeleteShares removes the shares of image with these grantees, as far as they exist.
	DeleteShares(image ImageID, grantees []Grantee) error

	// PutInstance stores a record in place of the one with the same ID, if any. A record with TerminatedAt is kept, but
	// only Load finds it, and it counts nowhere.
	PutInstance(InstanceRecord) error

	// PutTrust stores the trust policy of account in place of the previous one. The zero value is equivalent to none.
	PutTrust(account AccountID, trust Trust) error

	// Append appends events to the log, in their order. The store gives each event its Cursor.
	Append([]Event) error
}

// An ImageRecord is an image as it is stored: its source and replacement are complete, whoever may see them.
//
// As in [Image], the fields that every decision reads come first: they lie together in memory.
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
	// Account is the account for which images are read, and Organizations are those that it is in.
	Account       AccountID
	Organizations []OrganizationID
	// Trust asks for State.Trust.
	Trust bool
	// Instance asks for State.Instance.
	Instance InstanceID
	// Image asks for State.Image and State.Sequence. If Image is empty and Instance is not, then Image stands, here and
	// below, for the image that the instance's system disk is made from.
	Image ImageID
	// Images and Instances ask for State.Images and State.Instances.
	Images    []ImageID
	Instances []InstanceID
	// Grantees asks for State.Shares: the shares of Image with these grantees, none of which is named twice.
	Grantees []Grantee
	// AllShares, given in place of Grantees and never with it, asks for State.Shares: all shares of Image. PresentAt
	// asks for State.PresentShares: the number of shares of Image that have not expired at this instant.
	//
	// Both are answered only if Account is not empty and is the Owner in Image's record. For any other account, and for
	// an image without a record, State has no shares and a count of zero. The store must not read the shares then: an
	// account that does not see an image must learn nothing of it, not even from how long the answer takes (R20), and
	// what it must not learn is not to be read.
	AllShares bool
	PresentAt time.Time
	// ImagesIn asks for State.ImagesOwned: the number of images that Account owns in this region.
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
	// Operation holds the events of the operation, in the order of the log. It is empty
	// if the operation made no change.
	Operation []Event
	// Trust is the trust policy of Account.
	Trust Trust
	// Instance is nil if no instance ever had the ID.
	Instance *InstanceRecord
	// Image is what Account has of the image.
	Image Access
	// Sequence is the number of the last event about the image, or 0 if there is none.
	Sequence int64
	// Images and Instances are in the order of the Need. An instance is nil if none ever had the ID.
	Images    []Access
	Instances []*InstanceRecord
	// Shares are in ascending order of grantee, including expired ones. Only the image's owner is given all of them.
	Shares []Share
	// PresentShares, ImagesOwned and OwnInstances are counts: of the image's shares that have not expired, for its
	// owner alone; of Account's images in the region, except deleted ones; and of Account's instances made from the
	// image, except terminated ones.
	PresentShares, ImagesOwned, OwnInstances int
	// Taken reports whether an image, deleted or not, has the ID NewImage, or an instance,
	// terminated or not, the ID NewInstance.
	Taken bool
}

// Access is what an account has of an image: the image's record, and the shares that reach the account.
type Access struct {
	// Image is nil if no image ever had the ID.
	Image *ImageRecord
	// Own is the share made with the account itself, Organization the one that lasts longest of those made with its
	// organisations, and Everyone the one made with everyone. Expired shares are included. A deleted image has none.
	Own, Organization, Everyone Grant
}

// A Grant is what a share gives: whether there is one, its status, and when it expires.
type Grant struct {
	Exists  bool
	Status  ShareStatus
	Expires time.Time // zero: never
}

// An ImageScan selects images that are not deleted. All conditions must hold.
type ImageScan struct {
	// Account is the account for which the images are read, and Organizations are those that it is in.
	Account       AccountID
	Organizations []OrganizationID
	// Query.Origin, if it is not zero, selects the images to which any of its bits applies: Account owns the image
	// (OriginOwn); there is a share with Account or with one of Organizations, whatever its status and expiry
	// (OriginShared); or there is a share with everyone (OriginPublic). Query.Deprecated means nothing here. Every
	// other field that is not zero must be equal, labels included; Source is that of the record.
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
	// After, if not zero, selects the shares that come after this position.
	After ShareKey
	// Limit is positive.
	Limit int
}

// A ShareKey is the position of a share in listings.
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
