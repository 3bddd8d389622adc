//go:build unix

// Package filestore is a small store that keeps its data: the worked example in
// docs/STORES.md of how to write a store.
//
// It holds the state in memory, where package memstore answers all reads, and appends every change to a
// file, the journal, as one line for each transaction. Open reads the journal and makes the changes again.
package filestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// A Store keeps an engine's state in memory and in a journal. Make one with [Open]. It is safe for concurrent use.
type Store struct {
	state *memstore.Store

	writing chan struct{} // full while a transaction writes, from its reads to its end
	journal *os.File

	failed failure
}

var _ sharing.Store = (*Store)(nil)

// Open opens the store in the journal at path, which it creates if there is none. Only one program can have the journal
// open, and only once.
func Open(path string) (*Store, error) {
	journal, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	s := &Store{state: memstore.New(), writing: make(chan struct{}, 1), journal: journal}
	if err := s.begin(); err != nil {
		return nil, fmt.Errorf("filestore: %s: %w", path, errors.Join(err, journal.Close()))
	}
	return s, nil
}

// begin makes sure that nobody else writes the journal, and makes the journal's changes.
func (s *Store) begin() error {
	if err := syscall.Flock(int(s.journal.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("another store has it open: %w", err)
	}
	end, err := readJournal(s.journal, func(e entry) error { return s.state.Update(context.Background(), e.apply) })
	if err != nil {
		return err
	}
	if err := s.journal.Truncate(end); err != nil { // what a crash left of a transaction that nobody was told of
		return err
	}
	if end == 0 {
		if _, err := s.journal.WriteString(header); err != nil {
			return err
		}
	}
	return errors.Join(s.journal.Sync(), syncFolder(s.journal.Name()))
}

// syncFolder makes sure that a new file is found after a crash.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Close closes the journal. Afterwards every transaction fails.
func (s *Store) Close() error {
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	s.failed.set(os.ErrClosed)
	return s.journal.Close()
}

// View implements [sharing.Store].
func (s *Store) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	return s.state.View(ctx, func(tx sharing.ViewTx) error {
		if err := s.failed.get(); err != nil {
			return err
		}
		return fn(tx)
	})
}

// Update implements [sharing.Store]. Its closure reads first and then writes, and need not read what it wrote, so it
// can run in a transaction that only reads. What it wrote goes to the disk first and to memory afterwards, so that
// nobody reads what a crash could take back.
func (s *Store) Update(ctx context.Context, fn func(sharing.UpdateTx) error) error {
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	tx := &update{ctx: ctx}
	err := s.View(ctx, func(view sharing.ViewTx) error {
		tx.ViewTx = view
		return fn(tx)
	})
	if err == nil {
		err = ctx.Err()
	}
	if err != nil || len(tx.entry) == 0 {
		return err
	}
	line, err := tx.entry.line()
	if err != nil {
		return err
	}
	if err := s.append(line); err != nil {
		// The line may be there, or a part of it, or nothing. Only reading the journal anew can tell: until
		// then nothing is answered, lest the engine take a commit for missing that comes to light later.
		s.failed.set(err)
		return fmt.Errorf("filestore: %w: %w", sharing.ErrOutcomeUnknown, err)
	}
	return s.state.Update(context.WithoutCancel(ctx), tx.entry.apply) // it is committed, whatever becomes of ctx
}

// append appends a line to the journal, and forces it to the disk.
func (s *Store) append(line []byte) error {
	if _, err := s.journal.Write(line); err != nil {
		return err
	}
	return s.journal.Sync()
}

// A failure is why a store answers no more, if that is so.
type failure struct {
	mu  sync.Mutex
	err error
}

func (f *failure) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = fmt.Errorf("filestore: open the store anew: %w", err)
}

func (f *failure) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
