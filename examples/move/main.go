// Move moves the whole content of a store into another kind of store:
//
//	go run . -from memory-catalogue -to sqlite:/tmp/images.db
//	go run . -from sqlite:/tmp/images.db -to postgres://sharing@localhost/sharing
//	go run . -from postgres://sharing@localhost/sharing -to etcd:http://10.0.0.1:2379,http://10.0.0.2:2379
//
// It writes the event log of the first store into the second, which then holds the same state. At the end it compares
// both: the logs, and what each account sees. The first store is not changed; nothing may write to it meanwhile. A move
// that was interrupted, by Ctrl-C or in any other way, goes on where it stopped when the same command is run again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	log.SetFlags(0)
	from := flag.String("from", "memory-catalogue", "the `store` to move from: "+kinds)
	to := flag.String("to", "memory", "the `store` to move to, which is empty or was begun by the same move")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("what is %q? The stores are given by -from and -to", flag.Arg(0))
	}
	if err := run(interruptible(), os.Stdout, *from, *to); err != nil {
		log.Fatal(err)
	}
}

// interruptible returns a context that Ctrl-C cancels. A second Ctrl-C ends the program.
func interruptible() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

// run opens the stores, moves, compares, and closes them.
func run(ctx context.Context, out io.Writer, from, to string) (err error) {
	if file, ok := strings.CutPrefix(from, "sqlite:"); ok { // which open would make
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("-from %s: %w", from, err)
		}
	}
	source, err := open(ctx, from)
	if err != nil {
		return fmt.Errorf("-from %s: %w", from, err)
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := open(ctx, to)
	if err != nil {
		return fmt.Errorf("-to %s: %w", to, err)
	}
	defer func() { err = errors.Join(err, target.Close()) }()

	err = move(ctx, out, source, target)
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted: run the same command again, it goes on where it stopped (%w)", err)
	}
	return err
}
