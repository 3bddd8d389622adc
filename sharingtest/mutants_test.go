package sharingtest

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imageshare/sharing"
)

// Mutants are systems that break one rule each, and the search that must find it; without one, random calls must.
var mutants = []struct {
	name   string
	finder string
	mutant func(*Model) System
}{
	{"R1 a grantee shares", "sharing", func(m *Model) System { return reshares{m} }},
	{"R2 one grantee too many", "acceptance", func(m *Model) System { return generous{m} }},
	{"R4 use in any region", "lineage", func(m *Model) System { return borderless{m} }},
	{"R6 reinit without permission", "life cycle", func(m *Model) System { return reinits{m} }},
	{"R6 reinit tells why", "life cycle", func(m *Model) System { return explains{m} }},
	{"R7 unshare leaves organisations", "organizations", func(m *Model) System { return forgetful{m} }},
	{"R8 delete of a shared image", "sharing", func(m *Model) System { return deletes{m} }},
	{"R9 a grantee sees other grantees", "sharing", func(m *Model) System { return gossips{m} }},
	{"R11 an untrusted owner's image", "trust", func(m *Model) System { return trusting{m} }},
	{"R14 pending images are listed", "acceptance", func(m *Model) System { return eager{m} }},
	{"R15 an expired share is extended", "expiry", func(m *Model) System { return revives{m} }},
	{"R16 a disabled image is copied", "lineage", func(m *Model) System { return copies{m} }},
	{"R18 a deprecated image is latest", "life cycle", func(m *Model) System { return outdated{m} }},
	{"R20 a hidden image is told of", "sharing", func(m *Model) System { return oracle{m} }},
	{"R22 half of a call is kept", "", func(m *Model) System { return half{m} }},
	{"R23 sharing twice starts anew", "organizations", func(m *Model) System { return anew{m} }},
	{"R28 a sealed image is captured", "life cycle", func(m *Model) System { return unsealed{m} }},
}

func TestSuiteFindsMutants(t *testing.T) {
	// Random calls find a mutant after some 20 histories, now and then after more than the 100 that are usual.
	set(t, "rapid.checks", "2000")
	// How a mutant is found is of no interest.
	set(t, "rapid.shrinktime", "0s")
	set(t, "rapid.nofailfile", "true")
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			how := failure(func(t TB) { judge(t, m.finder, m.mutant) })
			if how == "" {
				t.Fatal("the suite does not find it")
			}
			t.Log(how)
		})
	}
}

// set sets a flag until the test ends.
func set(t *testing.T, name, value string) {
	before := flag.Lookup(name).Value.String()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { flag.Set(name, before) })
}

// judge judges a system by the short search of an alphabet, or by random calls.
func judge(t TB, alphabet string, system func(*Model) System) {
	open := func(_ TB, setup Setup) Subject { return Subject{System: system(NewModel(setup))} }
	if alphabet == "" {
		rapid.Check(t.(rapid.TB), func(t *rapid.T) { randomCalls(t, open, features{Explanations}) })
		return
	}
	for _, a := range Alphabets {
		if a.Name == alphabet {
			Explore(t, open, a.Small(), Search{Symmetric: true}, Explanations)
			Explore(t, open, a, Search{Symmetric: true, Depth: 4}, Explanations)
		}
	}
}

// TestSuitePassesModel: what finds mutants finds nothing wrong with the model.
func TestSuitePassesModel(t *testing.T) {
	for _, alphabet := range []string{"trust", "expiry"} {
		judge(t, alphabet, func(m *Model) System { return m })
	}
}

// failure runs a test on the side, and returns how it failed.
func failure(test func(TB)) string {
	t := &side{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(t)
	}()
	<-done
	return t.how
}

// A side is a test that may fail.
type side struct {
	testing.TB
	how string
}

