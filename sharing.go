package sharing

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// An Engine applies the rules of image sharing to the state in a [Store]. Make one with [New].
//
// The actor of a call, the account that makes it, is always the parameter after the context.
// A method's error is a [*Refusal] if a rule refuses, or wraps [ErrInvalid], [ErrConflict], [ErrOutcomeUnknown],
// the context's error, the directory's, or the store's own. Nothing was changed, unless the error is ErrOutcomeUnknown:
// then it may have been.
//
// An Engine is safe for concurrent use. It keeps nothing between calls and starts no goroutine; engines on the
// same store behave as one.
type Engine struct {
	store        Store
	fresh        bool // it is a FreshStore
	policy       Policy
	clock        func() time.Time
	ids          func() string
	directory    Directory
	granteeCheck func(ctx context.Context, owner AccountID, image Image, g Grantee) error
	logger       *slog.Logger

	dryRun    bool
	once      bool
	onceToken string
}

// An Option configures a new [Engine].
type Option func(*Engine) error

// WithPolicy sets the limits and choices of the platform. The default is the zero [Policy].
func WithPolicy(p Policy) Option {
	return func(e *Engine) error { e.policy = p; return nil }
}

// WithClock sets the clock that times and expiries are judged by. The default is [time.Now].
// Engines on one store should have clocks that agree: a share has expired for an engine when
// its own clock says so (R15). While it gives a year before 0 or after 9999, changes fail.
func WithClock(now func() time.Time) Option {
	return func(e *Engine) error {
		if now == nil {
			return invalid("clock", "is nil: give a function, or leave the option out")
		}
		e.clock = now
		return nil
	}
}

// WithIDs sets the generator of the IDs of images and instances. By default they are random:
// 26 letters and digits. The generator must be safe for concurrent use. If it gives an ID
// that was used before, the engine asks again, up to 100 times a call, which then fails.
func WithIDs(next func() string) Option {
	return func(e *Engine) error {
		if next == nil {
			return invalid("ID generator", "is nil: give a function, or leave the option out")
		}
		e.ids = next
		return nil
	}
}

// WithDirectory sets the directory of organisations. Without one a share with an organisation is [ErrInvalid] (R19).
func WithDirectory(d Directory) Option {
	return func(e *Engine) error {
		if d == nil {
			return invalid("directory", "is nil: give one, or leave the option out")
		}
		e.directory = d
		return nil
	}
}

// WithLogger sets where the engine logs what an operator should know: store outcomes that it had to find out (R26)
// and errors of the directory, both as warnings. By default nothing is logged.
func WithLogger(l *slog.Logger) Option {
	return func(e *Engine) error {
		if l == nil {
			return invalid("logger", "is nil: give one, or leave the option out")
		}
		e.logger = l
		return nil
	}
}

// WithGranteeCheck sets a check of whom an owner may share with: does the account exist, is it
// in the same company (R19)? It is called outside of transactions, once for each new grantee of
// a call that the rules allow so far, and must be safe for concurrent use. Its error refuses
// the call with [ErrGranteeRefused], which wraps it. A panic in it leaves nothing changed.
func WithGranteeCheck(check func(ctx context.Context, owner AccountID, image Image, g Grantee) error) Option {
	return func(e *Engine) error {
		if check == nil {
			return invalid("grantee check", "is nil: give a function, or leave the option out")
		}
		e.granteeCheck = check
		return nil
	}
}

// New returns an engine on store. Its error wraps [ErrInvalid] if store, an option, or what an option was given is nil.
func New(store Store, opts ...Option) (*Engine, error) {
	if store == nil {
		return nil, fmt.Errorf("New: %w", invalid("store", "is nil: open one"))
	}
	e := &Engine{
		store:  store,
		clock:  time.Now,
		ids:    func() string { return strings.ToLower(rand.Text()) },
		logger: slog.New(slog.DiscardHandler),
	}
	_, e.fresh = store.(FreshStore)
	for _, opt := range opts {
		if opt == nil {
			return nil, fmt.Errorf("New: %w", invalid("option", "is nil: leave it out"))
		}
		if err := opt(e); err != nil {
			return nil, fmt.Errorf("New: %w", err)
		}
	}
	return e, nil
}

// DryRun returns an engine on the same store whose changes are all decided and none kept: each call answers
// as e would, with the same result or error, and leaves nothing behind, not even an event or a used token.
func (e *Engine) DryRun() *Engine {
	dry := *e
	dry.dryRun = true
	return &dry
}

// Once returns an engine on the same store whose changes carry the token (R23). For each actor, the
// first change under a token is made; a later one with the same request, after a lost answer say,
// gives the first answer as it was then, and changes nothing; with another request it is [ErrInvalid].
// Tokens never expire. A token is 1 to 128 bytes of valid UTF-8 without control characters and spaces.
// A refused call, a dry run, a read and a change that changes nothing use up no token.
func (e *Engine) Once(token string) *Engine {
	once := *e
	once.once, once.onceToken = true, token
	return &once
}
