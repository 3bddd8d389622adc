// Package memstore keeps the state of a [sharing.Engine] in memory, and is the reference
// implementation of [sharing.Store].
//
//	engine, err := sharing.New(memstore.New())
//
// It is for tests, and for programs that can rebuild their state: the content of a store is gone when the program ends.
// [sharing.Replay] fills a new store from an event log that was kept elsewhere.
//
// Locks make transactions strictly serialisable. Updates run one after the other. The writes of an update are kept aside
// until its closure has returned nil, and are then applied by code that can't fail, so an update that ends in any other
// way leaves no trace. Views are kept out only while writes are applied. Each view holds one of several locks, so that
// processors don't wait for one another to count readers; applying writes takes all of the locks. A long view, such as an
// exposure of many thousand images, therefore keeps a change waiting until the view ends, and with the change all
// transactions that come after it.
//
// # Layout
//
// A decision reads one image and at most one share of it, so these lie close together: a map leads to the image, the
// image holds its record and its shares, and a share is found by searching a short list of hashes. Listings walk ordered
// sets of images, one for each owner, grantee, family, name, label and so on, and intersect them if a query has several
// conditions: the cost of a page depends on its own size, not on that of the store.
package memstore

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/imageshare/sharing"
)

// A Store keeps an engine's state in memory. Make one with [New]. It is safe for concurrent use.
type Store struct {
	writing lock // held by a transaction that writes, as long as it lasts

	// reading guard all that follows. A transaction that holds one of them may read, and one that holds all may write.
	// A transaction that writes needs none of them to read, since nobody else writes meanwhile.
	reading [readLocks]readLock

	images      map[sharing.ImageID]*image
	imagesBy    index[attribute, sharing.ImageID, *image]
	sharedWith  index[sharing.Grantee, sharing.ImageID, *image] // deleted images stay for a while: see leftover
	instances   map[sharing.InstanceID]*sharing.InstanceRecord
	instancesBy index[attribute, sharing.InstanceID, nothing]
	trust       map[sharing.AccountID]sharing.Trust
	log         log
	leftovers   []leftover

	seed    maphash.Seed  // of the tags of grantees
	views   sync.Pool     // of *view, since every decision needs one
	viewed  atomic.Uint32 // how many views were made
	updates sync.Pool     // of *update
}

var _ sharing.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	s := &Store{
		images:      make(map[sharing.ImageID]*image),
		imagesBy:    make(index[attribute, sharing.ImageID, *image]),
		sharedWith:  make(index[sharing.Grantee, sharing.ImageID, *image]),
		instances:   make(map[sharing.InstanceID]*sharing.InstanceRecord),
		instancesBy: make(index[attribute, sharing.InstanceID, nothing]),
		trust:       make(map[sharing.AccountID]sharing.Trust),
		log:         newLog(),
		seed:        maphash.MakeSeed(),
	}
	s.views.New = func() any { return &view{store: s, lock: &s.reading[s.viewed.Add(1)%readLocks]} }
	s.updates.New = func() any { return &update{view: view{store: s}} }
	return s
}

// tag returns what a chunk of shares keeps of the grantee's hash.
func (s *Store) tag(grantee sharing.Grantee) byte {
	return byte(maphash.String(s.seed, string(grantee)))
}

// A view is a transaction that reads.
type view struct {
	store *Store
	ctx   context.Context
	lock  *readLock // which a pool keeps with its processor; nil of a transaction that writes
}

// View implements [sharing.Store].
func (s *Store) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tx := s.views.Get().(*view)
	tx.ctx = ctx
	patiently(tx.lock.TryRLock, tx.lock.RLock)
	defer func() {
		tx.lock.RUnlock()
		tx.ctx = nil
		s.views.Put(tx)
	}()
	return fn(tx)
}

// Update implements [sharing.Store]. It never gives up, and always knows the outcome.
func (s *Store) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.writing.lock(ctx); err != nil {
		return err
	}
	tx := s.updates.Get().(*update)
	tx.ctx = ctx
	defer func() {
		s.writing.unlock()
		if cap(tx.events) <= blockLength { // what a large one took is not kept
			tx.reset()
			s.updates.Put(tx)
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.lock()
	defer s.unlock()
	put, left := 0, len(s.leftovers)
	for i := range tx.writes {
		s.apply(&tx.writes[i])
		put += len(tx.writes[i].shares)
	}
	s.appendEvents(tx.events, &tx.packed)
	if len(s.leftovers) == left { // a delete is to take as long however much it leaves: others sweep after it
		s.sweep(sweepRows(put))
	}
	return nil
}

// lock keeps out all transactions that read.
func (s *Store) lock() {
	for i := range s.reading {
		l := &s.reading[i]
		patiently(l.TryLock, l.Lock)
	}
}

func (s *Store) unlock() {
	for i := range s.reading {
		s.reading[i].Unlock()
	}
}