func (t *side) Name() string              { return "mutant" }
func (t *side) Helper()                   {}
func (t *side) Context() context.Context  { return context.Background() }
func (t *side) Logf(string, ...any)       {}
func (t *side) Failed() bool              { return t.how != "" }
func (t *side) Errorf(f string, a ...any) { t.how += fmt.Sprintf(f, a...) }
func (t *side) FailNow()                  { runtime.Goexit() }
func (t *side) Fatalf(f string, a ...any) {
	t.Errorf(f, a...)
	t.FailNow()
}

type reshares struct{ *Model }

func (s reshares) Share(ctx context.Context, actor sharing.AccountID, id sharing.ImageID, grantees ...sharing.Grantee) ([]sharing.Share, error) {
	if img, err := s.seen(actor, id); err == nil && s.mayUse(actor, img) {
		actor = img.Owner
	}
	return s.Model.Share(ctx, actor, id, grantees...)
}

type generous struct{ *Model }

func (s generous) Share(ctx context.Context, actor sharing.AccountID, id sharing.ImageID, grantees ...sharing.Grantee) ([]sharing.Share, error) {
	defer func(policy sharing.Policy) { s.setup.Policy = policy }(s.setup.Policy)
	if s.setup.Policy.MaxShares > 0 {
		s.setup.Policy.MaxShares++
	}
	return s.Model.Share(ctx, actor, id, grantees...)
}

type borderless struct{ *Model }

func (s borderless) ReplaceDisk(ctx context.Context, actor sharing.AccountID, id sharing.InstanceID, disk sharing.DiskSpec) (sharing.Instance, error) {
	if inst, err := s.ownInstance(actor, id); err == nil && s.images[disk.Image] != nil {
		defer func(region sharing.Region) { inst.Region = region }(inst.Region)
		inst.Region = s.images[disk.Image].Region
	}
	return s.Model.ReplaceDisk(ctx, actor, id, disk)
}

type reinits struct{ *Model }

func (s reinits) Reinit(ctx context.Context, actor sharing.AccountID, id sharing.InstanceID) (sharing.Instance, error) {
	inst, err := s.ownInstance(actor, id)
	if err != nil || s.images[inst.Image].deleted {
		return s.Model.Reinit(ctx, actor, id)
	}
	inst.DiskGeneration++
	return inst.show(), nil
}

type explains struct{ *Model }

func (s explains) Reinit(ctx context.Context, actor sharing.AccountID, id sharing.InstanceID) (sharing.Instance, error) {
	inst, err := s.Model.Reinit(ctx, actor, id)
	if is := s.instances[id]; err == sharing.ErrImageUnavailable {
		err = fmt.Errorf("%w: deleted: %v", err, s.images[is.Image].deleted)
	}
	return inst, err
}

type forgetful struct{ *Model }

func (s forgetful) Unshare(ctx context.Context, actor sharing.AccountID, id sharing.ImageID, grantees ...sharing.Grantee) error {
	if _, isOrg := grantees[0].Organization(); isOrg && len(grantees) == 1 {
		_, err := s.owned(actor, id)
		return err
	}
	return s.Model.Unshare(ctx, actor, id, grantees...)
}

type deletes struct{ *Model }

func (s deletes) Delete(ctx context.Context, actor sharing.AccountID, id sharing.ImageID) error {
	err := s.Model.Delete(ctx, actor, id)
	if err == sharing.ErrImageShared {
		return s.ForceDelete(ctx, actor, id)
	}
	return err
}

type gossips struct{ *Model }

func (s gossips) Shares(ctx context.Context, actor sharing.AccountID, id sharing.ImageID) iter.Seq2[sharing.Share, error] {
	if img, err := s.seen(actor, id); err == nil {
		actor = img.Owner
	}
	return s.Model.Shares(ctx, actor, id)
}

type trusting struct{ *Model }

