package pgstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/linearizability"
	"github.com/imageshare/sharing/pgstore"
)

func openLinear(ctx context.Context, dsn string) (linearizability.Store, error) {
	return pgstore.Open(ctx, dsn)
}

func TestMain(m *testing.M) {
	linearizability.Serve(openLinear)
	if text, ok := os.LookupEnv(jobVariable); ok {
		if err := doJob(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if shared.bed != nil {
		shared.bed.Remove()
	}
	os.Exit(code)
}

// TestR21_Linearizable lets callers on four engines in two processes call at once, and looks for an order that explains their answers.
func TestR21_Linearizable(t *testing.T) {
	b := sharedBed(t)
	h := linearizability.History{
		Place: b.DSN(b.database(t)) + " pool_max_conns=8", Images: 3, Processes: 2, Engines: 2, Callers: 4, Calls: 60, Seed: 1,
	}
	operations, err := h.Record(t.Context(), openLinear)
	if err != nil {
		t.Fatal(err)
	}
	if err := linearizability.Verify(operations, 5*time.Minute); err != nil {
		t.Error(err)
	}
}

// A job is work for another process, the test's own program, started again: launches from one image.
type job struct {
	DSN            string
	Image          sharing.ImageID
	Callers, Calls int
}

const jobVariable = "PGSTORE_TEST_JOB"

func doJob(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	return j.do(context.Background())
}

// do makes the calls.
func (j *job) do(ctx context.Context) error {
	store, err := pgstore.Open(ctx, j.DSN)
	if err != nil {
		return err
	}
	defer store.Close()
	engine, err := sharing.New(store)
	if err != nil {
		return err
	}
	errs := make([]error, j.Callers)
	var all sync.WaitGroup
	for caller := range j.Callers {
		all.Go(func() {
			for n := 0; n < j.Calls && errs[caller] == nil; n++ {
				_, errs[caller] = engine.Launch(ctx, "owner", sharing.LaunchSpec{Image: j.Image, Region: "region"})
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// TestHotImage launches from one image by 32 callers in each of two processes at once: all of it is made, none gives up.
func TestHotImage(t *testing.T) {
	b := sharedBed(t)
	database := b.database(t)
	engine := newEngine(t, b.open(t, database))
	img, err := engine.Register(t.Context(), "owner", sharing.ImageSpec{Region: "region"})
	if err != nil {
		t.Fatal(err)
	}
	j := job{DSN: b.DSN(database) + " pool_max_conns=40", Image: img.ID, Callers: 32, Calls: 8}
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	other := exec.CommandContext(t.Context(), os.Args[0])
	other.Env, other.Stderr = append(os.Environ(), jobVariable+"="+string(text)), os.Stderr
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.do(t.Context()), other.Wait()); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range engine.Instances(t.Context(), "owner", sharing.InstanceQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if want := 2 * j.Callers * j.Calls; n != want {
		t.Errorf("%d instances instead of %d", n, want)
	}
	t.Logf("%d launches from one image by %d callers in two processes in %v", n, 2*j.Callers, time.Since(begin))
}
