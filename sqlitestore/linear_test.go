package sqlitestore_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/sqlitestore"
)

var histories = flag.Int("histories", 10, "how many histories are recorded and checked")

// TestR21_Linearizable records what several engines on one file do at once, and asks whether there is an order
// of the calls, one by one, that explains all answers: with engines in one process, and in several.
func TestR21_Linearizable(t *testing.T) {
	for _, children := range []int{0, 2} {
		t.Run(fmt.Sprint("Children", children), func(t *testing.T) {
			for range *histories {
				recordAndCheck(t, children)
			}
		})
	}
}

const (
	limit  = 3 // of shares
	owner  = sharing.AccountID("alice")
	images = 3
)

var grantees = []sharing.AccountID{"g0", "g1", "g2", "g3", "g4"}

func recordAndCheck(t *testing.T, children int) {
	path := filepath.Join(memoryFolder(t), "store.db")
	engine := engineOn(t, openStore(t, path), "img")
	for range images {
		if _, err := engine.Register(t.Context(), owner, sharing.ImageSpec{Region: "eu"}); err != nil {
			t.Fatal(err)
		}
	}
	var others []childProcess
	for i := range children {
		others = append(others, startChild(t, "record", path, fmt.Sprint(1000*(i+1))))
	}
	for _, other := range others {
		other.lines.Scan() // it is ready
	}
	for _, other := range others {
		other.stdin.Close()
	}
	history, err := record(t.Context(), []*sqlitestore.Store{openStore(t, path), openStore(t, path)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range others {
		for other.lines.Scan() {
			var op operation
			if err := json.Unmarshal(other.lines.Bytes(), &op); err != nil {
				t.Fatal(err)
			}
			history = append(history, op)
		}
		if err := other.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	var ops []porcupine.Operation
	for _, op := range history {
		ops = append(ops, porcupine.Operation{ClientId: op.Client, Input: op, Call: op.Call, Output: op, Return: op.Return})
	}
	if result := porcupine.CheckOperationsTimeout(model, ops, time.Minute); result != porcupine.Ok {
		t.Errorf("R21: no order of these %d calls explains the answers: %v", len(ops), result)
	}
}

// An operation is a call and its answer.
type operation struct {
	Client       int
	Call, Return int64 // nanoseconds of the machine's clock, which all its processes share
	Image        int
	Op           string
	Grantee      int
	Error        string // "", "not found" or "limit"
	Shared       uint8  // for a list: a bit for each grantee
}

// recordRole records operations in a process of its own, and prints them.
func recordRole(ctx context.Context, store *sqlitestore.Store, args []string) error {
	var client int
	fmt.Sscan(args[0], &client)
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin) // until all are
	history, err := record(ctx, []*sqlitestore.Store{store}, client)
	for _, op := range history {
		text, err := json.Marshal(op)
		if err != nil {
			return err
		}
		fmt.Println(string(text))
	}
	return err
}

// record lets clients, numbered from first on, make calls of engines on the stores.
func record(ctx context.Context, stores []*sqlitestore.Store, first int) ([]operation, error) {
	const clients, calls = 6, 40
	histories, errs := make([][]operation, clients), make([]error, clients)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			e, err := sharing.New(stores[i%len(stores)], sharing.WithPolicy(sharing.Policy{MaxShares: limit}))
			for n := 0; err == nil && n < calls; n++ {
				op := operation{Client: first + i, Image: 1 + rand.IntN(images), Grantee: rand.IntN(len(grantees))}
				op.Op = []string{"share", "share", "share", "unshare", "unshare", "use", "use", "launch", "list", "list"}[rand.IntN(10)]
				if rand.IntN(150) == 0 {
					op.Op = "delete"
				}
				op.Call = time.Now().UnixNano()
				err = op.make(ctx, e)
				op.Return = time.Now().UnixNano()
				histories[i] = append(histories[i], op)
			}
			errs[i] = err
		})
	}
	all.Wait()
	var history []operation
	for _, h := range histories {
		history = append(history, h...)
	}
	return history, errors.Join(errs...)
}

// make makes the call and notes the answer. An error that no rule gives is its own.
func (op *operation) make(ctx context.Context, e *sharing.Engine) (err error) {
	image, account := sharing.ImageID(fmt.Sprint("img", op.Image)), grantees[op.Grantee]
	switch op.Op {
	case "share":
		_, err = e.Share(ctx, owner, image, sharing.Account(account))
	case "unshare":
		err = e.Unshare(ctx, owner, image, sharing.Account(account))
	case "use":
		err = e.CanUse(ctx, account, image, "eu")
	case "launch":
		_, err = e.Launch(ctx, account, sharing.LaunchSpec{Image: image, Region: "eu"})
	case "delete":
		err = e.ForceDelete(ctx, owner, image)
	case "list":
		for share, failed := range e.Shares(ctx, owner, image) {
			if err = failed; err != nil {
				break
			}
			for i, g := range grantees {
				if share.Grantee == sharing.Account(g) {
					op.Shared |= 1 << i
				}
			}
		}
	}
	switch {
	case errors.Is(err, sharing.ErrImageNotFound):
		op.Error = "not found"
	case errors.Is(err, sharing.ErrShareLimit):
		op.Error = "limit"
	default:
		return err
	}
	return nil
}

// A modelState is one image.
type modelState struct {
	shared  uint8
	deleted bool
}

var model = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byImage := make([][]porcupine.Operation, images)
		for _, op := range history {
			i := op.Input.(operation).Image - 1
			byImage[i] = append(byImage[i], op)
		}
		return byImage
	},
	Init: func() any { return modelState{} },
	Step: func(state, input, _ any) (bool, any) { return input.(operation).explains(state.(modelState)) },
}

// explains reports whether the answer is right in this state, and returns the state after the call.
func (op operation) explains(s modelState) (bool, modelState) {
	bit := uint8(1) << op.Grantee
	reached := s.shared&bit != 0
	want := ""
	after := s
	switch op.Op {
	case "share":
		switch {
		case reached:
		case bits.OnesCount8(s.shared) == limit:
			want = "limit"
		default:
			after.shared |= bit
		}
	case "unshare":
		after.shared &^= bit
	case "use", "launch":
		if !reached {
			want = "not found"
		}
	case "delete":
		after = modelState{deleted: true}
	case "list":
		if !s.deleted && op.Shared != s.shared {
			return false, s
		}
	}
	if s.deleted {
		want, after = "not found", s
	}
	return op.Error == want, after
}
