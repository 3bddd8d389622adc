package sharing_test

import (
	"strings"
	"testing"

	"github.com/imageshare/sharing"
)

// The quota's refusal says how many have to go, also where the quota was larger before (R3).
func TestR3_RefusalSaysHowManyToDelete(t *testing.T) {
	w := newWorld(t)
	for range 4 {
		w.image("owner")
	}
	e, err := sharing.New(w.store, sharing.WithPolicy(sharing.Policy{MaxImages: 3}))
	want(t, err, nil)
	_, err = e.Register(t.Context(), "owner", sharing.ImageSpec{Region: "r1"})
	want(t, err, sharing.ErrImageQuota)
	if !strings.Contains(err.Error(), "delete 2 of the account's 4 images") {
		t.Errorf("got %q, want it to say that 2 have to go", err)
	}
}

// The share limit's refusal says how many fit (R2), and nothing is shared (R22).
func TestR2_RefusalSaysHowManyFit(t *testing.T) {
	w := newWorld(t, sharing.WithPolicy(sharing.Policy{MaxShares: 3}))
	img := w.image("owner")
	w.share("owner", img, "a")
	_, err := w.Share(t.Context(), "owner", img, "b", "c", "d")
	want(t, err, sharing.ErrShareLimit)
	if !strings.Contains(err.Error(), "at most 2 more") {
		t.Errorf("got %q, want it to say that 2 more fit", err)
	}
	want(t, w.CanUse(t.Context(), "b", img, "r1"), sharing.ErrImageNotFound)
}

// SetShares unshares whoever it does not name, so its refusal says how many it may name (R2, R29).
func TestR29_RefusalSaysHowManyToName(t *testing.T) {
	w := newWorld(t, sharing.WithPolicy(sharing.Policy{MaxShares: 3}))
	img := w.image("owner")
	w.share("owner", img, "a", "b", "c")
	_, err := w.SetShares(t.Context(), "owner", img, "a", "d", "e", "f")
	want(t, err, sharing.ErrShareLimit)
	if text := err.Error(); !strings.Contains(text, "name at most 3 grantees, not 4") || strings.Contains(text, "unshare") {
		t.Errorf("got %q, want it to say that 3 grantees may be named", err)
	}
	_, err = w.SetShares(t.Context(), "owner", img, "d", "e", "f")
	want(t, err, nil)
}

// The remedy for a sealed image helps, and is the same whether the image still exists or not, which is not the actor's
// to know (R20, R25, R28).
func TestR28_Remedy(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img := w.image("owner")
	w.share("owner", img, "b")
	want(t, w.Seal(ctx, "owner", img), nil)
	inst := w.launch("b", img)
	capture := func() error { _, err := w.Capture(ctx, "b", inst, sharing.ImageSpec{}); return err }
	before := capture()
	want(t, before, sharing.ErrSealed)
	want(t, w.ForceDelete(ctx, "owner", img), nil)
	after := capture()
	want(t, after, sharing.ErrSealed)
	if before.Error() != after.Error() || !strings.Contains(after.Error(), "replace its system disk from one that is not sealed") {
		t.Errorf("got %q and, after the delete, %q", before, after)
	}
	_, err := w.ReplaceDisk(ctx, "b", inst, sharing.DiskSpec{Image: w.image("b")})
	want(t, err, nil)
	want(t, capture(), nil)
}
