package sharing_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// Where two rules refuse a call, the one that comes first in "Which refusal comes first" answers.
func TestOrderOfRefusals(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0", 64)
	use := func(region sharing.Region, expect string) func(*world, sharing.ImageID) error {
		return func(w *world, img sharing.ImageID) error {
			_, err := w.Launch(w.t.Context(), "b", sharing.LaunchSpec{Image: img, Region: region, ExpectDigest: expect})
			return err
		}
	}
	share := func(actor sharing.AccountID, with ...sharing.Grantee) func(*world, sharing.ImageID) error {
		return func(w *world, img sharing.ImageID) error {
			_, err := w.Share(w.t.Context(), actor, img, with...)
			return err
		}
	}
	remove := func(w *world, img sharing.ImageID) error { return w.Delete(w.t.Context(), "owner", img) }
	wary := func(w *world, _ sharing.ImageID) error {
		return w.SetTrust(w.t.Context(), "b", sharing.Trust{Owners: []sharing.AccountID{"x"}, Enforce: true})
	}
	reject := func(w *world, img sharing.ImageID) error { return w.Reject(w.t.Context(), "b", img) }
	protect := func(w *world, img sharing.ImageID) error { return w.Protect(w.t.Context(), "owner", img) }
	disable := func(w *world, img sharing.ImageID) error { return w.Disable(w.t.Context(), "owner", img) }
	launched := func(w *world, img sharing.ImageID) error { w.launch("owner", img); return nil }

	for name, c := range map[string]struct {
		given []func(*world, sharing.ImageID) error
		call  func(*world, sharing.ImageID) error
		want  error
	}{
		"ownership, then disabled":          {nil, share("b", "c"), sharing.ErrNotOwner},
		"acceptance, then region":           {[]func(*world, sharing.ImageID) error{reject}, use("r2", ""), sharing.ErrNotAccepted},
		"region, then trust":                {[]func(*world, sharing.ImageID) error{wary}, use("r2", ""), sharing.ErrRegionMismatch},
		"trust, then digest":                {[]func(*world, sharing.ImageID) error{wary}, use("r1", digest), sharing.ErrUntrustedOwner},
		"protection, then use and shares":   {[]func(*world, sharing.ImageID) error{protect, launched}, remove, sharing.ErrProtected},
		"use by instances, then shares":     {[]func(*world, sharing.ImageID) error{launched}, remove, sharing.ErrImageInUse},
		"shares":                            {nil, remove, sharing.ErrImageShared},
		"disabled, then public":             {[]func(*world, sharing.ImageID) error{disable}, share("owner", sharing.Everyone), sharing.ErrImageDisabled},
		"public, then the limit":            {nil, share("owner", sharing.Everyone, "c", "d"), sharing.ErrPublicBlocked},
		"the owner as grantee, then public": {nil, share("owner", sharing.Everyone, "owner"), sharing.ErrInvalid},
		"the limit":                         {nil, share("owner", "c", "d"), sharing.ErrShareLimit},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sharing.WithPolicy(sharing.Policy{MaxShares: 2, BlockPublic: true}))
			img := w.image("owner")
			w.share("owner", img, "b")
			for _, given := range c.given {
				want(t, given(w, img), nil)
			}
			want(t, c.call(w, img), c.want)
		})
	}
}

// A call that would change nothing is judged after ownership, and succeeds whatever would refuse a change (R23).
func TestR23_NothingToChange(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img, other := w.image("owner"), w.image("owner")
	w.share("owner", img, "b")
	old := sharing.Deprecation{Notice: "old", Replacement: other}
	want(t, w.Deprecate(ctx, "owner", img, old), nil)
	want(t, w.Delete(ctx, "owner", other), nil)
	before := len(w.log())
	want(t, w.Deprecate(ctx, "owner", img, old), nil) // though nobody sees the replacement any more
	got, err := w.Image(ctx, "b", img)
	want(t, err, nil)
	if !got.Deprecation.At.Equal(start) {
		t.Errorf("deprecated alike again, it was deprecated at %v", got.Deprecation.At)
	}
	want(t, w.Disable(ctx, "owner", img), nil)
	w.share("owner", img, "b")
	want(t, w.Unshare(ctx, "owner", img, "nobody"), nil)
	trust := sharing.Trust{Owners: []sharing.AccountID{"y", "x", "x"}}
	for range 2 {
		want(t, w.SetTrust(ctx, "b", trust), nil)
	}
	if n := len(w.log()) - before; n != 2 {
		t.Errorf("%d events, want those of the disable and the trust policy", n)
	}
}

