package sharing_test

import (
	"encoding/base64"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/imageshare/sharing"
)

func TestPages(t *testing.T) {
	w := newWorld(t, sharing.WithPolicy(sharing.Policy{MaxImages: -1}))
	ctx := t.Context()
	var ids []sharing.ImageID
	for i := range 25 {
		id := w.image("owner")
		ids = append(ids, id)
		if i%2 == 0 {
			w.share("owner", id, "b")
		}
		if i%4 == 0 {
			want(t, w.Disable(ctx, "owner", id), nil)
		}
	}
	pages := func(actor sharing.AccountID, limit int) (all []sharing.ImageID, sizes []int) {
		p := sharing.Page{Limit: limit}
		for {
			items, next, err := w.ImagesPage(ctx, actor, sharing.ImageQuery{}, p)
			want(t, err, nil)
			for _, img := range items {
				all = append(all, img.ID)
			}
			sizes = append(sizes, len(items))
			if next == "" {
				return all, sizes
			}
			p.Cursor = next
		}
	}
	for _, actor := range []sharing.AccountID{"owner", "b", "stranger"} {
		var whole []sharing.ImageID
		for img, err := range w.Images(ctx, actor, sharing.ImageQuery{}) {
			want(t, err, nil)
			whole = append(whole, img.ID)
		}
		if !slices.IsSorted(whole) {
			t.Errorf("%s: %v is not in ascending order", actor, whole)
		}
		for limit := 1; limit <= 26; limit++ {
			if got, sizes := pages(actor, limit); !slices.Equal(got, whole) {
				t.Errorf("%s: pages of %d give %v (%v), all at once %v", actor, limit, got, sizes, whole)
			}
		}
	}
	if all, _ := pages("owner", 5); !slices.Equal(all, ids) {
		t.Errorf("the owner sees %v, want all of %v", all, ids)
	}
	if _, sizes := pages("owner", 5); len(sizes) != 5 {
		t.Errorf("25 images take the pages %v, want 5 of 5", sizes)
	}
}

// A page cursor is bound to the account and the query that it was made for, and carries nothing that its holder may not know.
func TestPages_CursorIsBound(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for i := range 6 {
		id := w.image("owner")
		w.share("owner", id, "b", "c")
		if i == 3 {
			want(t, w.Disable(ctx, "owner", id), nil)
		}
	}
	_, cursor, err := w.ImagesPage(ctx, "b", sharing.ImageQuery{}, sharing.Page{Limit: 3})
	want(t, err, nil)
	try := func(actor sharing.AccountID, q sharing.ImageQuery, cursor string) error {
		_, _, err := w.ImagesPage(ctx, actor, q, sharing.Page{Cursor: cursor})
		return err
	}
	want(t, try("b", sharing.ImageQuery{}, cursor), nil)
	want(t, try("c", sharing.ImageQuery{}, cursor), sharing.ErrInvalid)
	want(t, try("b", sharing.ImageQuery{Region: "r1"}, cursor), sharing.ErrInvalid)
	_, _, err = w.InstancesPage(ctx, "b", sharing.InstanceQuery{}, sharing.Page{Cursor: cursor})
	want(t, err, sharing.ErrInvalid)
	// Two listings that take the same query don't accept each other's cursors.
	_, given, err := w.SharesGivenPage(ctx, "owner", sharing.ShareQuery{}, sharing.Page{Limit: 1})
	want(t, err, nil)
	_, _, err = w.SharesReceivedPage(ctx, "owner", sharing.ShareQuery{}, sharing.Page{Cursor: given})
	want(t, err, sharing.ErrInvalid)
	for i := range len(cursor) {
		mangled := cursor[:i] + "~" + cursor[i+1:]
		want(t, try("b", sharing.ImageQuery{}, mangled), sharing.ErrInvalid)
		want(t, try("b", sharing.ImageQuery{}, cursor[:i]+cursor[i+1:]), sharing.ErrInvalid)
	}
	encoded, _, _ := strings.Cut(cursor, ".")
	key, err := base64.RawURLEncoding.DecodeString(encoded)
	want(t, err, nil)
	if !strings.Contains(string(key), "id-0003") {
		t.Errorf("the cursor holds %s, want the last image that b was shown and no other", key)
	}
}

// Two queries that select the same are one to a cursor, however they are written.
func TestPages_CursorOfTheSameQuery(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for range 2 {
		img := w.image("owner")
		w.share("owner", img, "b")
		w.launch("owner", img)
	}
	var p sharing.Page
	p.Limit = 1
	_, next, err := w.ImagesPage(ctx, "owner", sharing.ImageQuery{}, p)
	want(t, err, nil)
	_, _, err = w.ImagesPage(ctx, "owner", sharing.ImageQuery{Labels: map[string]string{}, Origin: sharing.OriginOwn | sharing.OriginShared}, sharing.Page{Cursor: next})
	want(t, err, nil)
	_, next, err = w.InstancesPage(ctx, "owner", sharing.InstanceQuery{Labels: map[string]string{}}, p)
	want(t, err, nil)
	_, _, err = w.InstancesPage(ctx, "owner", sharing.InstanceQuery{}, sharing.Page{Cursor: next})
	want(t, err, nil)
	_, next, err = w.SharesGivenPage(ctx, "owner", sharing.ShareQuery{Statuses: []sharing.ShareStatus{sharing.SharePending, sharing.ShareAccepted}}, p)
	want(t, err, nil)
	_, _, err = w.SharesGivenPage(ctx, "owner",
		sharing.ShareQuery{Statuses: []sharing.ShareStatus{sharing.ShareAccepted, sharing.SharePending, sharing.ShareAccepted}}, sharing.Page{Cursor: next})
	want(t, err, nil)
}

