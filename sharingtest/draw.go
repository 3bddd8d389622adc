package sharingtest

import (
	"math/bits"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/imageshare/sharing"
)

// The names in a random world. They are few, so that calls meet.
var (
	accounts   = []sharing.AccountID{"a", "b", "c", "d"}
	regions    = []sharing.Region{"r1", "r2"}
	orgs       = []sharing.OrganizationID{"o", "p"}
	families   = []string{"", "f", "g"}
	digests    = []string{"", "sha256:" + strings.Repeat("0", 64), "sha256:" + strings.Repeat("f", 64)}
	labelSets  = []map[string]string{nil, {"k": "v"}, {"k": "w", "l": "v"}}
	tooLong    = strings.Repeat("x", 129)
	badNames   = []string{"", " ", "x y", "x\x00", "x\xff", "x\u2028", tooLong}
	badTexts   = []string{"x\x00", "x\xff", "x\u0085", tooLong}
	badDigests = []string{"sha256:", "sha256:x y", "md5:" + strings.Repeat("0", 64), strings.Repeat("0", 64)}
)

// A dealer draws calls that make sense in a world, and now and then one that makes none.
type dealer struct {
	*rapid.T
	w     *world
	lacks features
}

// pick draws one of some values, each as often as the others, which rapid's own generators don't.
func pick[T any](d dealer, what string, from ...T) T {
	return from[uniform(len(from)).Draw(d.T, what)]
}

func uniform(n int) *rapid.Generator[int] {
	return rapid.Custom(func(t *rapid.T) int {
		i := 0
		for range bits.Len(uint(n)) + 3 {
			i *= 2
			if rapid.Bool().Draw(t, "bit") {
				i++
			}
		}
		return i % n
	})
}

// rarely is true once in n times.
func (d dealer) rarely(n int) bool { return uniform(n).Draw(d.T, "rarely") == n-1 }

// image draws an image that there is, or rarely one that there was or never was.
func (d dealer) image() sharing.ImageID {
	var there, gone []sharing.ImageID
	for _, img := range sorted(d.w.model.images) {
		if img.deleted {
			gone = append(gone, img.ID)
		} else {
			there = append(there, img.ID)
		}
	}
	if len(there) == 0 || d.rarely(10) {
		return pick(d, "image", append(gone, absent)...)
	}
	return pick(d, "image", there...)
}

// instance draws an instance that there is, or rarely one that there was or never was.
func (d dealer) instance() sharing.InstanceID {
	var there, gone []sharing.InstanceID
	for _, inst := range sorted(d.w.model.instances) {
		if inst.terminated {
			gone = append(gone, inst.ID)
		} else {
			there = append(there, inst.ID)
		}
	}
	if len(there) == 0 || d.rarely(10) {
		return pick(d, "instance", append(gone, absent)...)
	}
	return pick(d, "instance", there...)
}

// user draws who makes a call about an image: its owner, or whom a share of it reaches, as often as anybody.
func (d dealer) user(id sharing.ImageID) sharing.AccountID {
	users := slices.Clone(accounts)
	if img := d.w.model.images[id]; img != nil {
		users = append(users, img.Owner, img.Owner, img.Owner)
		for _, account := range accounts {
			if len(d.w.model.reaching(account, img)) > 0 {
				users = append(users, account, account)
			}
		}
	}
	return pick(d, "actor", users...)
}

// region draws a region, most often that of the image.
func (d dealer) region(id sharing.ImageID) sharing.Region {
	if img := d.w.model.images[id]; img != nil && !d.rarely(4) {
		return img.Region
	}
	return pick(d, "region", regions...)
}

func (d dealer) grantees(least int) []sharing.Grantee {
	var some []sharing.Grantee
	for range least + uniform(4-least).Draw(d.T, "grantees") {
		some = append(some, pick(d, "grantee", grantees(d.lacks)...))
	}
	return some
}

// grantees are whom shares are made with in a random world, those of which there are accounts more than once.
func grantees(lacks features) []sharing.Grantee {
	var from []sharing.Grantee
	for _, account := range accounts {
		from = append(from, sharing.Account(account), sharing.Account(account))
	}
	from = append(from, sharing.Account(stranger))
	if lacks.has(Organizations) {
		from = append(from, sharing.Organization("o"), sharing.Organization("p"))
	}
	if lacks.has(Public) {
		from = append(from, sharing.Everyone)
	}
	return from
}

