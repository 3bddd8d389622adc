package etcdstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/imageshare/sharing"
)

// A hotTask is what a process is told that makes changes of one image, from many callers at once.
type hotTask struct {
	Place          string
	Image          sharing.ImageID
	Process        string
	Callers, Calls int
}

// hotChild is such a process. It says when it is done.
func hotChild() error {
	var task hotTask
	if err := told(&task); err != nil {
		return err
	}
	if err := task.work(context.Background()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode("done")
}

// work launches from the image and shares it with others, in turns.
func (task hotTask) work(ctx context.Context) error {
	s, err := openPlace(ctx, task.Place)
	if err != nil {
		return err
	}
	defer s.Close()
	e, err := sharing.New(s, sharing.WithPolicy(sharing.Policy{MaxShares: -1}))
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	errs := make([]error, task.Callers)
	for caller := range task.Callers {
		all.Go(func() {
			for n := 0; n < task.Calls && errs[caller] == nil; n++ {
				if n%2 == 0 {
					_, errs[caller] = e.Launch(ctx, "owner", sharing.LaunchSpec{Image: task.Image, Region: "r"})
				} else {
					_, errs[caller] = e.Share(ctx, "owner", task.Image, sharing.Grantee(fmt.Sprintf("%s-%d-%d", task.Process, caller, n)))
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// TestHotImage changes one image from 32 callers in each of two processes at once: all changes are made, none gives up.
func TestHotImage(t *testing.T) {
	task := hotTask{Place: newPlace(), Process: "here", Callers: 32, Calls: 8}
	s, err := openPlace(t.Context(), task.Place)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	e := newEngine(t, s)
	img, err := e.Register(t.Context(), "owner", sharing.ImageSpec{Region: "r"})
	if err != nil {
		t.Fatal(err)
	}
	task.Image = img.ID
	there := task
	there.Process = "there"
	other := startChild(t, "hot", there)
	if err := task.work(t.Context()); err != nil {
		t.Error(err)
	}
	var said string
	if err := other.stdout.Decode(&said); err != nil {
		t.Fatalf("the other process gave up: %v", err)
	}
	instances, err := collect(e.Instances(t.Context(), "owner", sharing.InstanceQuery{}))
	if err != nil {
		t.Fatal(err)
	}
	shares, err := collect(e.Shares(t.Context(), "owner", img.ID))
	if err != nil {
		t.Fatal(err)
	}
	if want := task.Callers * task.Calls; len(instances) != want || len(shares) != want {
		t.Errorf("there are %d instances and %d shares, not %d of each", len(instances), len(shares), want)
	}
}
