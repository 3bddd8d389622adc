package linearizability

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"

	"github.com/imageshare/sharing"
)

// A Store is a store that an [Opener] opened.
type Store interface {
	sharing.Store
	io.Closer
}

// An Opener opens the store that place names, such as a file's path or a server's address,
// in this process or in another.
type Opener func(ctx context.Context, place string) (Store, error)

// A History says what is to be recorded: how many callers call what, and from where. Each recording is a new one.
type History struct {
	Place string // passed to the opener
	// Images is the number of images that the calls are about.
	Images int
	// Processes is the number of processes that make calls: this one, and others of the same program.
	Processes int
	// Engines is the number of engines in each process, each on a store that it opens for itself.
	Engines int
	// Callers is the number of callers in each process, which call at once. Each makes the given number
	// of Calls, one after the other.
	Callers, Calls int
	Seed           uint64
}

// A part is the portion of a history that one process records.
type part struct {
	History
	Subjects []Subject
	Process  int
}

const partVariable = "LINEARIZABILITY_PART"

// Serve does this process's part of a history and then ends the process, if [History.Record] started the process for
// that. A program that records histories in several processes has to call Serve before anything else.
func Serve(open Opener) {
	text, ok := os.LookupEnv(partVariable)
	if !ok {
		return
	}
	if err := serve(text, open); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(text string, open Opener) error {
	var p part
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	operations, err := p.record(context.Background(), open, func() error {
		fmt.Println("ready")
		_, err := io.Copy(io.Discard, os.Stdin) // ends when all processes are ready
		return err
	})
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(operations)
}

// Record makes the images, lets all callers call at once, and returns what they wrote down, for [Verify]. It returns an
// error if a call ends with one that is neither a rule's refusal nor an error that a store may return.
func (h History) Record(ctx context.Context, open Opener) (operations []Operation, err error) {
	p := part{History: h}
	if p.Subjects, err = p.prepare(ctx, open); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var others []*other
	defer func() {
		cancel() // ends the processes that are still at work
		for _, o := range others {
			_ = o.cmd.Wait() // its output was read, or there was an error before
		}
	}()
	for p.Process = 1; p.Process < h.Processes; p.Process++ {
		o, err := p.start(ctx)
		if err != nil {
			return nil, err
		}
		others = append(others, o)
	}
	p.Process = 0
	operations, err = p.record(ctx, open, func() error {
		for _, o := range others {
			if _, err := fmt.Fscanln(o.out, new(string)); err != nil {
				return fmt.Errorf("another process is not ready: %w", err)
			}
		}
		for _, o := range others {
			if err := o.in.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, o := range others {
		theirs, err := o.end()
		if err != nil {
			return nil, err
		}
		operations = append(operations, theirs...)
	}
	if want := max(1, h.Processes) * h.Callers * h.Calls; len(operations) != want {
		return nil, fmt.Errorf("%d calls were recorded instead of %d", len(operations), want)
	}
	return operations, nil
}

// prepare makes the images of a history.
func (p *part) prepare(ctx context.Context, open Opener) (subjects []Subject, err error) {
	store, err := open(ctx, p.Place)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	engine, err := newEngine(store)
	if err != nil {
		return nil, err
	}
	return prepare(ctx, engine, p.Images)
}

func newEngine(store sharing.Store) (*sharing.Engine, error) {
	return sharing.New(store, sharing.WithPolicy(sharing.Policy{MaxShares: maxShares}))
}

// record opens the engines, waits until all processes are ready, and calls.
func (p *part) record(ctx context.Context, open Opener, wait func() error) (operations []Operation, err error) {
	engines := make([]*sharing.Engine, p.Engines)
	for i := range engines {
		store, err := open(ctx, p.Place)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
		if engines[i], err = newEngine(store); err != nil {
			return nil, err
		}
	}
	if err := wait(); err != nil {
		return nil, err
	}
	made, errs := make([][]Operation, p.Callers), make([]error, p.Callers)
	var all sync.WaitGroup
	for i := range p.Callers {
		all.Go(func() {
			made[i], errs[i] = call(ctx, engines[i%len(engines)], p.Subjects, p.Process*p.Callers+i, p.Calls, p.Seed)
		})
	}
	all.Wait()
	for _, one := range made {
		operations = append(operations, one...)
	}
	return operations, errors.Join(errs...)
}

// An other is another process at its part.
type other struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out io.Reader
}

func (p *part) start(ctx context.Context) (*other, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	o := &other{cmd: exec.CommandContext(ctx, os.Args[0])}
	o.cmd.Env, o.cmd.Stderr = append(os.Environ(), partVariable+"="+string(text)), os.Stderr
	if o.in, err = o.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if o.out, err = o.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	return o, o.cmd.Start()
}

// end waits for the process, and returns what it wrote down.
func (o *other) end() (operations []Operation, err error) {
	err = json.NewDecoder(o.out).Decode(&operations)
	return operations, errors.Join(err, o.cmd.Wait())
}