func (d dealer) spec() sharing.ImageSpec {
	return sharing.ImageSpec{
		Name: pick(d, "name", "", "n"), Description: pick(d, "description", "", "two\nlines\t."), Family: pick(d, "family", families...),
		Architecture: pick(d, "architecture", "", "arm64"), Labels: pick(d, "labels", labelSets...),
	}
}

// likely draws a change that the model makes, if one of three draws is such. Of calls drawn at random
// two in three are refused, and in a world in which little happens there is little to get wrong.
func (d dealer) likely(op string) (c call) {
	for range 3 {
		c = d.change(op)
		tried := d.w.model.clone()
		tried.setup.IDs = func() string { return never }
		if _, err := c.of(d.Context(), tried); err == nil {
			break
		}
	}
	return c
}

// change draws a call of a method that changes something.
func (d dealer) change(op string) call {
	c := call{Op: op}
	switch op {
	case "Register":
		c.Actor, c.Spec = pick(d, "actor", accounts...), d.spec()
		c.Spec.Region, c.Spec.Digest, c.Spec.Size = pick(d, "region", regions...), pick(d, "digest", digests...), pick[int64](d, "size", 0, 1)
	case "SetTrust":
		c.Actor = pick(d, "actor", accounts...)
		for range uniform(4).Draw(d.T, "owners") {
			c.Trust.Owners = append(c.Trust.Owners, pick(d, "owner", accounts...))
		}
		c.Trust.Enforce = rapid.Bool().Draw(d.T, "enforce")
	case "Capture", "ReplaceDisk", "Reinit", "Terminate":
		c.Instance = d.instance()
		c.Actor = pick(d, "actor", accounts...)
		if inst := d.w.model.instances[c.Instance]; inst != nil && !d.rarely(4) {
			c.Actor = inst.Owner
		}
	default:
		c.Image = d.image()
		c.Actor = d.user(c.Image)
	}
	d.arguments(&c)
	return d.spoil(c)
}

// arguments draws what a change needs besides an actor and the image or instance that it is made to.
func (d dealer) arguments(c *call) {
	switch c.Op {
	case "Capture", "Copy":
		c.Spec = d.spec()
		to := pick(d, "region", regions...)
		if c.Op == "Copy" {
			c.Region = to
		}
		if d.rarely(5) {
			c.Spec.Region, c.Spec.Digest, c.Spec.Size = pick(d, "spec's region", to, regions[0]), pick(d, "digest", digests...), 1
		}
	case "Share", "Unshare":
		c.Grantees = d.grantees(1)
	case "SetShares":
		c.Grantees = d.grantees(0)
	case "ShareUntil":
		c.Grantees = d.grantees(1)
		c.Expires = d.w.clock.now.Add(time.Duration(uniform(4).Draw(d.T, "hours")) * time.Hour)
		if d.rarely(4) {
			c.Expires = time.Time{}
		}
	case "Deprecate":
		c.Deprecation.Notice = pick(d, "notice", "", "old")
		if rapid.Bool().Draw(d.T, "replaced") {
			c.Deprecation.Replacement = d.image()
		}
	case "Update":
		c.Update = d.update()
	case "Launch":
		c.Region, c.Digest, c.Labels = d.region(c.Image), d.digest(), pick(d, "labels", labelSets...)
	case "ReplaceDisk":
		c.Image, c.Digest = d.image(), d.digest()
	}
}

func (d dealer) update() (u sharing.ImageUpdate) {
	for _, field := range []**string{&u.Name, &u.Description, &u.Family} {
		if rapid.Bool().Draw(d.T, "set") {
			text := pick(d, "text", families...)
			*field = &text
		}
	}
	u.Labels = pick(d, "labels", nil, map[string]string{}, labelSets[1], labelSets[2])
	return u
}

func (d dealer) digest() string {
	if d.rarely(3) {
		return pick(d, "digest", digests...)
	}
	return ""
}

