package sqlitestore_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/sqlitestore"
)

var kills = flag.Int("kills", 20, "how many times a process is killed under load")

// TestKilled kills a process that changes things, at a random moment, again and again. Each time every change that
// was acknowledged is there, none that was refused is, the log tells the whole state, and the file can be used at once.
func TestKilled(t *testing.T) {
	var path string
	changes := 0
	for run := range *kills {
		if run%5 == 0 { // a new file now and then, since the whole log is replayed each time
			path = filepath.Join(memoryFolder(t), "store.db")
			copyFile(t, newScene(t), path)
		}
		load := startChild(t, "load", path, fmt.Sprint("run", run))
		var acknowledged, refused []string
		for load.lines.Scan() {
			what, word, _ := strings.Cut(load.lines.Text(), " ")
			switch what {
			case "made":
				if acknowledged == nil {
					time.AfterFunc(time.Duration(rand.IntN(int(100*time.Millisecond))), func() { load.Process.Kill() })
				}
				acknowledged = append(acknowledged, word)
			case "refused":
				refused = append(refused, word)
			}
		}
		if err := load.Wait(); load.ProcessState.Exited() {
			t.Fatal("the process ended before it was killed: ", err)
		}
		changes += len(acknowledged)
		state := dump(t, path)
		for _, word := range acknowledged {
			if !strings.Contains(state, word) {
				t.Errorf("run %d: %s was acknowledged, and is lost", run, word)
			}
		}
		for _, word := range refused {
			if strings.Contains(state, word) {
				t.Errorf("run %d: %s was refused, and is there", run, word)
			}
		}
		if replayed := dumpReplayed(t, path); replayed != state {
			t.Errorf("R24: run %d: replaying the log does not give the state:\n%s", run, cmp.Diff(state, replayed))
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d processes killed, %d acknowledged changes kept", *kills, changes)
}

// loadRole makes changes as fast as it can, each with a word that is in no other, and prints the words
// of those that were made and of those that were refused. It ends by being killed.
func loadRole(ctx context.Context, store *sqlitestore.Store, args []string) error {
	engine, err := sharing.New(store, sharing.WithPolicy(sharing.Policy{MaxShares: -1, MaxImages: -1}))
	if err != nil {
		return err
	}
	var printing sync.Mutex
	say := func(what, word string) {
		printing.Lock()
		defer printing.Unlock()
		fmt.Println(what, word)
	}
	failed := make(chan error)
	for worker := range 4 {
		go func() {
			for n := 0; ; n++ {
				word := fmt.Sprintf("%s-%d-%d-end", args[0], worker, n)
				switch err := loadCall(ctx, engine, n, word); {
				case err == nil:
					say("made", word)
				case errors.Is(err, sharing.ErrImageNotFound):
					say("refused", word)
				default:
					failed <- err
				}
			}
		}()
	}
	return <-failed
}

func loadCall(ctx context.Context, e *sharing.Engine, n int, word string) error {
	switch n % 5 {
	case 0:
		_, err := e.Share(ctx, "alice", "old1", sharing.Grantee(word))
		return err
	case 1:
		_, err := e.Launch(ctx, "alice", sharing.LaunchSpec{Image: "old1", Region: "eu", Labels: map[string]string{"word": word}})
		return err
	case 2:
		image, err := e.Register(ctx, "alice", sharing.ImageSpec{Region: "eu", Name: word})
		if err == nil {
			_, err = e.Share(ctx, "alice", image.ID, "a", "b", "c")
		}
		if err == nil {
			err = e.ForceDelete(ctx, "alice", image.ID)
		}
		return err
	case 3:
		return e.SetTrust(ctx, sharing.AccountID(word), sharing.Trust{Enforce: true})
	}
	_, err := e.Share(ctx, "stranger", "old1", sharing.Grantee(word))
	return err
}
