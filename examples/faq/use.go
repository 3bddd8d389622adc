package main

import (
	"fmt"
	"slices"

	"github.com/imageshare/sharing"
)

const (
	publisher = sharing.AccountID("fedora-coreos")
	family    = "fedora-coreos-stable"
	home      = sharing.Region("eu-central-1") // of most of the story
	abroad    = sharing.Region("us-east-1")
)

// latest returns the publisher's newest image at home.
func (f *faq) latest() (sharing.Image, error) {
	return f.Latest(f.ctx, publisher, sharing.LatestQuery{Owner: publisher, Family: family, Region: home, Architecture: "x86_64"})
}

// oldest returns the image in the region that the publisher published first.
func (f *faq) oldest(region sharing.Region) (sharing.Image, error) {
	images, err := collect(f.Images(f.ctx, publisher, sharing.ImageQuery{Region: region}))
	if err != nil {
		return sharing.Image{}, err
	}
	return slices.MinFunc(images, func(a, b sharing.Image) int { return a.CreatedAt.Compare(b.CreatedAt) }), nil
}

func customers(from, to int) []sharing.Grantee {
	var grantees []sharing.Grantee
	for i := from; i <= to; i++ {
		grantees = append(grantees, sharing.Account(sharing.AccountID(fmt.Sprintf("customer-%02d", i))))
	}
	return grantees
}

func (f *faq) canIShare() error {
	f.Heading("1. Can I share an image with other users?", "R1")
	img, err := f.latest()
	if err != nil {
		return err
	}
	f.Say("Yes, with any account. Only the owner can: nobody whom it is shared with can pass it on.")
	f.share(publisher, img.ID, "alice", "bob").OK()
	f.image("alice", img.ID).OK()
	f.share("alice", img.ID, "carol").Refused(sharing.ErrNotOwner, "R1")
	f.Say("Who does not see the image does not learn that there is one:")
	f.share("mallory", img.ID, "carol").Refused(sharing.ErrImageNotFound, "R20")
	f.share("mallory", "ami-never-was", "carol").Refused(sharing.ErrImageNotFound, "R20")
	f.Say("The owner has it anyway:")
	f.share(publisher, img.ID, sharing.Account(publisher)).Invalid()
	return nil
}

func (f *faq) howMany() error {
	f.Heading("2. What is the maximum number of users that I can share an image with?", "R2")
	img, err := f.oldest(abroad)
	if err != nil {
		return err
	}
	f.Say("50, unless the platform sets another limit. One more than fits, and nobody of that call gets it.")
	f.share(publisher, img.ID, customers(1, 49)...).OK()
	f.share(publisher, img.ID, customers(50, 51)...).Refused(sharing.ErrShareLimit, "R2")
	f.share(publisher, img.ID, customers(50, 50)...).OK()
	f.share(publisher, img.ID, customers(51, 51)...).Refused(sharing.ErrShareLimit, "R2")
	f.Say("Sharing with one that has it already takes no room; unsharing makes some:")
	f.share(publisher, img.ID, customers(50, 50)...).OK()
	f.unshare(publisher, img.ID, customers(1, 1)...).OK()
	f.share(publisher, img.ID, customers(51, 51)...).OK()
	return nil
}

func (f *faq) quota() error {
	f.Heading("3. Are shared images counted in my image quota?", "R3")
	f.Say("No. Only the images that an account owns count, in each region; what it captures is its own.")
	images, err := collect(f.Images(f.ctx, publisher, sharing.ImageQuery{Region: home}))
	if err != nil {
		return err
	}
	for _, img := range images {
		if _, err = f.Share(f.ctx, publisher, img.ID, "carol"); err != nil {
			break
		}
	}
	f.Call(publisher, "Share(each of its images in "+string(home)+", carol)", err, "%s", count(len(images), "image")).OK()
	got, err := collect(f.Images(f.ctx, "carol", sharing.ImageQuery{Region: home}))
	f.Call("carol", fmt.Sprintf("Images(%s)", home), err, "%s", count(len(got), "image")).OK()
	f.Check(len(got) == quota, "carol has as many images shared with her as the quota allows her to own")

	f.launch("carol", "carol-vm", sharing.LaunchSpec{Image: images[0].ID, Region: home}).OK()
	f.capture("carol", "carol-vm", "carol-golden").OK()
	for range quota - 1 {
		if _, err = f.Capture(f.ctx, "carol", "carol-vm", sharing.ImageSpec{}); err != nil {
			break
		}
	}
	f.Call("carol", fmt.Sprintf("Capture(carol-vm), %d times more", quota-1), err, "").OK()
	f.capture("carol", "carol-vm", "one-too-many").Refused(sharing.ErrImageQuota, "R3")
	f.Say("The publisher owns as many as it may in that region, too:")
	_, err = f.Register(f.ctx, publisher, sharing.ImageSpec{Region: home})
	f.Call(publisher, fmt.Sprintf("Register(a new image in %s)", home), err, "").Refused(sharing.ErrImageQuota, "R3")
	return nil
}

func (f *faq) regions() error {
	f.Heading("4. Are there restrictions on the regions?", "R4, R12")
	img, err := f.oldest(home)
	if err != nil {
		return err
	}
	const young = sharing.Region("mx-central-1") // which opened years after that image
	f.Say("An image is used where it is. To have it elsewhere, its owner copies it and shares the copy.")
	f.share(publisher, img.ID, "alice").OK()
	f.launch("alice", "alice-far", sharing.LaunchSpec{Image: img.ID, Region: young}).Refused(sharing.ErrRegionMismatch, "R4")
	_, err = f.Copy(f.ctx, "alice", img.ID, young, sharing.ImageSpec{})
	f.Call("alice", fmt.Sprintf("Copy(%s, %s)", img.ID, young), err, "").Refused(sharing.ErrNotOwner, "R1")

	f.Name("copy-in-mx")
	copied, err := f.Copy(f.ctx, publisher, img.ID, young, sharing.ImageSpec{})
	f.Call(publisher, fmt.Sprintf("Copy(%s, %s)", img.ID, young), err, "%s", copied.ID).OK()
	f.Check(copied.Digest == img.Digest, "the copy has the same content: %s", short(copied.Digest))
	f.launch("alice", "alice-far", sharing.LaunchSpec{Image: copied.ID, Region: young}).Refused(sharing.ErrImageNotFound, "R20")
	f.Say("A copy starts with no shares:")
	f.share(publisher, copied.ID, "alice").OK()
	f.launch("alice", "alice-far", sharing.LaunchSpec{Image: copied.ID, Region: young}).OK()
	return nil
}

func (f *faq) canIUseIt() error {
	f.Heading("5. When I am sharing an image, can I use it?", "R5")
	img, err := f.latest()
	if err != nil {
		return err
	}
	f.Say("Yes. Sharing takes nothing from the owner; everyone whom it is shared with can use it too.")
	f.launch(publisher, "fedora-vm", sharing.LaunchSpec{Image: img.ID, Region: home}).OK()
	f.launch("alice", "alice-vm", sharing.LaunchSpec{Image: img.ID, Region: home}).OK()
	f.launch("bob", "bob-vm", sharing.LaunchSpec{Image: img.ID, Region: home}).OK()
	f.replaceDisk("alice", "alice-vm", img.ID).OK()
	f.reinit("bob", "bob-vm").OK()
	f.canUse(publisher, img.ID, home).OK()
	f.canUse("carol", img.ID, home).OK()
	f.canUse("dave", img.ID, home).Refused(sharing.ErrImageNotFound, "R20")
	return nil
}
