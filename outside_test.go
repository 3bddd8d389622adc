package sharing_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/imageshare/sharing"
)

// directory is a Directory that a test fills, breaks and counts.
type directory struct {
	mu      sync.Mutex
	members map[sharing.AccountID][]sharing.OrganizationID
	err     error
	asked   int
}

func (d *directory) Organizations(_ context.Context, account sharing.AccountID) ([]sharing.OrganizationID, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	return d.members[account], d.err
}

func TestR19_DirectoryFails(t *testing.T) {
	broken := errors.New("directory down")
	dir := &directory{members: map[sharing.AccountID][]sharing.OrganizationID{"member": {"org"}}}
	w := newWorld(t, sharing.WithDirectory(dir))
	img := w.image("owner")
	public := w.image("owner")
	w.share("owner", img, sharing.Organization("org"), "friend")
	w.share("owner", public, sharing.Everyone)
	ctx := t.Context()
	want(t, w.CanUse(ctx, "member", img, "r1"), nil)
	vm := w.launch("member", img)
	_, err := w.Capture(ctx, "member", vm, sharing.ImageSpec{})
	want(t, err, nil)

	dir.err = broken
	want(t, w.CanUse(ctx, "member", img, "r1"), broken)
	want(t, w.CanUse(ctx, "stranger", img, "r1"), broken)
	want(t, w.CanUse(ctx, "stranger", "never-was", "r1"), broken)
	_, err = w.Launch(ctx, "member", sharing.LaunchSpec{Image: img, Region: "r1"})
	want(t, err, broken)
	want(t, first(w.Images(ctx, "member", sharing.ImageQuery{})), broken)
	want(t, first(w.Images(ctx, "member", sharing.ImageQuery{Owner: "member"})), nil)
	for _, source := range []sharing.ImageID{img, "never-was"} { // alike (R20)
		want(t, first(w.Images(ctx, "member", sharing.ImageQuery{Source: source})), broken)
	}
	// What an owner's or an account's own share allows does not depend on it.
	want(t, w.CanUse(ctx, "owner", img, "r1"), nil)
	want(t, w.CanUse(ctx, "friend", img, "r1"), nil)
	want(t, w.CanUse(ctx, "stranger", public, "r1"), nil)
	want(t, w.Leave(ctx, "friend", img), nil)
	want(t, first(w.Images(ctx, "owner", sharing.ImageQuery{Owner: "owner"})), nil)
	want(t, first(w.Images(ctx, "owner", sharing.ImageQuery{Owner: "owner", Origin: sharing.OriginShared})), broken)
}

func TestR19_DirectoryLies(t *testing.T) {
	dir := &directory{members: map[sharing.AccountID][]sharing.OrganizationID{"member": {"org", "not an id"}}}
	w := newWorld(t, sharing.WithDirectory(dir))
	img := w.image("owner")
	w.share("owner", img, sharing.Organization("org"))
	err := w.CanUse(t.Context(), "member", img, "r1")
	if err == nil || errors.Is(err, sharing.ErrImageNotFound) || errors.Is(err, sharing.ErrInvalid) {
		t.Fatalf("got %v, want the directory's failure", err)
	}
}

// The directory is asked alike for images that exist and that never did (R20), and after an account was moved out of
// an organisation its next call is refused.
func TestR19_DirectoryAskedAlike(t *testing.T) {
	dir := &directory{members: map[sharing.AccountID][]sharing.OrganizationID{"member": {"org"}}}
	w := newWorld(t, sharing.WithDirectory(dir))
	img := w.image("owner")
	w.share("owner", img, sharing.Organization("org"))
	count := func(image sharing.ImageID) int {
		dir.asked = 0
		want(t, w.CanUse(t.Context(), "stranger", image, "r1"), sharing.ErrImageNotFound)
		return dir.asked
	}
	if there, never := count(img), count("never-was"); there != never || there != 1 {
		t.Errorf("asked %d times for an image that exists, %d times for one that never did; want once each", there, never)
	}
	dir.members = nil
	want(t, w.CanUse(t.Context(), "member", img, "r1"), sharing.ErrImageNotFound)
}