// spoil rarely makes one argument bad input: one that the method has, since under a token
// (R23) others make no other request.
func (d dealer) spoil(c call) call {
	if !d.rarely(25) {
		return c
	}
	name, text := pick(d, "bad name", badNames...), pick(d, "bad text", badTexts...)
	var spoils []func()
	spoil := func(spoil ...func()) { spoils = append(spoils, spoil...) }
	spoil(func() { c.Actor = sharing.AccountID(name) })
	if c.Image != "" {
		spoil(func() { c.Image = sharing.ImageID(name) })
	}
	if c.Instance != "" {
		spoil(func() { c.Instance = sharing.InstanceID(name) })
	}
	if c.Region != "" {
		spoil(func() { c.Region = sharing.Region(name) })
	}
	if c.Grantees != nil {
		spoil(func() { c.Grantees = append(c.Grantees, sharing.Grantee(name)) }, func() { c.Grantees = append(c.Grantees, "org:x*") },
			func() { c.Grantees = nil })
	}
	switch c.Op {
	case "Register", "Capture", "Copy":
		spoil(func() { c.Spec.Name = text }, func() { c.Spec.Family = text }, func() { c.Spec.Architecture = text },
			func() { c.Spec.Description = strings.Repeat("x", 2049) }, func() { c.Spec.Region = sharing.Region(name) },
			func() { c.Spec.Digest = pick(d, "bad digest", badDigests...) }, func() { c.Spec.Size = -1 },
			func() { c.Spec.Labels = map[string]string{text: ""} })
	case "Update":
		spoil(func() { c.Update.Name = &text }, func() { c.Update.Family = &text },
			func() { c.Update.Labels = map[string]string{"k": strings.Repeat("x", 257)} })
	case "Deprecate":
		spoil(func() { c.Deprecation.Notice = strings.Repeat("x", 2049) }, func() { c.Deprecation.Replacement = c.Image })
	case "Launch":
		spoil(func() { c.Digest = pick(d, "bad digest", append(badDigests, text)...) }, func() { c.Labels = map[string]string{"k": text + tooLong} })
	case "ReplaceDisk":
		spoil(func() { c.Digest = pick(d, "bad digest", append(badDigests, text)...) })
	case "SetTrust":
		spoil(func() { c.Trust.Owners = append(c.Trust.Owners, sharing.AccountID(name)) })
	case "ShareUntil":
		spoil(func() { c.Expires = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) })
	}
	pick(d, "spoil", spoils...)()
	return c
}

// query draws a listing by a query, which has few conditions, so that most find something.
func (d dealer) query() call {
	c := call{Op: pick(d, "op", "Images", "SharesReceived", "SharesGiven", "Instances"), Actor: pick(d, "actor", accounts...)}
	region, owner := seldom(d, "region", regions...), seldom(d, "owner", accounts...)
	switch c.Op {
	case "Images":
		c.Images = sharing.ImageQuery{
			Region: region, Owner: owner, Family: seldom(d, "family", families...), Name: seldom(d, "name", "n"),
			Digest: seldom(d, "digest", digests...), Labels: seldom(d, "labels", labelSets...),
			Origin: sharing.Origin(uniform(9).Draw(d.T, "origin")), Deprecated: rapid.Bool().Draw(d.T, "deprecated"),
		}
		if d.rarely(4) {
			c.Images.Source = d.image()
		}
	case "Instances":
		c.Instances = sharing.InstanceQuery{Region: region, Labels: seldom(d, "labels", labelSets...)}
		if d.rarely(4) {
			c.Instances.Image = d.image()
		}
	default:
		c.Shares = sharing.ShareQuery{Region: region, Owner: owner, Grantee: seldom(d, "grantee", grantees(d.lacks)...)}
		for range seldom(d, "statuses", 1, 2) {
			c.Shares.Statuses = append(c.Shares.Statuses, sharing.ShareStatus(uniform(4).Draw(d.T, "status")))
		}
	}
	return c
}

// seldom draws a condition of a query: none, three times out of four.
func seldom[T any](d dealer, what string, from ...T) (none T) {
	if d.rarely(4) {
		return pick(d, what, from...)
	}
	return none
}

// latest draws a question for the newest image of a family.
func (d dealer) latest() call {
	return call{Op: "Latest", Actor: pick(d, "actor", accounts...), Latest: sharing.LatestQuery{
		Owner: pick(d, "owner", accounts...), Family: pick(d, "family", families...), Region: pick(d, "region", regions...),
		Architecture: pick(d, "architecture", "", "arm64"),
	}}
}
