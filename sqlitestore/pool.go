package sqlitestore

import (
	"context"
	"errors"
	"sync"
)

// A pool is the right to use a number of connections at once. They are opened as they are needed.
type pool struct {
	rights chan struct{} // one element for each connection in use

	mu   sync.Mutex
	idle []*conn // the one used last, which has the most in its cache, at the end
}

func newPool(size int) *pool { return &pool{rights: make(chan struct{}, size)} }

// take waits for the right to use a connection, and returns an idle one, or nil where one is yet to be opened.
// Whoever has it puts it back, or nil for one that is closed.
func (p *pool) take(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p.rights <- struct{}{}:
	default: // only who has to wait pays for waiting on two things
		select {
		case p.rights <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil, nil
	}
	c := p.idle[last]
	p.idle = p.idle[:last]
	return c, nil
}

func (p *pool) put(c *conn) {
	if c != nil {
		p.mu.Lock()
		p.idle = append(p.idle, c)
		p.mu.Unlock()
	}
	<-p.rights
}

// close waits until no connection is in use, and closes them. Who takes the right to use one then has to give it back.
func (p *pool) close() (err error) {
	for range cap(p.rights) {
		p.rights <- struct{}{}
	}
	for _, c := range p.idle {
		err = errors.Join(err, c.close())
	}
	p.idle = nil
	for range cap(p.rights) { // there may be some who wait for it
		<-p.rights
	}
	return err
}