// Another notice or another replacement takes the place of the one before (R16).
func TestR16_DeprecateOtherwise(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img, first, second := w.image("owner"), w.image("owner"), w.image("owner")
	for _, d := range []sharing.Deprecation{{Notice: "old"}, {Notice: "old", Replacement: first}, {Notice: "old", Replacement: second},
		{Notice: "older", Replacement: second}} {
		w.now = w.now.Add(time.Hour)
		want(t, w.Deprecate(ctx, "owner", img, d), nil)
		got, err := w.Image(ctx, "owner", img)
		want(t, err, nil)
		if d.At = w.now; *got.Deprecation != d {
			t.Errorf("got %+v, want %+v", *got.Deprecation, d)
		}
	}
}

// A disabled image is in no listing but its owner's (R16).
func TestR16_DisabledIsNotListed(t *testing.T) {
	w := newWorld(t)
	img := w.image("owner")
	w.share("owner", img, "b", sharing.Everyone)
	want(t, w.Disable(t.Context(), "owner", img), nil)
	for actor, n := range map[sharing.AccountID]int{"owner": 1, "b": 0, "anyone": 0} {
		if got := seen(w, actor)["images"].([]sharing.Image); len(got) != n {
			t.Errorf("%s sees %v, want %d images", actor, got, n)
		}
	}
}

// A share is gone from the instant of its expiry, for the limit and in every listing, without a sweep (R15).
func TestR15_AtTheInstant(t *testing.T) {
	w := newWorld(t, sharing.WithPolicy(sharing.Policy{MaxShares: 1}))
	ctx := t.Context()
	img := w.image("owner")
	at := start.Add(time.Hour)
	_, err := w.ShareUntil(ctx, "owner", img, at, "b")
	want(t, err, nil)
	w.now = at.Add(-1)
	want(t, w.CanUse(ctx, "b", img, "r1"), nil)
	_, err = w.Share(ctx, "owner", img, "c")
	want(t, err, sharing.ErrShareLimit)
	want(t, w.Delete(ctx, "owner", img), sharing.ErrImageShared)

	w.now = at
	want(t, w.CanUse(ctx, "b", img, "r1"), sharing.ErrImageNotFound)
	for _, call := range []func(sharing.AccountID, sharing.ImageID) error{
		func(a sharing.AccountID, img sharing.ImageID) error { return w.Accept(ctx, a, img) },
		func(a sharing.AccountID, img sharing.ImageID) error { return w.Leave(ctx, a, img) },
	} {
		want(t, call("b", img), sharing.ErrImageNotFound)
	}
	if got := seen(w, "b"); len(got["images"].([]sharing.Image))+len(got["shares"].([]sharing.Share)) > 0 {
		t.Errorf("b still sees %v", got)
	}
	if got := seen(w, "owner"); len(got["shares"].([]sharing.Share)) > 0 {
		t.Errorf("the owner still sees %v", got)
	}
	_, err = w.Share(ctx, "owner", img, "c")
	want(t, err, nil)
	again, err := w.SetShares(ctx, "owner", img, "b")
	want(t, err, nil)
	if !again[0].CreatedAt.Equal(at) || !again[0].Expires.IsZero() {
		t.Errorf("got %+v, want a new share", again[0])
	}
}

// An expiry is a field of a present share, which the owner may set whatever would refuse a new share (R15, R16).
func TestR15_ExpiryOfAPresentShare(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img := w.image("owner")
	w.share("owner", img, "b")
	want(t, w.Disable(ctx, "owner", img), nil)
	at := start.Add(time.Hour)
	for range 2 { // once, and once more without an event
		_, err := w.ShareUntil(ctx, "owner", img, at, "b")
		want(t, err, nil)
	}
	shares, err := w.Share(ctx, "owner", img, "b") // leaves it as it is
	want(t, err, nil)
	if !shares[0].Expires.Equal(at) {
		t.Errorf("got %+v, want the expiry that was set", shares[0])
	}
	if n := len(w.log()); n != 4 {
		t.Errorf("%d events, want 4: %v", n, w.log())
	}
}

