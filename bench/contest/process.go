package contest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
)

// An Opener opens contestants in another process of this program; the argument says what to open them on.
type Opener func(ctx context.Context, argument string) ([]Contestant, error)

// A Process is another process of this program, which does the units that it is asked for.
type Process struct {
	cmd    *exec.Cmd
	client *rpc.Client
}

const processVariable = "SHARING_BENCH_PROCESS"

// Start starts another process, which opens contestants with the opener of that name. [Serve] must know the opener.
func Start(opener, argument string) (*Process, error) {
	there, err := json.Marshal([]string{opener, argument})
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), processVariable+"="+string(there)), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd, rpc.NewClient(pipe{out, in})}
	if err := p.do("", 0); err != nil { // until it is ready
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Close ends the process.
func (p *Process) Close() error { return errors.Join(p.client.Close(), p.cmd.Wait()) }

func (p *Process) do(contestant string, n int) error {
	return p.client.Call("units.Do", unit{contestant, n}, &struct{}{})
}

// Halve returns a contestant that does every other unit here, and the rest in the other process.
func (p *Process) Halve(c Contestant) Contestant {
	here := c.Do
	c.Do = func(ctx context.Context, n int) error {
		if n%2 == 0 {
			return here(ctx, n)
		}
		return p.do(c.Name, n)
	}
	return c
}

// Serve, in a process started by [Start], does the units that the other process asks for, and then ends the program.
// A program must call it before anything else.
func Serve(openers map[string]Opener) {
	there, ok := os.LookupEnv(processVariable)
	if !ok {
		return
	}
	if err := serve(there, openers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(there string, openers map[string]Opener) error {
	var named []string
	if err := json.Unmarshal([]byte(there), &named); err != nil || len(named) != 2 || openers[named[0]] == nil {
		return fmt.Errorf("nothing is known of the process %s", there)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	contestants, err := openers[named[0]](ctx, named[1])
	if err != nil {
		return err
	}
	u := &units{ctx: ctx, do: make(map[string]func(context.Context, int) error)}
	for _, c := range contestants {
		u.do[c.Name] = c.Do
	}
	server := rpc.NewServer()
	if err := server.RegisterName("units", u); err != nil {
		return err
	}
	server.ServeConn(pipe{os.Stdin, os.Stdout})
	return nil
}

// units is what a process does for another.
type units struct {
	ctx context.Context
	do  map[string]func(context.Context, int) error
}

// A unit is one of a contestant.
type unit = struct {
	Contestant string
	N          int
}

// Do does one unit, or nothing if no contestant is named.
func (u *units) Do(asked unit, _ *struct{}) error {
	if asked.Contestant == "" {
		return nil
	}
	do := u.do[asked.Contestant]
	if do == nil {
		return fmt.Errorf("there is no contestant %q", asked.Contestant)
	}
	return do(u.ctx, asked.N)
}

// A pipe is both directions as one.
type pipe struct {
	io.Reader
	io.WriteCloser
}
