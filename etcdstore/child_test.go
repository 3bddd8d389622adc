package etcdstore

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
)

// childEnv says what the test binary is to be, when a test starts it as another process: one of children. What to do it
// reads as JSON from its standard input, and ends when that ends; what it found it writes as JSON to its standard output.
const childEnv = "ETCDSTORE_TEST_CHILD"

var children map[string]func() error

func init() {
	children = map[string]func() error{"member": memberChild, "hot": hotChild}
}

// A child is another process of this binary.
type child struct {
	*exec.Cmd
	stdin  io.WriteCloser
	stdout *json.Decoder
}

// startChild starts a process that is told task.
func startChild(t testing.TB, kind string, task any) *child {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+kind)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd, stdin, json.NewDecoder(stdout)}
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended
		_ = c.Wait()
	})
	if err := json.NewEncoder(stdin).Encode(task); err != nil {
		t.Fatal(err)
	}
	return c
}

// told reads what a child is to do.
func told(task any) error { return json.NewDecoder(os.Stdin).Decode(task) }
