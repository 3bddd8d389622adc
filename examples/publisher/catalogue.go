package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/catalogue"
)

// findNewest asks for the latest image in each place, and compares the answers with the catalogue.
func (p *publisher) findNewest() error {
	p.Heading("1. The newest release in each region, for each architecture", "R18")
	byRelease := make(map[string][]string)
	differences := 0
	for where, want := range p.newest {
		got, err := p.latest(owner, where)
		if err != nil {
			return err
		}
		if got.ID != want.ID || got.Labels["release"] != want.Release {
			differences++
		}
		byRelease[got.Labels["release"]] = append(byRelease[got.Labels["release"]], fmt.Sprintf("%s/%s", where.region, where.architecture))
	}
	releases := slices.Sorted(maps.Keys(byRelease))
	slices.Reverse(releases)
	for _, release := range releases {
		places := byRelease[release]
		slices.Sort(places)
		if len(places) > 4 {
			p.Sayf("   %-16s  the latest in %d places", release, len(places))
		} else {
			p.Sayf("   %-16s  the latest in %s", release, strings.Join(places, ", "))
		}
	}
	p.Check(differences == 0, "in all %d places the latest of the family is the catalogue's own newest", len(p.newest))
	return nil
}

func (p *publisher) latest(actor sharing.AccountID, where place) (sharing.Image, error) {
	return p.Latest(p.ctx, actor, sharing.LatestQuery{
		Owner: owner, Family: stream, Region: where.region, Architecture: where.architecture,
	})
}

// share shares everything with the organisation.
func (p *publisher) share() error {
	p.Heading("2. An organisation gets it all", "R19")
	var err error
	for _, img := range p.images {
		if _, err = p.Share(p.ctx, owner, img.ID, sharing.Organization(customers)); err != nil {
			break
		}
	}
	p.Call(owner, fmt.Sprintf("Share(each of %d images, org:%s)", len(p.images), customers), err, "one share an image, whoever is in it").OK()
	if err := p.counts("alice", sharing.ImageQuery{}, len(p.images)); err != nil {
		return err
	}
	if err := p.counts("dave", sharing.ImageQuery{}, 0); err != nil {
		return err
	}
	p.members["dave"] = true
	p.Say("Dave joins, Carol leaves the organisation; nothing is shared anew:")
	delete(p.members, "carol")
	if err := p.counts("dave", sharing.ImageQuery{}, len(p.images)); err != nil {
		return err
	}
	if err := p.counts("carol", sharing.ImageQuery{}, 0); err != nil {
		return err
	}
	p.members["carol"] = true
	p.Say("Carol is back.")
	return nil
}

// counts checks how many images an account finds.
func (p *publisher) counts(actor sharing.AccountID, q sharing.ImageQuery, want int) error {
	got := 0
	var failed error
	for _, err := range p.Images(p.ctx, actor, q) {
		if failed = err; err == nil {
			got++
		}
	}
	about := ""
	if q.Deprecated {
		about = "deprecated ones too"
	}
	p.Call(actor, fmt.Sprintf("Images(%s)", about), failed, "%d images", got).OK()
	if failed == nil && got != want {
		p.Check(false, "they are %d", want)
	}
	return failed
}

// deprecate points every image that is not the newest of its place to the one that is.
func (p *publisher) deprecate() error {
	p.Heading("3. Old releases are deprecated, each with its replacement", "R16")
	var old []catalogue.Image
	for _, img := range p.images {
		if p.replacement(img).ID != img.ID {
			old = append(old, img)
		}
	}
	var err error
	for _, img := range old {
		next := p.replacement(img)
		d := sharing.Deprecation{Notice: "use release " + next.Release, Replacement: next.ID}
		if err = p.Deprecate(p.ctx, owner, img.ID, d); err != nil {
			break
		}
	}
	p.Call(owner, fmt.Sprintf("Deprecate(each of %d images, in favour of the newest in its region)", len(old)), err, "").OK()
	if err := p.counts("alice", sharing.ImageQuery{}, len(p.newest)); err != nil {
		return err
	}
	if err := p.counts("alice", sharing.ImageQuery{Deprecated: true}, len(p.images)); err != nil {
		return err
	}
	differences := 0
	for where, want := range p.newest {
		got, err := p.latest("alice", where)
		if err != nil {
			return err
		}
		if got.ID != want.ID {
			differences++
		}
	}
	p.Check(differences == 0, "she finds the newest in each of the %d places, and nothing else", len(p.newest))

	img, err := p.Image(p.ctx, "alice", old[0].ID)
	if err != nil {
		return err
	}
	p.Call("alice", fmt.Sprintf("Image(%s)", old[0].ID), err, "release %s of %s, %s: %q, replaced by %s", img.Labels["release"],
		img.CreatedAt.Format("2006-01-02"), img.State, img.Deprecation.Notice, img.Deprecation.Replacement).OK()
	p.Check(img.Deprecation.Replacement == p.replacement(old[0]).ID, "whoever uses an old one is told what to use instead")
	return nil
}

// replacement returns the newest image of img's place.
func (p *publisher) replacement(img catalogue.Image) catalogue.Image {
	return p.newest[place{img.Region, img.Architecture}]
}
