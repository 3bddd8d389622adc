package world

import (
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// The images have as many shares as said, and two worlds are equal.
func TestNew(t *testing.T) {
	w := New(50_000)
	if !reflect.DeepEqual(w, New(50_000)) {
		t.Error("a world of the same size is another")
	}
	var counts [4]float64
	shares := 0
	for _, img := range w.Images {
		n := len(img.Grantees)
		shares += n
		switch {
		case n == 0:
			counts[0]++
		case n < 6:
			counts[1]++
		case n < 50:
			counts[2]++
		case n == 50:
			counts[3]++
		}
	}
	if shares != w.Shares || shares < 50_000 {
		t.Errorf("there are %d shares; the world says %d", shares, w.Shares)
	}
	for i, want := range []float64{0.80, 0.15, 0.04, 0.01} {
		if got := counts[i] / float64(len(w.Images)); math.Abs(got-want) > 0.01 {
			t.Errorf("of class %d are %.3f of the images, want %.2f", i, got, want)
		}
	}
}

// An engine on a filled store answers each question as its kind says.
func TestQuestions(t *testing.T) {
	w, store := New(2000), memstore.New()
	if err := w.Fill(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	e, err := sharing.New(store)
	if err != nil {
		t.Fatal(err)
	}
	want := map[Kind]error{Hit: nil, Owner: nil, Stranger: sharing.ErrImageNotFound, Miss: sharing.ErrImageNotFound}
	for _, kind := range Kinds {
		owned := false
		for _, q := range w.Questions(kind, 500) {
			img, err := e.Image(t.Context(), q.Account, q.Image)
			if owned = err == nil && img.Owner == q.Account; owned != (kind == Owner) {
				t.Fatalf("%s: %+v is asked by the owner: %v", kind, q, owned)
			}
			if err := e.CanUse(t.Context(), q.Account, q.Image, q.Region); !errors.Is(err, want[kind]) {
				t.Fatalf("%s: %+v is answered by %v", kind, q, err)
			}
		}
	}
}
