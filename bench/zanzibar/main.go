// Zanzibar compares this library with OpenFGA and SpiceDB, two systems modelled on Google's Zanzibar, each embedded as
// a library. It prints the rows of its work as JSON, for the program in the folder above, which is the one to run.
//
// It is a module of its own since it takes minutes to build.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/imageshare/sharing/bench/contest"
)

func main() {
	scale := flag.Int("scale", int(contest.Tiny), "of the work, as the package contest numbers it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	rows, err := run(ctx, contest.Scale(*scale))
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(rows)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
