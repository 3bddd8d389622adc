package sharing_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imageshare/sharing"
)

// An impact says exactly which instances lose reinit: do the change and compare (R7, R8).
func TestImpact_PredictAndDo(t *testing.T) {
	for name, change := range map[string]struct {
		predict func(*world, sharing.ImageID) (sharing.Impact, error)
		do      func(*world, sharing.ImageID) error
		lose    map[sharing.AccountID]int
		shares  int
	}{
		"unshare an account": {
			func(w *world, img sharing.ImageID) (sharing.Impact, error) {
				return w.UnshareImpact(w.t.Context(), "owner", img, "alone")
			},
			func(w *world, img sharing.ImageID) error { return w.Unshare(w.t.Context(), "owner", img, "alone") },
			map[sharing.AccountID]int{"alone": 2}, 1,
		},
		"unshare one that its organisation still reaches": {
			func(w *world, img sharing.ImageID) (sharing.Impact, error) {
				return w.UnshareImpact(w.t.Context(), "owner", img, "both")
			},
			func(w *world, img sharing.ImageID) error { return w.Unshare(w.t.Context(), "owner", img, "both") },
			map[sharing.AccountID]int{}, 1,
		},
		"unshare the organisation": {
			func(w *world, img sharing.ImageID) (sharing.Impact, error) {
				return w.UnshareImpact(w.t.Context(), "owner", img, sharing.Organization("org"), "nobody")
			},
			func(w *world, img sharing.ImageID) error {
				return w.Unshare(w.t.Context(), "owner", img, sharing.Organization("org"), "nobody")
			},
			map[sharing.AccountID]int{"member": 1}, 1,
		},
		"delete": {
			func(w *world, img sharing.ImageID) (sharing.Impact, error) {
				return w.DeleteImpact(w.t.Context(), "owner", img)
			},
			func(w *world, img sharing.ImageID) error { return w.ForceDelete(w.t.Context(), "owner", img) },
			map[sharing.AccountID]int{"alone": 2, "both": 1, "member": 1, "owner": 1}, 5,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := &directory{members: map[sharing.AccountID][]sharing.OrganizationID{"both": {"org"}, "member": {"x", "org"}}}
			w := newWorld(t, sharing.WithDirectory(dir))
			ctx := t.Context()
			img := w.image("owner")
			w.share("owner", img, "alone", "both", sharing.Organization("org"), "wary", "rejects")
			instances := map[sharing.InstanceID]sharing.AccountID{}
			for _, account := range []sharing.AccountID{"alone", "alone", "both", "member", "owner", "wary", "rejects", "alone"} {
				instances[w.launch(account, img)] = account
			}
			for id, account := range instances { // one of alone's three is gone
				if account == "alone" {
					want(t, w.Terminate(ctx, account, id), nil)
					delete(instances, id)
					break
				}
			}
			want(t, w.SetTrust(ctx, "wary", sharing.Trust{Enforce: true}), nil)
			want(t, w.Reject(ctx, "rejects", img), nil)

			could := func() map[sharing.InstanceID]bool {
				able := map[sharing.InstanceID]bool{}
				for id, account := range instances {
					_, err := w.DryRun().Reinit(ctx, account, id)
					able[id] = err == nil
				}
				return able
			}
			before := could()
			predicted, err := change.predict(w, img)
			want(t, err, nil)
			want(t, change.do(w, img), nil)
			after := could()
			lost := map[sharing.AccountID]int{}
			for id, able := range before {
				if able && !after[id] {
					lost[instances[id]]++
				}
			}
			if diff := cmp.Diff(lost, predicted.Instances); diff != "" {
				t.Errorf("predicted otherwise than it came (-came +predicted):\n%s", diff)
			}
			if diff := cmp.Diff(change.lose, lost); diff != "" {
				t.Errorf("lost (-want +got):\n%s", diff)
			}
			if len(predicted.Shares) != change.shares {
				t.Errorf("predicted the end of %v, want %d shares", predicted.Shares, change.shares)
			}
		})
	}
}

// An impact needs the directory only for accounts whose own shares do not say all (R19).
func TestImpact_DirectoryFails(t *testing.T) {
	dir := &directory{err: errors.New("directory down")}
	w := newWorld(t, sharing.WithDirectory(dir))
	ctx := t.Context()
	img := w.image("owner")
	w.share("owner", img, "alone", "friend", sharing.Organization("org"))
	w.launch("alone", img)
	w.launch("friend", img)
	impact, err := w.DeleteImpact(ctx, "owner", img)
	want(t, err, nil)
	if diff := cmp.Diff(map[sharing.AccountID]int{"alone": 1, "friend": 1}, impact.Instances); diff != "" {
		t.Errorf("deleting (-want +got):\n%s", diff)
	}
	impact, err = w.UnshareImpact(ctx, "owner", img, sharing.Organization("org"))
	want(t, err, nil)
	if len(impact.Instances) != 0 {
		t.Errorf("unsharing from the organisation is predicted to hurt %v", impact.Instances)
	}
	_, err = w.UnshareImpact(ctx, "owner", img, "alone") // whom the organisation may reach
	want(t, err, dir.err)
}

