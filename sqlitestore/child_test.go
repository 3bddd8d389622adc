package sqlitestore_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/imageshare/sharing/linearizability"
	"github.com/imageshare/sharing/sqlitestore"
)

// Tests that need more than one process run this program again, as a child that does what a role says with a database file.
const (
	roleVariable = "SQLITESTORE_TEST_ROLE"
	argsVariable = "SQLITESTORE_TEST_ARGS"
)

// A role is what a child does: it prints what the test is to know, line by line.
var roles = map[string]func(ctx context.Context, store *sqlitestore.Store, args []string) error{
	"load":   loadRole,
	"hammer": hammerRole,
}

func TestMain(m *testing.M) {
	sqlitestore.SetPatience(1 << 30) // how long a lock is held says how slow the machine is
	linearizability.Serve(openLinear)
	if role := os.Getenv(roleVariable); role != "" {
		if err := child(role, strings.Split(os.Getenv(argsVariable), "\n")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if !isSet("rapid.checks") {
		flag.Set("rapid.checks", "15") // the root module's own tests make more, on the store in memory
	}
	os.Exit(m.Run())
}

func isSet(name string) (set bool) {
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

func child(role string, args []string) error {
	ctx := context.Background()
	store, err := sqlitestore.Open(ctx, args[0])
	if err != nil {
		return err
	}
	if err := roles[role](ctx, store, args[1:]); err != nil {
		return err
	}
	return store.Close()
}

// A childProcess is a role under way in another process.
type childProcess struct {
	*exec.Cmd
	lines *bufio.Scanner
	stdin io.Closer
}

// startChild starts a role on a file. It ends with its test at the latest.
func startChild(t testing.TB, role, path string, args ...string) childProcess {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), roleVariable+"="+role, argsVariable+"="+strings.Join(append([]string{path}, args...), "\n"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	return childProcess{cmd, lines, in}
}
