package sharingtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/imageshare/sharing"
)

// A Model is the rules as a program. It is itself a [System], so everything that can be asked of a
// system can be asked of the model.
//
// Each method decides in the order that the rules lay down under "Which refusal comes first". It returns bare
// sentinels. The model keeps everything that ever existed in maps, and looks through all of it for each answer. It
// is not safe for concurrent use.
type Model struct {
	setup     Setup
	images    map[sharing.ImageID]*modelImage
	instances map[sharing.InstanceID]*modelInstance
	trust     map[sharing.AccountID]sharing.Trust
}

type modelImage struct {
	sharing.Image // with its source and replacement whole
	deleted       bool
	shares        map[sharing.Grantee]sharing.Share
	ended         []ended                   // what was in shares and no longer is (R10)
	disks         map[sharing.AccountID]int // how many were made from it, by whom (R10)
}

// An ended share is what its grantee held.
type ended struct {
	grantee sharing.Grantee
	sharing.Holding
}

type modelInstance struct {
	sharing.Instance
	terminated bool
}

// NewModel returns the model of an empty system with the given setup.
func NewModel(setup Setup) *Model {
	return &Model{
		setup:     setup,
		images:    map[sharing.ImageID]*modelImage{},
		instances: map[sharing.InstanceID]*modelInstance{},
		trust:     map[sharing.AccountID]sharing.Trust{},
	}
}

// clone returns a copy that shares no memory with m, to try a change on.
func (m *Model) clone() *Model {
	c := NewModel(m.setup)
	for id, img := range m.images {
		copied := *img
		copied.Image = cloneImage(img.Image)
		copied.shares, copied.ended, copied.disks = maps.Clone(img.shares), slices.Clip(img.ended), maps.Clone(img.disks)
		c.images[id] = &copied
	}
	for id, inst := range m.instances {
		copied := *inst
		c.instances[id] = &copied
	}
	c.trust = maps.Clone(m.trust)
	return c
}

func cloneImage(img sharing.Image) sharing.Image {
	img.Labels = maps.Clone(img.Labels)
	if img.Deprecation != nil {
		d := *img.Deprecation
		img.Deprecation = &d
	}
	return img
}

// present returns the shares of an image that were made and have not ended, by grantee (R15).
func (m *Model) present(img *modelImage) map[sharing.Grantee]sharing.Share {
	present := map[sharing.Grantee]sharing.Share{}
	for g, share := range img.shares {
		expired := !share.Expires.IsZero() && !share.Expires.After(m.now())
		if !expired && !img.deleted {
			present[g] = share
		}
	}
	return present
}

// reaching returns the present shares that reach the actor: its own, its organisations', everyone's (R9, R19).
// A disabled image's shares reach nobody (R16).
func (m *Model) reaching(actor sharing.AccountID, img *modelImage) map[sharing.Grantee]sharing.Share {
	reaching := m.present(img)
	maps.DeleteFunc(reaching, func(g sharing.Grantee, _ sharing.Share) bool {
		return img.State == sharing.ImageDisabled || !m.means(g, actor)
	})
	return reaching
}

// means reports whether a grantee is the account, or has it as a member.
func (m *Model) means(g sharing.Grantee, account sharing.AccountID) bool {
	if org, ok := g.Organization(); ok {
		return slices.Contains(m.organizations(account), org)
	}
	return g == sharing.Everyone || g == sharing.Account(account)
}

// organizations returns those that the account is in. A failing directory says none: never a permission (R19).
func (m *Model) organizations(account sharing.AccountID) []sharing.OrganizationID {
	if m.setup.Directory == nil {
		return nil
	}
	orgs, err := m.setup.Directory.Organizations(background, account)
	if err != nil {
		return nil
	}
	return orgs
}

// sees reports whether the actor sees an image by its ID.
func (m *Model) sees(actor sharing.AccountID, id sharing.ImageID) bool {
	img := m.images[id]
	return img != nil && !img.deleted && (img.Owner == actor || len(m.reaching(actor, img)) > 0)
}