// An expired share does not count as the account's own, even if everyone's share still shows it the image (R13, R15).
func TestR13_ExpiredShareOfOnesOwn(t *testing.T) {
	w := newWorld(t)
	img := w.image("owner")
	w.share("owner", img, sharing.Everyone)
	_, err := w.ShareUntil(t.Context(), "owner", img, w.now.Add(time.Hour), "b")
	want(t, err, nil)
	w.now = w.now.Add(time.Hour)
	want(t, w.Accept(t.Context(), "b", img), sharing.ErrNotShared)
	want(t, w.Reject(t.Context(), "b", img), sharing.ErrNotShared)
	want(t, w.Leave(t.Context(), "b", img), sharing.ErrNotShared)
}

// An expiry may be any instant of the years to 9999, in whatever zone it is given (R15).
func TestR15_LatestExpiry(t *testing.T) {
	w := newWorld(t)
	img := w.image("owner")
	last := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-1)
	east, west := time.FixedZone("east", 3600), time.FixedZone("west", -3600)
	for expires, kind := range map[time.Time]error{
		last: nil, last.In(east): nil, last.Add(1): sharing.ErrInvalid, last.Add(1).In(west): sharing.ErrInvalid,
	} {
		shares, err := w.ShareUntil(t.Context(), "owner", img, expires, "b")
		want(t, err, kind)
		if kind == nil && !shares[0].Expires.Equal(expires) {
			t.Errorf("got %+v, want the expiry %v", shares[0], expires)
		}
	}
}

// The limit is judged only when grantees are added: not when a lower limit finds more there (R29).
func TestR29_FewerThanBefore(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img := w.image("owner")
	w.share("owner", img, "a", "b", "c", "d")
	strict, err := sharing.New(w.store, sharing.WithPolicy(sharing.Policy{MaxShares: 2}))
	want(t, err, nil)
	shares, err := strict.SetShares(ctx, "owner", img, "c", "b", "a")
	want(t, err, nil)
	if len(shares) != 3 || shares[0].Grantee != "a" || shares[2].Grantee != "c" {
		t.Errorf("got %v, want those of a, b and c", shares)
	}
	_, err = strict.SetShares(ctx, "owner", img, "a", "b", "x")
	want(t, err, sharing.ErrShareLimit)
}

// The newest image is the one made last, and of those made at one instant the one with the greatest ID; only what the
// actor may use counts, and a directory that fails hides none (R18, R19).
func TestR18_Newest(t *testing.T) {
	dir := &directory{members: map[sharing.AccountID][]sharing.OrganizationID{"b": {"org"}}}
	w := newWorld(t, sharing.WithDirectory(dir), sharing.WithPolicy(sharing.Policy{RequireAcceptance: true}))
	ctx := t.Context()
	image := func(with ...sharing.Grantee) sharing.ImageID {
		img, err := w.Register(ctx, "owner", sharing.ImageSpec{Family: "web", Region: "r1"})
		want(t, err, nil)
		if len(with) > 0 {
			w.share("owner", img.ID, with...)
		}
		return img.ID
	}
	latest := func(actor sharing.AccountID) (sharing.ImageID, error) {
		img, err := w.Latest(ctx, actor, sharing.LatestQuery{Owner: "owner", Family: "web", Region: "r1"})
		return img.ID, err
	}
	image(sharing.Everyone)
	second := image(sharing.Everyone)
	if got, err := latest("b"); got != second || err != nil {
		t.Errorf("got %s, %v; want the greater ID, %s", got, err, second)
	}
	w.now = w.now.Add(time.Hour)
	third := image(sharing.Organization("org"))
	image("b") // pending
	if got, err := latest("b"); got != third || err != nil {
		t.Errorf("got %s, %v; want the newest that b may use, %s", got, err, third)
	}
	dir.err = context.DeadlineExceeded
	if got, err := latest("b"); err == nil {
		t.Errorf("got the older %s though the directory can't tell of newer ones", got)
	}
}

