// Bench measures this library side by side with floors and peers, and writes the tables
// and curves of docs/PERFORMANCE.md.
//
//	go run -C bench .                # the short form, some minutes
//	go run -C bench . -long          # with the largest sizes
//	go run -C bench . -only W1,W4    # some works
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/etcd"
	"github.com/imageshare/sharing/bench/memory"
	"github.com/imageshare/sharing/bench/postgres"
	"github.com/imageshare/sharing/bench/report"
	"github.com/imageshare/sharing/bench/sqlite"
)

// works are all that is measured, in the order of the report.
func works() []contest.Work {
	return slices.Concat(
		memory.Works(),
		postgres.Works(),
		sqlite.Works(),
		etcd.Works(),
		[]contest.Work{zanzibar()},
	)
}

func main() {
	contest.Serve(map[string]contest.Opener{postgres.ID: postgres.Open, sqlite.ID: sqlite.Open, etcd.ID: etcd.Open, etcd.ServerID: etcd.OpenServer})
	docs := flag.String("docs", "../docs", "the `folder` of PERFORMANCE.md, which gets the tables; without it they are only printed")
	only := flag.String("only", "", "the `works` to run, such as W1,W4; all if empty")
	long := flag.Bool("long", false, "the long form, with the largest sizes and more rounds")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *docs, *only, *long); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, docs, only string, long bool) error {
	all := works()
	selected, err := choose(all, only)
	if err != nil {
		return err
	}
	results, err := report.Load(docs)
	if err != nil {
		return err
	}
	// A page that can't take the tables says so before the work, not after it.
	save := func() error { return report.Save(docs, all, results) }
	switch err := save(); {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission):
		fmt.Printf("nothing is written, only printed: %v\n\n", err)
		save = func() error { return nil }
	case err != nil:
		return err
	}
	scale, form := contest.Short, "short"
	if long {
		scale, form = contest.Long, "long"
	}
	start := time.Now()
	var failed []string
	for _, work := range selected {
		fmt.Printf("## %s: %s\n\n", work.ID, work.Title)
		begin := time.Now()
		rows, err := work.Run(ctx, scale)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			fmt.Printf("failed: %v\n\n", err)
			failed = append(failed, work.ID)
			continue
		}
		result := report.Result{Date: begin.UTC(), Machine: report.Machine(), Scale: form, Seconds: time.Since(begin).Seconds(), Rows: rows}
		results[work.ID] = result
		fmt.Printf("%s\n", report.Table(work, result))
		if err := save(); err != nil {
			return err
		}
		runtime.GC() // what the work held is not the next one's burden
	}
	fmt.Printf("## Goals\n\n%s\nAll took %v.\n", report.Goals(all, results), time.Since(start).Round(time.Second))
	if len(failed) > 0 {
		return fmt.Errorf("these works failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

// choose returns the works that only names.
func choose(works []contest.Work, only string) ([]contest.Work, error) {
	if only == "" {
		return works, nil
	}
	var chosen []contest.Work
	for id := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(works, func(w contest.Work) bool { return w.ID == id })
		if i < 0 {
			return nil, fmt.Errorf("there is no work %s", id)
		}
		chosen = append(chosen, works[i])
	}
	return chosen, nil
}
