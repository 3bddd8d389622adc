package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/catalogue"
)

// A machine is an instance that runs in the story.
type machine struct {
	id    sharing.InstanceID
	owner sharing.AccountID
	image catalogue.Image
}

// machines returns the machines of the story. Alice has one from the first image of each year; Bob's and the
// publisher's are from the very first image, and Carol's is from the second.
func (p *publisher) machines() []machine {
	var all []machine
	year := 0
	for _, img := range p.images {
		if img.Published.Year() == year {
			continue
		}
		year = img.Published.Year()
		all = append(all, machine{sharing.InstanceID(fmt.Sprintf("alice-%d", year)), "alice", img})
	}
	first := all[0].image
	return append(all,
		machine{"bob-1", "bob", first},
		machine{"bob-2", "bob", first},
		machine{"carol-1", "carol", p.images[1]},
		machine{"builder", owner, first})
}

// customersWork launches the machines.
func (p *publisher) customersWork() error {
	p.Heading("4. Customers use what they find, old releases too", "R5")
	for _, m := range p.machines() {
		p.Name(string(m.id))
		inst, err := p.Launch(p.ctx, m.owner, sharing.LaunchSpec{Image: m.image.ID, Region: m.image.Region, ExpectDigest: m.image.Digest})
		p.Call(m.owner, fmt.Sprintf("Launch(release %s in %s)", m.image.Release, m.image.Region), err, "%s", inst.ID).OK()
	}
	return nil
}

// retire deletes the images of the oldest year.
func (p *publisher) retire() error {
	var oldest []catalogue.Image
	retired := make(map[sharing.ImageID]bool)
	for _, img := range p.images {
		if img.Published.Year() == p.images[0].Published.Year() {
			oldest = append(oldest, img)
			retired[img.ID] = true
		}
	}
	p.Heading(fmt.Sprintf("5. The %d images of %d are retired", len(oldest), p.images[0].Published.Year()), "R8")
	p.Say("Not by mistake:")
	p.Call(owner, fmt.Sprintf("Delete(%s)", oldest[0].ID), p.Delete(p.ctx, owner, oldest[0].ID), "").Refused(sharing.ErrImageInUse, "R8")
	p.Call(owner, fmt.Sprintf("Delete(%s)", oldest[1].ID), p.Delete(p.ctx, owner, oldest[1].ID), "").Refused(sharing.ErrImageShared, "R8")

	p.Say("Whom would it hurt?")
	hurt, err := p.preview(oldest)
	if err != nil {
		return err
	}
	p.Check(maps.Equal(hurt, map[sharing.AccountID]int{"alice": 1, "bob": 2, "carol": 1, owner: 1}), "these machines would lose their image")

	p.Say("The publisher asks them to move. Bob and Carol do, and it moves its own:")
	for _, m := range p.machines() {
		if !retired[m.image.ID] || m.owner == "alice" {
			continue
		}
		img, err := p.Image(p.ctx, m.owner, m.image.ID)
		if err != nil {
			return err
		}
		_, err = p.ReplaceDisk(p.ctx, m.owner, m.id, sharing.DiskSpec{Image: img.Deprecation.Replacement})
		p.Call(m.owner, fmt.Sprintf("ReplaceDisk(%s, %s)", m.id, img.Deprecation.Replacement), err, "").OK()
	}
	if hurt, err = p.preview(oldest); err != nil {
		return err
	}
	p.Check(maps.Equal(hurt, map[sharing.AccountID]int{"alice": 1}), "only Alice's oldest is left")

	p.Say("The day comes:")
	for _, img := range oldest {
		if err = p.ForceDelete(p.ctx, owner, img.ID); err != nil {
			break
		}
	}
	p.Call(owner, fmt.Sprintf("ForceDelete(each of %d images)", len(oldest)), err, "").OK()
	if err := p.counts(owner, sharing.ImageQuery{}, len(p.images)-len(oldest)); err != nil {
		return err
	}
	if err := p.counts("alice", sharing.ImageQuery{Deprecated: true}, len(p.images)-len(oldest)); err != nil {
		return err
	}
	for _, m := range p.machines() {
		inst, err := p.Reinit(p.ctx, m.owner, m.id)
		o := p.Call(m.owner, fmt.Sprintf("Reinit(%s)", m.id), err, "from %s", inst.Image)
		if m.owner == "alice" && retired[m.image.ID] {
			o.Refused(sharing.ErrImageUnavailable, "R6")
		} else {
			o.OK()
		}
	}
	return nil
}

// preview reports what the delete of the images would do, and returns how many machines of each account it would hurt.
func (p *publisher) preview(images []catalogue.Image) (map[sharing.AccountID]int, error) {
	shares := 0
	hurt := make(map[sharing.AccountID]int)
	for _, img := range images {
		impact, err := p.DeleteImpact(p.ctx, owner, img.ID)
		if err != nil {
			return nil, err
		}
		shares += len(impact.Shares)
		for account, n := range impact.Instances {
			hurt[account] += n
		}
	}
	answer := fmt.Sprintf("%d shares would end; machines that could not be reinitialised any more:", shares)
	for _, account := range slices.Sorted(maps.Keys(hurt)) {
		answer += fmt.Sprintf(" %d of %s,", hurt[account], account)
	}
	p.Call(owner, fmt.Sprintf("DeleteImpact(each of %d images)", len(images)), nil, "%s", answer[:len(answer)-1]).OK()
	return hurt, nil
}