// All images of a family count, however many there are (R18).
func TestR18_NewestOfMany(t *testing.T) {
	w := newWorld(t, sharing.WithPolicy(sharing.Policy{MaxImages: -1}))
	var newest sharing.Image
	for range 1001 {
		var err error
		newest, err = w.Register(t.Context(), "owner", sharing.ImageSpec{Family: "web", Region: "r1"})
		want(t, err, nil)
	}
	got, err := w.Latest(t.Context(), "owner", sharing.LatestQuery{Owner: "owner", Family: "web", Region: "r1"})
	if want(t, err, nil); got.ID != newest.ID {
		t.Errorf("got %s, want the newest, %s", got.ID, newest.ID)
	}
}

// What an image was made from is told only to who sees it, and selects only what it sees (R20).
func TestR20_Sources(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img := w.image("owner")
	w.share("owner", img, "b")
	inst := w.launch("b", img)
	captured, err := w.Capture(ctx, "b", inst, sharing.ImageSpec{})
	want(t, err, nil)
	w.share("b", captured.ID, "owner")
	sources := func(actor sharing.AccountID) (sharing.Source, int) {
		got, err := w.Image(ctx, actor, captured.ID)
		want(t, err, nil)
		n := 0
		for _, err := range w.Images(ctx, actor, sharing.ImageQuery{Source: img}) {
			want(t, err, nil)
			n++
		}
		return got.Source, n
	}
	check := func(actor sharing.AccountID, source sharing.Source, selected int) {
		t.Helper()
		if got, n := sources(actor); got != source || n != selected {
			t.Errorf("%s is told of %+v and selects %d images, want %+v and %d", actor, got, n, source, selected)
		}
	}
	check("b", sharing.Source{Image: img, Instance: inst}, 1)
	check("owner", sharing.Source{Image: img}, 0)
	want(t, w.Unshare(ctx, "owner", img, "b"), nil)
	check("b", sharing.Source{Instance: inst}, 0)
	want(t, w.Terminate(ctx, "b", inst), nil)
	check("b", sharing.Source{}, 0)
}

// An own image that is shared with everyone is public too, also where a query selects by what it was made from (R19).
func TestR19_PublicSources(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img := w.image("owner")
	check := func(want ...sharing.ImageID) {
		t.Helper()
		var got []sharing.ImageID
		for img, err := range w.Images(ctx, "owner", sharing.ImageQuery{Source: img, Origin: sharing.OriginPublic}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, img.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("as public are selected %v, want %v", got, want)
		}
	}
	copied, err := w.Copy(ctx, "owner", img, "r2", sharing.ImageSpec{})
	want(t, err, nil)
	w.share("owner", copied.ID, "b")
	check()
	w.share("owner", copied.ID, sharing.Everyone)
	check(copied.ID)
}

// Without a policy an image has at most 50 grantees, and an account 100 images in a region (R2, R3).
func TestR2_R3_Defaults(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img := w.image("owner")
	for i := range 50 {
		w.share("owner", img, sharing.Grantee(fmt.Sprint("g", i)))
	}
	_, err := w.Share(ctx, "owner", img, "one-more")
	want(t, err, sharing.ErrShareLimit)
	for range 99 {
		w.image("owner")
	}
	_, err = w.Register(ctx, "owner", sharing.ImageSpec{Region: "r1"})
	want(t, err, sharing.ErrImageQuota)
	_, err = w.Register(ctx, "owner", sharing.ImageSpec{Region: "r2"})
	want(t, err, nil)
}

// A share that has expired can't end (R15).
func TestR15_ImpactAfterExpiry(t *testing.T) {
	w := newWorld(t)
	img := w.image("owner")
	_, err := w.ShareUntil(t.Context(), "owner", img, start.Add(time.Hour), "b")
	want(t, err, nil)
	w.launch("b", img)
	w.now = start.Add(time.Hour)
	impact, err := w.DeleteImpact(t.Context(), "owner", img)
	want(t, err, nil)
	if len(impact.Shares)+len(impact.Instances) > 0 {
		t.Errorf("got %+v, want nothing: the share is over", impact)
	}
}

// Every instance is counted, however many there are (R7).
func TestR7_ImpactOnMany(t *testing.T) {
	w := newWorld(t)
	img := w.image("owner")
	w.share("owner", img, "b")
	for range 1001 {
		w.launch("b", img)
	}
	impact, err := w.UnshareImpact(t.Context(), "owner", img, "b")
	want(t, err, nil)
	if n := impact.Instances["b"]; n != 1001 {
		t.Errorf("b would lose %d instances, want 1001", n)
	}
}