func (s trusting) ReplaceDisk(ctx context.Context, actor sharing.AccountID, id sharing.InstanceID, disk sharing.DiskSpec) (sharing.Instance, error) {
	defer func(t sharing.Trust) { s.trust[actor] = t }(s.trust[actor])
	s.trust[actor] = sharing.Trust{}
	return s.Model.ReplaceDisk(ctx, actor, id, disk)
}

type eager struct{ *Model }

func (s eager) Images(ctx context.Context, actor sharing.AccountID, q sharing.ImageQuery) iter.Seq2[sharing.Image, error] {
	m := s.clone()
	for _, img := range m.images {
		for g, share := range img.shares {
			share.Status = sharing.ShareAccepted
			img.shares[g] = share
		}
	}
	return m.Images(ctx, actor, q)
}

type revives struct{ *Model }

func (s revives) ShareUntil(ctx context.Context, actor sharing.AccountID, id sharing.ImageID, expires time.Time, grantees ...sharing.Grantee) ([]sharing.Share, error) {
	old := map[sharing.Grantee]sharing.Share{}
	if img := s.images[id]; img != nil {
		for g, share := range img.shares {
			old[g] = share
		}
	}
	shares, err := s.Model.ShareUntil(ctx, actor, id, expires, grantees...)
	for i, share := range shares {
		if was, ok := old[share.Grantee]; ok {
			shares[i].CreatedAt = was.CreatedAt
			s.images[id].shares[share.Grantee] = shares[i]
		}
	}
	return shares, err
}

type copies struct{ *Model }

func (s copies) Copy(ctx context.Context, actor sharing.AccountID, id sharing.ImageID, to sharing.Region, spec sharing.ImageSpec) (sharing.Image, error) {
	if img, err := s.owned(actor, id); err == nil {
		defer func(state sharing.ImageState) { img.State = state }(img.State)
		img.State = sharing.ImageAvailable
	}
	return s.Model.Copy(ctx, actor, id, to, spec)
}

type outdated struct{ *Model }

func (s outdated) Latest(ctx context.Context, actor sharing.AccountID, q sharing.LatestQuery) (sharing.Image, error) {
	m := s.clone()
	for _, img := range m.images {
		if img.State == sharing.ImageDeprecated {
			img.State = sharing.ImageAvailable
		}
	}
	return m.Latest(ctx, actor, q)
}

type oracle struct{ *Model }

func (s oracle) Image(ctx context.Context, actor sharing.AccountID, id sharing.ImageID) (sharing.Image, error) {
	img, err := s.Model.Image(ctx, actor, id)
	if err != nil && s.images[id] != nil {
		err = fmt.Errorf("%w: permission denied", err)
	}
	return img, err
}

type half struct{ *Model }

func (s half) Share(ctx context.Context, actor sharing.AccountID, id sharing.ImageID, grantees ...sharing.Grantee) ([]sharing.Share, error) {
	shares, err := s.Model.Share(ctx, actor, id, grantees...)
	if err == sharing.ErrShareLimit {
		s.Model.Share(ctx, actor, id, grantees[0])
	}
	return shares, err
}

type anew struct{ *Model }

func (s anew) Share(ctx context.Context, actor sharing.AccountID, id sharing.ImageID, grantees ...sharing.Grantee) ([]sharing.Share, error) {
	if img, err := s.owned(actor, id); err == nil && img.State == sharing.ImageAvailable && s.setup.Policy.MaxShares == 0 {
		for _, g := range grantees {
			delete(img.shares, g)
		}
	}
	return s.Model.Share(ctx, actor, id, grantees...)
}

type unsealed struct{ *Model }

func (s unsealed) Capture(ctx context.Context, actor sharing.AccountID, from sharing.InstanceID, spec sharing.ImageSpec) (sharing.Image, error) {
	if inst, err := s.ownInstance(actor, from); err == nil {
		img := s.images[inst.Image]
		defer func(sealed bool) { img.Sealed = sealed }(img.Sealed)
		img.Sealed = false
	}
	return s.Model.Capture(ctx, actor, from, spec)
}
