package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// The test's program is also the program that is interrupted: with arguments in this variable it moves, and waits in the middle.
const argsVariable = "MOVE_TEST_ARGS"

func TestMain(m *testing.M) {
	from, to, child := strings.Cut(os.Getenv(argsVariable), "\n")
	if !child {
		os.Exit(m.Run())
	}
	ctx := interruptible()
	if err := run(ctx, waiting{os.Stdout, ctx}, from, to); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// half is what is printed in the middle of a move.
const half = " 50 %"

// A waiting writer waits in the middle until its context ends.
type waiting struct {
	io.Writer
	ctx context.Context
}

func (w waiting) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if strings.HasPrefix(string(p), half) {
		<-w.ctx.Done()
	}
	return n, err
}

// want fails the test if the move fails, or does not say what it should.
func want(t *testing.T, from, to string, texts ...string) {
	t.Helper()
	var out strings.Builder
	if err := run(t.Context(), &out, from, to); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, text := range append(texts, "equal: ", "what 31 accounts see") {
		if !strings.Contains(out.String(), text) {
			t.Errorf("%q is not in the output:\n%s", text, out.String())
		}
	}
}

// aPart returns the name of a file that a part of the catalogue was moved to.
func aPart(t *testing.T) string {
	t.Helper()
	file := "sqlite:" + filepath.Join(t.TempDir(), "part.db")
	part, err := newCatalogue(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	to, err := open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(move(t.Context(), io.Discard, part, to), to.Close()); err != nil {
		t.Fatal(err)
	}
	return file
}

// The whole catalogue goes from memory to SQLite, and back to memory.
func TestR24_SQLite(t *testing.T) {
	file := "sqlite:" + filepath.Join(t.TempDir(), "images.db")
	want(t, "memory-catalogue", file, "\n100 %")
	want(t, file, "memory")
	want(t, "memory-catalogue", file, "are there already") // the catalogue's log is the same each time
}

// A part of the catalogue goes from each kind of store to each other kind, round and home, and is equal to what it was.
func TestR24_Round(t *testing.T) {
	file := func(name string) string { return "sqlite:" + filepath.Join(t.TempDir(), name) }
	from := aPart(t)
	at := from
	for _, to := range []string{startPostgres(t), startEtcd(t), startPostgres(t), file("a"), startEtcd(t), file("b")} {
		want(t, at, to)
		at = to
	}
	want(t, from, at, "are there already")
}

// A move that is interrupted or killed in the middle goes on when the same command is run again.
func TestR24_Interrupted(t *testing.T) {
	from := aPart(t)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			file := "sqlite:" + filepath.Join(t.TempDir(), "images.db")
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), argsVariable+"="+from+"\n"+file)
			stdout, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			lines, last := bufio.NewScanner(stdout), ""
			for lines.Scan() {
				if last = lines.Text(); strings.HasPrefix(last, half) {
					if err := child.Process.Signal(sig); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := child.Wait(); err == nil {
				t.Fatal("the child got through")
			}
			if sig == syscall.SIGINT && !strings.HasPrefix(last, "interrupted: run the same command again") {
				t.Errorf("it ended with %q", last)
			}
			want(t, from, file, "are there already")
		})
	}
}

// What can't be moved, or was not moved well, is an error that says so.
func TestErrors(t *testing.T) {
	ctx := t.Context()
	part := func(n int) store {
		s, err := newCatalogue(ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for text, err := range map[string]error{
		"there is nothing to move":       run(ctx, io.Discard, "memory", "memory"),
		"no such file":                   run(ctx, io.Discard, "sqlite:nothing.db", "memory"),
		"no such kind of store":          run(ctx, io.Discard, "oracle:x", "memory"),
		"which kind of store? A file is": run(ctx, io.Discard, "memory-catalogue", "go.mod"),
		"-to sqlite:/no/such/folder/f":   run(ctx, io.Discard, "memory-catalogue", "sqlite:/no/such/folder/f"),
		"is not the beginning":           move(ctx, io.Discard, part(10), part(20)),
	} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %q", err, text)
		}
	}
}

// The comparison finds a difference in the log, and in what an account sees.
func TestCompare(t *testing.T) {
	engine := func(name string) *sharing.Engine {
		e, err := sharing.New(memstore.New())
		if err != nil {
			t.Fatal(err)
		}
		if name != "" {
			if _, err := e.Register(t.Context(), publisher, sharing.ImageSpec{Name: name, Region: "eu-1"}); err != nil {
				t.Fatal(err)
			}
		}
		return e
	}
	for _, pair := range [][2]string{{"a", "b"}, {"a", ""}, {"", "a"}} {
		a, b := engine(pair[0]), engine(pair[1])
		if _, err := compareLogs(t.Context(), a, b); err == nil || !strings.Contains(err.Error(), "the events differ") {
			t.Errorf("%q: got %v", pair, err)
		}
		if err := compareViews(t.Context(), a, b, publisher); err == nil || !strings.Contains(err.Error(), "the images differ") {
			t.Errorf("%q: got %v", pair, err)
		}
	}
}