// The story of docs/DESIGN.md: an image, its holders, and three generations of what was made from it (R10).
func TestR10_Exposure(t *testing.T) {
	dir := &directory{members: map[sharing.AccountID][]sharing.OrganizationID{"carol": {"org"}}}
	w := newWorld(t, sharing.WithDirectory(dir))
	ctx := t.Context()
	day := 24 * time.Hour
	img := w.image("owner")
	w.share("owner", img, "bob", sharing.Organization("org"))
	w.now = w.now.Add(day)
	inst := w.launch("bob", img)
	w.launch("carol", img)
	secret, err := w.Capture(ctx, "bob", inst, sharing.ImageSpec{Name: "bob-1"})
	want(t, err, nil)
	w.share("bob", secret.ID, "dave", "carol")
	second := w.launch("dave", secret.ID)
	third, err := w.Capture(ctx, "dave", second, sharing.ImageSpec{Name: "dave-1"})
	want(t, err, nil)
	w.share("dave", third.ID, "owner") // the owner sees this one
	copied, err := w.Copy(ctx, "owner", img, "r2", sharing.ImageSpec{})
	want(t, err, nil)
	_, err = w.ShareUntil(ctx, "owner", copied.ID, w.now.Add(day), "erin")
	want(t, err, nil)
	w.now = w.now.Add(2 * day)
	want(t, w.Unshare(ctx, "owner", img, "bob"), nil)
	want(t, w.ForceDelete(ctx, "owner", img), nil)
	w.now = w.now.Add(day)

	got, err := w.Exposure(ctx, "owner", img)
	want(t, err, nil)
	wantExposure := sharing.Exposure{
		Image: img,
		Images: []sharing.ExposedImage{
			{Image: copied.ID, Owner: "owner"}, // its source is deleted, but the one that was asked about
			{Image: third.ID, Owner: "dave", Captured: true},
		},
		Holders: []sharing.Holder{
			{Grantee: "bob", Holdings: []sharing.Holding{{Image: img, From: start, To: start.Add(3 * day)}}, Instances: 1, Captures: 1},
			{Grantee: "erin", Holdings: []sharing.Holding{{Image: copied.ID, From: start.Add(day), To: start.Add(2 * day)}}},
			{Grantee: sharing.Organization("org"), Holdings: []sharing.Holding{{Image: img, From: start, To: start.Add(3 * day)}}},
		},
		// bob's capture; carol and dave; bob's two shares and dave's with the owner; carol's and dave's disks
		Beyond: sharing.Beyond{Images: 1, Accounts: 2, Shares: 3, Instances: 2},
	}
	wantExposure.Images[0].Source = img
	if diff := cmp.Diff(wantExposure, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	text, err := json.Marshal(got)
	want(t, err, nil)
	if strings.Contains(string(text), string(secret.ID)) {
		t.Errorf("%s names an image that the owner does not see", text)
	}
	for _, actor := range []sharing.AccountID{"bob", "stranger"} {
		_, err = w.Exposure(ctx, actor, img)
		want(t, err, sharing.ErrImageNotFound)
	}
	_, err = w.Exposure(ctx, "owner", third.ID)
	want(t, err, sharing.ErrNotOwner)

	var dot strings.Builder
	want(t, got.WriteDOT(&dot), nil)
	if strings.Contains(dot.String(), string(secret.ID)) || !strings.Contains(dot.String(), "bob") {
		t.Errorf("got\n%s", dot.String())
	}
}

// What an account captured is counted, also if it held a share only of what was made from the image later (R10).
func TestR10_CaptureBeforeHolding(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img := w.image("owner")
	w.share("owner", img, sharing.Everyone)
	_, err := w.Capture(ctx, "bob", w.launch("bob", img), sharing.ImageSpec{})
	want(t, err, nil)
	copied, err := w.Copy(ctx, "owner", img, "r2", sharing.ImageSpec{})
	want(t, err, nil)
	w.share("owner", copied.ID, "bob")
	got, err := w.Exposure(ctx, "owner", img)
	want(t, err, nil)
	if i := slices.IndexFunc(got.Holders, func(h sharing.Holder) bool { return h.Grantee == "bob" }); i < 0 || got.Holders[i].Captures != 1 {
		t.Errorf("got %+v, want bob as a holder with one capture", got.Holders)
	}
}

// All that was made from an image is found, and all that was made of it counted, however much it is (R10).
func TestR10_ExposureOfMany(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img := w.image("owner")
	w.share("owner", img, "b")
	for i := range 201 {
		_, err := w.Copy(ctx, "owner", img, sharing.Region(fmt.Sprint("to-", i)), sharing.ImageSpec{})
		want(t, err, nil)
	}
	for range 1001 {
		w.launch("b", img)
	}
	got, err := w.Exposure(ctx, "owner", img)
	want(t, err, nil)
	if len(got.Images) != 201 || len(got.Holders) != 1 || got.Holders[0].Instances != 1001 || got.Truncated {
		t.Errorf("got %d images, holders %+v; want 201, and b with 1001 system disks", len(got.Images), got.Holders)
	}
}
