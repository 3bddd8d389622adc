package etcdstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/imageshare/sharing"
)

// A workerTask is what a process that makes calls is told. It has an engine of its own for each two callers.
type workerTask struct {
	Endpoint, Prefix string
	Images           []sharing.ImageID
	Process, Callers int
	Calls            int // of each caller
}

// A made call is one entry of a history: what account Grantee may do, or was given or taken, between two instants of the machine's clock.
type madeCall struct {
	Caller     int
	Image      int
	Grantee    int
	Op         string // "share", "unshare", "check" or "launch"
	OK         bool
	Start, End int64
}

const (
	linearImages   = 2
	linearGrantees = 3
	linearOwner    = "owner"
)

// work makes random calls at once, and returns their history.
func (task workerTask) work(ctx context.Context) ([]madeCall, error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	var history []madeCall
	var failed error
	var engine *sharing.Engine
	for caller := range task.Callers {
		if caller%2 == 0 {
			client, err := dial([]string{task.Endpoint})
			if err != nil {
				return nil, err
			}
			defer client.Close()
			s, err := open(ctx, client, task.Prefix)
			if err != nil {
				return nil, err
			}
			defer s.Close()
			if engine, err = sharing.New(s); err != nil {
				return nil, err
			}
		}
		e := engine
		all.Go(func() {
			for range task.Calls {
				c := madeCall{
					Caller: task.Process*task.Callers + caller, Image: rand.IntN(len(task.Images)), Grantee: rand.IntN(linearGrantees),
					Op: []string{"share", "unshare", "check", "launch"}[rand.IntN(4)],
				}
				err := c.make(ctx, e, task.Images[c.Image])
				mu.Lock()
				if err != nil {
					failed = err
				}
				history = append(history, c)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return history, failed
}

func (c *madeCall) make(ctx context.Context, e *sharing.Engine, image sharing.ImageID) (err error) {
	account := sharing.AccountID(fmt.Sprint("g", c.Grantee))
	c.Start = time.Now().UnixNano()
	switch c.Op {
	case "share":
		_, err = e.Share(ctx, linearOwner, image, sharing.Account(account))
	case "unshare":
		err = e.Unshare(ctx, linearOwner, image, sharing.Account(account))
	case "check":
		err = e.CanUse(ctx, account, image, "r")
	case "launch":
		_, err = e.Launch(ctx, account, sharing.LaunchSpec{Image: image, Region: "r"})
	}
	c.End = time.Now().UnixNano()
	c.OK = err == nil
	if errors.Is(err, sharing.ErrImageNotFound) {
		err = nil
	}
	return err
}

// workerChild is a process that works.
func workerChild() error {
	var task workerTask
	if err := told(&task); err != nil {
		return err
	}
	history, err := task.work(context.Background())
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(history)
}

// sharesModel is an image as a set of grantees, one bit each.
var sharesModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := make([][]porcupine.Operation, linearImages)
		for _, op := range history {
			image := op.Input.(madeCall).Image
			parts[image] = append(parts[image], op)
		}
		return parts
	},
	Init: func() any { return 0 },
	Step: func(state, input, _ any) (bool, any) {
		shared, c := state.(int), input.(madeCall)
		bit := 1 << c.Grantee
		switch c.Op {
		case "share":
			return c.OK, shared | bit
		case "unshare":
			return c.OK, shared &^ bit
		}
		return c.OK == (shared&bit != 0), shared
	},
	DescribeOperation: func(input, _ any) string { return fmt.Sprintf("%+v", input) },
}

// TestR21_Linearizable lets several engines in two processes work on the same images, and looks for an order in which the calls,
// one by one, would have been answered alike.
func TestR21_Linearizable(t *testing.T) {
	prefix := newPrefix()
	s := openAt(t, prefix, server.endpoint)
	task := workerTask{Endpoint: server.endpoint, Prefix: prefix, Callers: 6, Calls: 150}
	if *long {
		task.Calls = 600
	}
	for range linearImages {
		img, err := newEngine(t, s).Register(t.Context(), linearOwner, sharing.ImageSpec{Region: "r"})
		if err != nil {
			t.Fatal(err)
		}
		task.Images = append(task.Images, img.ID)
	}
	there := task
	there.Process = 1
	other := startChild(t, "worker", there)
	history, err := task.work(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var others []madeCall
	if err := other.stdout.Decode(&others); err != nil {
		t.Fatal(err)
	}
	var operations []porcupine.Operation
	for _, c := range append(history, others...) {
		operations = append(operations, porcupine.Operation{ClientId: c.Caller, Input: c, Call: c.Start, Return: c.End})
	}
	if result := porcupine.CheckOperationsTimeout(sharesModel, operations, 2*time.Minute); result != porcupine.Ok {
		t.Errorf("the history of %d calls is not linearizable: %v", len(operations), result)
	}
}