// A listing answers the query as it was when the listing was made, even if the query's maps and slices change later.
func TestListings_KeepTheirQuery(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img := w.image("owner")
	w.share("owner", img, "b")
	w.launch("owner", img)
	labels, statuses := map[string]string{}, []sharing.ShareStatus{sharing.ShareAccepted}
	listings := map[string]func() int{
		"Images":         counting(t, w.Images(ctx, "owner", sharing.ImageQuery{Labels: labels})),
		"Instances":      counting(t, w.Instances(ctx, "owner", sharing.InstanceQuery{Labels: labels})),
		"SharesGiven":    counting(t, w.SharesGiven(ctx, "owner", sharing.ShareQuery{Statuses: statuses})),
		"SharesReceived": counting(t, w.SharesReceived(ctx, "b", sharing.ShareQuery{Statuses: statuses})),
	}
	labels["k"], statuses[0] = "v", sharing.ShareRejected
	for name, count := range listings {
		if n := count(); n != 1 {
			t.Errorf("%s gives %d items, want the one of its query", name, n)
		}
	}
}

// counting returns what counts the items of a listing.
func counting[T any](t *testing.T, listing iter.Seq2[T, error]) func() int {
	return func() (n int) {
		for _, err := range listing {
			want(t, err, nil)
			n++
		}
		return n
	}
}

// The body of a loop over a listing may call the engine, changes too; a cursor whose item is gone goes on after it.
func TestPages_BodyCallsEngine(t *testing.T) {
	w := newWorld(t, sharing.WithPolicy(sharing.Policy{MaxImages: -1}))
	for range 1500 {
		w.image("owner")
	}
	n := 0
	for img, err := range w.Images(t.Context(), "owner", sharing.ImageQuery{}) {
		want(t, err, nil)
		want(t, w.Delete(t.Context(), "owner", img.ID), nil)
		n++
	}
	if n != 1500 {
		t.Errorf("saw %d images, want 1500", n)
	}
}

func TestPages_Limits(t *testing.T) {
	w := newWorld(t, sharing.WithPolicy(sharing.Policy{MaxShares: -1}))
	img := w.image("owner")
	grantees := make([]sharing.Grantee, 1200)
	for i := range grantees {
		grantees[i] = sharing.Grantee(fmt.Sprintf("g%04d", i))
	}
	w.share("owner", img, grantees...)
	for limit, want := range map[int]int{0: 100, 1: 1, 1000: 1000, 5000: 1000} {
		items, next, err := w.SharesPage(t.Context(), "owner", img, sharing.Page{Limit: limit})
		if err != nil || len(items) != want || next == "" {
			t.Errorf("limit %d: got %d items, next %q, error %v; want %d items and a next page", limit, len(items), next, err, want)
		}
	}
}

// An empty page is an empty list, in JSON too, whatever makes it empty.
func TestPages_Empty(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img := w.image("owner")
	for name, q := range map[string]sharing.ImageQuery{"nothing": {}, "a source of another's": {Source: img, Owner: "owner"}} {
		if items, next, err := w.ImagesPage(ctx, "b", q, sharing.Page{}); items == nil || len(items) > 0 || next != "" || err != nil {
			t.Errorf("images, %s: got %#v, %q, %v", name, items, next, err)
		}
	}
	if items, next, err := w.SharesPage(ctx, "owner", img, sharing.Page{}); items == nil || len(items) > 0 || next != "" || err != nil {
		t.Errorf("shares: got %#v, %q, %v", items, next, err)
	}
	if items, next, err := w.InstancesPage(ctx, "b", sharing.InstanceQuery{}, sharing.Page{}); items == nil || len(items) > 0 || next != "" || err != nil {
		t.Errorf("instances: got %#v, %q, %v", items, next, err)
	}
}

// A page selected by a source that the actor does not see is as empty as by one that never was: even its cursor (R20).
func TestR20_PageOfUnseenSource(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img := w.image("owner")
	w.share("owner", img, "b")
	for range 3 {
		_, err := w.Capture(ctx, "b", w.launch("b", img), sharing.ImageSpec{})
		want(t, err, nil)
	}
	want(t, w.Unshare(ctx, "owner", img, "b"), nil)
	for _, source := range []sharing.ImageID{img, "never-was"} {
		items, next, err := w.ImagesPage(ctx, "b", sharing.ImageQuery{Source: source}, sharing.Page{Limit: 1})
		want(t, err, nil)
		if len(items) > 0 || next != "" {
			t.Errorf("the page by source %s has %d images, and the cursor %q after it", source, len(items), next)
		}
	}
}