// mayUse reports whether the actor may use an image (R5).
func (m *Model) mayUse(actor sharing.AccountID, img *modelImage) bool {
	if !m.sees(actor, img.ID) || img.State == sharing.ImageDisabled {
		return false
	}
	return img.Owner == actor || m.origin(actor, img) != 0
}

// origin returns by which accepted shares an image reaches the actor, and whether it owns it (R14, R19).
func (m *Model) origin(actor sharing.AccountID, img *modelImage) (origin sharing.Origin) {
	if img.Owner == actor {
		origin |= sharing.OriginOwn
	}
	for g, share := range m.reaching(actor, img) {
		switch {
		case share.Status != sharing.ShareAccepted:
		case g == sharing.Everyone:
			origin |= sharing.OriginPublic
		default:
			origin |= sharing.OriginShared
		}
	}
	return origin
}

// trusts reports whether the actor's trust policy names the owner, or needs not to (R11).
func (m *Model) trusts(actor, owner sharing.AccountID) bool {
	t := m.trust[actor]
	anyone := len(t.Owners) == 0 && !t.Enforce
	return anyone || actor == owner || slices.Contains(t.Owners, owner)
}

// seen returns an image that the actor sees.
func (m *Model) seen(actor sharing.AccountID, id sharing.ImageID) (*modelImage, error) {
	if !m.sees(actor, id) {
		return nil, sharing.ErrImageNotFound
	}
	return m.images[id], nil
}

// owned returns an image that the actor owns (R1).
func (m *Model) owned(actor sharing.AccountID, id sharing.ImageID) (*modelImage, error) {
	img, err := m.seen(actor, id)
	if err == nil && img.Owner != actor {
		err = sharing.ErrNotOwner
	}
	return img, err
}

// ownInstance returns an instance that the actor owns.
func (m *Model) ownInstance(actor sharing.AccountID, id sharing.InstanceID) (*modelInstance, error) {
	inst := m.instances[id]
	if inst == nil || inst.terminated || inst.Owner != actor {
		return nil, sharing.ErrInstanceNotFound
	}
	return inst, nil
}

// show returns an image as the actor sees it: without a source and a replacement that it doesn't see (R16).
func (m *Model) show(actor sharing.AccountID, img *modelImage) sharing.Image {
	shown := cloneImage(img.Image)
	if !m.sees(actor, shown.Source.Image) {
		shown.Source.Image = ""
	}
	if _, err := m.ownInstance(actor, shown.Source.Instance); err != nil {
		shown.Source.Instance = ""
	}
	if d := shown.Deprecation; d != nil && !m.sees(actor, d.Replacement) {
		d.Replacement = ""
	}
	return shown
}

func (m *Model) now() time.Time { return m.setup.Now() }

// newID draws an ID that none of those that ever were has.
func newID[K ~string, V any](m *Model, ever map[K]V) K {
	for {
		id := K(m.setup.IDs())
		if _, used := ever[id]; !used {
			return id
		}
	}
}

// sorted returns the values of a map in the order of its keys.
func sorted[K ~string, V any](from map[K]V) (values []V) {
	for _, key := range slices.Sorted(maps.Keys(from)) {
		values = append(values, from[key])
	}
	return values
}

// state prints all that there is now.
func (m *Model) state() string {
	var b strings.Builder
	for _, img := range sorted(m.images) {
		shown := img.Image
		if shown.Deprecation != nil {
			fmt.Fprint(&b, *shown.Deprecation)
			shown.Deprecation = nil
		}
		fmt.Fprintln(&b, shown, img.deleted, m.present(img))
	}
	for _, inst := range sorted(m.instances) {
		fmt.Fprintln(&b, *inst)
	}
	for _, account := range slices.Sorted(maps.Keys(m.trust)) {
		if t := m.trust[account]; t.Enforce || len(t.Owners) > 0 {
			fmt.Fprintln(&b, account, t)
		}
	}
	return b.String()
}
