package sharing_test

import (
	"slices"
	"testing"

	"github.com/imageshare/sharing"
)

// A digest that no image can have is a mismatch if a call expects it, and finds nothing if a query asks for it (R11).
func TestR11_ExpectsWhatNoImageHas(t *testing.T) {
	w := newWorld(t)
	img, err := w.Register(t.Context(), "owner", sharing.ImageSpec{Region: "r1", Digest: "sha256:abc"})
	want(t, err, nil)
	inst := w.launch("owner", img.ID)
	for _, digest := range []string{"sha256:ABC", "sha256:", "md5:abc", "a b"} {
		_, err := w.Launch(t.Context(), "owner", sharing.LaunchSpec{Image: img.ID, Region: "r1", ExpectDigest: digest})
		want(t, err, sharing.ErrDigestMismatch)
		_, err = w.ReplaceDisk(t.Context(), "owner", inst, sharing.DiskSpec{Image: img.ID, ExpectDigest: digest})
		want(t, err, sharing.ErrDigestMismatch)
		found, _, err := w.ImagesPage(t.Context(), "owner", sharing.ImageQuery{Digest: digest}, sharing.Page{})
		want(t, err, nil)
		if len(found) != 0 {
			t.Errorf("%q finds %v", digest, found)
		}
	}
}

// The owners that a trust policy names are a set, also where they are counted (R11).
func TestR11_OwnersAreASet(t *testing.T) {
	w := newWorld(t)
	want(t, w.SetTrust(t.Context(), "a", sharing.Trust{Owners: slices.Repeat([]sharing.AccountID{"x"}, 1001)}), nil)
	trust, err := w.Trust(t.Context(), "a")
	want(t, err, nil)
	if !slices.Equal(trust.Owners, []sharing.AccountID{"x"}) {
		t.Errorf("the owners are %v, want x", trust.Owners)
	}
}
