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
// The actor, which is the account that makes the call, is always the parameter after the context. If a rule refuses the
// call, the error is a [*Refusal]. Otherwise it wraps [ErrInvalid], [ErrConflict], [ErrOutcomeUnknown], or the error of
// the context, the directory or the store; or it says that the clock or the ID generator is unusable, or that the store
// breaks its contract. A call that returns an error has changed nothing, except that after ErrOutcomeUnknown the change
// may have been made.
//
// An Engine is safe for concurrent use. It keeps nothing between calls and starts no goroutine; engines
// on the same store behave as one.
type Engine struct {
	store        Store
	fresh        bool // the store is a FreshStore
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

// WithClock sets the clock that supplies timestamps and decides when a share has expired. The default is [time.Now].
// Engines on one store should have clocks that agree: for each engine, a share has expired when the engine's own clock
// says so (R15). While the clock gives a year before 0 or after 9999, changes fail.
//
// The clock must be safe for concurrent use. The engine reads it within a transaction, so it has to be fast, and must
// not call the engine.
func WithClock(now func() time.Time) Option {
	return func(e *Engine) error {
		if now == nil {
			return invalid("clock", "is nil: give a function, or leave the option out")
		}
		e.clock = now
		return nil
	}
}

// WithIDs sets the generator of image and instance IDs. By default they are random: 26 letters and digits. The
// generator must be safe for concurrent use. If it gives an ID that was used before, the engine asks again: it asks up
// to 100 times in all, and then fails the call. An ID that is not valid fails the call at once.
func WithIDs(next func() string) Option {
	return func(e *Engine) error {
		if next == nil {
			return invalid("ID generator", "is nil: give a function, or leave the option out")
		}
		e.ids = next
		return nil
	}
}

// WithDirectory sets the directory of organisations. Without one, a share with an organisation is [ErrInvalid] (R19).
func WithDirectory(d Directory) Option {
	return func(e *Engine) error {
		if d == nil {
			return invalid("directory", "is nil: give one, or leave the option out")
		}
		e.directory = d
		return nil
	}
}

// WithLogger sets where the engine logs what an operator should know, as warnings: commit outcomes that the store lost
// and the engine looked up (R26), and errors of the directory. By default nothing is logged.
func WithLogger(l *slog.Logger) Option {
	return func(e *Engine) error {
		if l == nil {
			return invalid("logger", "is nil: give one, or leave the option out")
		}
		e.logger = l
		return nil
	}
}

// WithGranteeCheck sets a check of whom an owner may share with: for example, that the account exists, or that it is in
// the same company (R19). The engine calls it outside of transactions, once for each new grantee of a call that the
// rules have allowed so far, up to the first that it refuses; it must be safe for concurrent use. If it returns an
// error, the call is refused with [ErrGranteeRefused], and the refusal wraps that error. A panic in the check leaves
// nothing changed.
func WithGranteeCheck(check func(ctx context.Context, owner AccountID, image Image, g Grantee) error) Option {
	return func(e *Engine) error {
		if check == nil {
			return invalid("grantee check", "is nil: give a function, or leave the option out")
		}
		e.granteeCheck = check
		return nil
	}
}

// New returns an engine on store. The error wraps [ErrInvalid] if store or an option is nil,
// or if an option was given nil.
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

// DryRun returns an engine on the same store that decides every change but keeps none: each call returns the result or
// error that it would return on e, and leaves nothing behind, not even an event or a used token.
func (e *Engine) DryRun() *Engine {
	dry := *e
	dry.dryRun = true
	return &dry
}

// Once returns an engine on the same store whose changes carry the token (R23). For each actor, the first change under
// a token is made. A later one with the same request, for instance after a lost answer, returns the first result as it
// was then and changes nothing; with another request it is [ErrTokenReused]. Tokens never expire. A token is 1 to 128
// bytes of valid UTF-8 without control characters and spaces. A refused call, a dry run, a read, and a change that
// changes nothing use up no token.
func (e *Engine) Once(token string) *Engine {
	once := *e
	once.once, once.onceToken = true, token
	return &once
}
