package pgstore_test

import (
	"context"
	"encoding/json"
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

// A job is work for another process: the test's own program, started again.
type job struct {
	DSN            string
	Subjects       []linearizability.Subject // calls on these, or
	Hot            sharing.ImageID           // launches from this one
	Callers, Calls int
	FirstCaller    int
	Seed           uint64
}

const jobVariable = "PGSTORE_TEST_JOB"

func TestMain(m *testing.M) {
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

// doJob does a job, and prints what it wrote down.
func doJob(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	history, err := j.do(context.Background())
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(history)
}

// do makes the calls, from many callers on two engines.
func (j *job) do(ctx context.Context) ([]linearizability.Operation, error) {
	var engines []*sharing.Engine
	for range 2 {
		store, err := pgstore.Open(ctx, j.DSN)
		if err != nil {
			return nil, err
		}
		defer store.Close()
		engine, err := sharing.New(store, sharing.WithPolicy(sharing.Policy{MaxShares: linearizability.MaxShares}))
		if err != nil {
			return nil, err
		}
		engines = append(engines, engine)
	}
	var mu sync.Mutex
	var history []linearizability.Operation
	var wrong error
	var all sync.WaitGroup
	for caller := range j.Callers {
		all.Go(func() {
			engine := engines[caller%len(engines)]
			var made []linearizability.Operation
			var err error
			if j.Hot == "" {
				made = linearizability.Call(ctx, engine, j.Subjects, j.FirstCaller+caller, j.Calls, j.Seed)
			} else {
				for n := 0; n < j.Calls && err == nil; n++ {
					_, err = engine.Launch(ctx, "owner", sharing.LaunchSpec{Image: j.Hot, Region: "region"})
				}
			}
			mu.Lock()
			defer mu.Unlock()
			history = append(history, made...)
			if err != nil {
				wrong = err
			}
		})
	}
	all.Wait()
	return history, wrong
}

// inTwo does the job here and in another process at once.
func (j job) inTwo(t *testing.T) []linearizability.Operation {
	t.Helper()
	there := j
	there.FirstCaller += j.Callers
	text, err := json.Marshal(there)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), jobVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	history, err := j.do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var theirs []linearizability.Operation
	if err := json.NewDecoder(out).Decode(&theirs); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return append(history, theirs...)
}

// TestR21_Linearizable lets callers on four engines in two processes call at once, and looks for an order that explains their answers.
func TestR21_Linearizable(t *testing.T) {
	b := sharedBed(t)
	database := b.database(t)
	j := job{DSN: b.DSN(database) + " pool_max_conns=8", Callers: 4, Calls: 60, Seed: 1}
	engine, err := sharing.New(b.open(t, database), sharing.WithPolicy(sharing.Policy{MaxShares: linearizability.MaxShares}))
	if err != nil {
		t.Fatal(err)
	}
	if j.Subjects, err = linearizability.Prepare(t.Context(), engine, 3); err != nil {
		t.Fatal(err)
	}
	history := j.inTwo(t)
	if want := 2 * j.Callers * j.Calls; len(history) != want {
		t.Fatalf("%d calls instead of %d", len(history), want)
	}
	if err := linearizability.Verify(history, time.Minute); err != nil {
		t.Error(err)
	}
}

// TestHotImage launches from one image by 32 callers in each of two processes at once: all of it is made, none gives up.
func TestHotImage(t *testing.T) {
	b := sharedBed(t)
	database := b.database(t)
	j := job{DSN: b.DSN(database) + " pool_max_conns=40", Callers: 32, Calls: 8}
	store := b.open(t, database)
	engine := newEngine(t, store)
	img, err := engine.Register(t.Context(), "owner", sharing.ImageSpec{Region: "region"})
	if err != nil {
		t.Fatal(err)
	}
	j.Hot = img.ID
	begin := time.Now()
	j.inTwo(t)
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