func TestR19_GranteeCheck(t *testing.T) {
	refused := errors.New("not in the company")
	var asked []sharing.Grantee
	var w *world
	w = newWorld(t, sharing.WithPolicy(sharing.Policy{MaxShares: 2, BlockPublic: true}),
		sharing.WithGranteeCheck(func(_ context.Context, owner sharing.AccountID, img sharing.Image, g sharing.Grantee) error {
			// It runs outside the transaction, so it may call the engine, changes too.
			if _, err := w.Register(t.Context(), "embedder", sharing.ImageSpec{Region: "r9"}); err != nil {
				t.Error(err)
			}
			if owner != "owner" || img.Owner != "owner" || img.Name != "web" {
				t.Errorf("asked for owner %s, image %+v", owner, img)
			}
			asked = append(asked, g)
			switch g {
			case "enemy":
				return refused
			case "bomb":
				panic("check")
			}
			return nil
		}))
	img := w.image("owner")
	ctx := t.Context()

	_, err := w.Share(ctx, "owner", img, "friend", "enemy", "other")
	want(t, err, sharing.ErrGranteeRefused)
	want(t, err, refused)
	if !slices.Equal(asked, []sharing.Grantee{"friend", "enemy"}) {
		t.Errorf("asked about %v, want nobody after the first that is refused", asked)
	}
	var refusal *sharing.Refusal
	if !errors.As(err, &refusal) || refusal.Rule != "R19" || errors.Unwrap(refusal) != sharing.ErrGranteeRefused {
		t.Errorf("got %#v", err)
	}
	w.share("owner", img, "friend")
	asked = nil
	w.share("owner", img, "friend", "other")
	if len(asked) != 1 || asked[0] != "other" {
		t.Errorf("asked about %v, want only the new grantee", asked)
	}
	// It comes after the public block and before the share limit; nobody but the owner gets that far.
	asked = nil
	_, err = w.Share(ctx, "owner", img, sharing.Everyone, "enemy")
	want(t, err, sharing.ErrPublicBlocked)
	_, err = w.Share(ctx, "friend", img, "enemy")
	want(t, err, sharing.ErrNotOwner)
	if len(asked) != 0 {
		t.Errorf("asked about %v, want nobody", asked)
	}
	_, err = w.Share(ctx, "owner", img, "third", "enemy")
	want(t, err, sharing.ErrGranteeRefused)
	_, err = w.Share(ctx, "owner", img, "third")
	want(t, err, sharing.ErrShareLimit)

	before := len(w.log())
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a panic of the check did not reach the caller")
			}
		}()
		_, _ = w.SetShares(ctx, "owner", img, "bomb")
	}()
	want(t, w.Unshare(ctx, "owner", img, "friend"), nil) // nothing is locked
	log := w.log()
	if log[len(log)-1].Kind != sharing.EventUnshared || len(log) != before+2 { // one of them the embedder's own
		t.Errorf("the panic left something behind: %v", log[before:])
	}
}

// A grantee is asked about once in a call, also where another becomes new meanwhile (R19).
func TestR19_GranteeCheckedOnce(t *testing.T) {
	asked := make(map[sharing.Grantee]int)
	var w *world
	w = newWorld(t, sharing.WithGranteeCheck(func(ctx context.Context, owner sharing.AccountID, img sharing.Image, g sharing.Grantee) error {
		if asked[g]++; g != "new" {
			return nil
		}
		return w.Unshare(ctx, owner, img.ID, "present")
	}))
	img := w.image("owner")
	w.share("owner", img, "present")
	clear(asked)
	w.share("owner", img, "new", "present")
	if len(asked) != 2 || asked["new"] != 1 || asked["present"] != 1 {
		t.Errorf("asked %v times, want once for each", asked)
	}
}

// An operator is told of a directory that fails, and of no refusal (R19).
func TestR19_DirectoryFailureIsLogged(t *testing.T) {
	var log strings.Builder
	dir := new(directory)
	w := newWorld(t, sharing.WithDirectory(dir), sharing.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	want(t, w.CanUse(t.Context(), "b", "never", "r1"), sharing.ErrImageNotFound)
	if log.Len() > 0 {
		t.Errorf("logged %q", log.String())
	}
	dir.err = errors.New("directory down")
	want(t, w.CanUse(t.Context(), "b", "never", "r1"), dir.err)
	if text := log.String(); !strings.Contains(text, "directory down") || !strings.Contains(text, "account=b") {
		t.Errorf("logged %q, want the account and the error", text)
	}
}
