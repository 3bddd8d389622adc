package main

import (
	"fmt"

	"github.com/imageshare/sharing"
)

func (f *faq) ifIStop() error {
	f.Heading("6. If I stop sharing an image, what happens?", "R6, R7")
	img, err := f.latest()
	if err != nil {
		return err
	}
	f.Say("Who had it sees it no more, and can neither launch from it nor reinit what was made from it.")
	f.unshare(publisher, img.ID, "bob").OK()
	f.image("bob", img.ID).Refused(sharing.ErrImageNotFound, "R20")
	f.launch("bob", "bob-vm-2", sharing.LaunchSpec{Image: img.ID, Region: home}).Refused(sharing.ErrImageNotFound, "R20")
	f.replaceDisk("bob", "bob-vm", img.ID).Refused(sharing.ErrImageNotFound, "R20")
	f.reinit("bob", "bob-vm").Refused(sharing.ErrImageUnavailable, "R6")
	f.Say("Nothing else about his machine changes: it runs on, and can be captured.")
	f.instance("bob", "bob-vm").OK()
	f.capture("bob", "bob-vm", "bob-golden").OK()
	f.Say("Shared again, it can be reinitialised again:")
	f.share(publisher, img.ID, "bob").OK()
	f.reinit("bob", "bob-vm").OK()
	f.Say("Or he gives it a disk from another image:")
	f.unshare(publisher, img.ID, "bob").OK()
	f.replaceDisk("bob", "bob-vm", "bob-golden").OK()
	f.reinit("bob", "bob-vm").OK()
	return nil
}

func (f *faq) canIDelete() error {
	f.Heading("7. Can I delete an image that is shared?", "R8")
	img, err := f.latest()
	if err != nil {
		return err
	}
	f.Say("Not by mistake: machines would lose their image. First come the owner's own, then the shares.")
	f.delete("alice", img.ID).Refused(sharing.ErrNotOwner, "R1")
	f.delete(publisher, img.ID).Refused(sharing.ErrImageInUse, "R8")
	f.Call(publisher, "Terminate(fedora-vm)", f.Terminate(f.ctx, publisher, "fedora-vm"), "").OK()
	f.delete(publisher, img.ID).Refused(sharing.ErrImageShared, "R8")
	f.Say("What would it do? Bob's machine has another disk by now:")
	impact, err := f.DeleteImpact(f.ctx, publisher, img.ID)
	f.Call(publisher, fmt.Sprintf("DeleteImpact(%s)", img.ID), err, "%s would end; machines that could not be reinitialised any more: %d of alice's, %d of bob's",
		count(len(impact.Shares), "share"), impact.Instances["alice"], impact.Instances["bob"]).OK()
	f.Check(len(impact.Shares) == 2 && impact.Instances["alice"] == 1 && len(impact.Instances) == 1,
		"the publisher knows whom it would hurt")
	f.Say("On purpose it can be done:")
	f.Call(publisher, fmt.Sprintf("ForceDelete(%s)", img.ID), f.ForceDelete(f.ctx, publisher, img.ID), "").OK()
	f.image(publisher, img.ID).Refused(sharing.ErrImageNotFound, "R20")
	f.reinit("alice", "alice-vm").Refused(sharing.ErrImageUnavailable, "R6")
	f.instance("alice", "alice-vm").OK()
	return nil
}

func (f *faq) whoSees() error {
	f.Heading("8. Can I see whom I share an image with?", "R9")
	img, err := f.oldest(abroad)
	if err != nil {
		return err
	}
	f.Say("The owner sees everyone. The others see the share that reaches them, and nobody else's.")
	shares := func(actor sharing.AccountID) ([]sharing.Share, error) {
		got, err := collect(f.Shares(f.ctx, actor, img.ID))
		who := make([]sharing.Grantee, len(got))
		for i, share := range got {
			who[i] = share.Grantee
		}
		o := f.Call(actor, fmt.Sprintf("Shares(%s)", img.ID), err, "%s: %s", count(len(got), "share"), list(who))
		if actor == "mallory" {
			o.Refused(sharing.ErrImageNotFound, "R20")
			return nil, nil
		}
		o.OK()
		return got, err
	}
	all, err := shares(publisher)
	if err != nil {
		return err
	}
	f.Check(len(all) == 50, "the publisher sees all 50")
	own, err := shares("customer-07")
	if err != nil {
		return err
	}
	f.Check(len(own) == 1 && own[0].Grantee == "customer-07", "customer-07 sees its own")
	if _, err := shares("mallory"); err != nil {
		return err
	}

	given, err := collect(f.SharesGiven(f.ctx, publisher, sharing.ShareQuery{Grantee: "alice"}))
	f.Call(publisher, "SharesGiven(to alice)", err, "%s", count(len(given), "share")).OK()
	received, err := collect(f.SharesReceived(f.ctx, "alice", sharing.ShareQuery{}))
	f.Call("alice", "SharesReceived()", err, "%s", count(len(received), "share")).OK()
	f.Check(len(given) == 2 && len(received) == 2, "both sides count the same")
	return nil
}

func (f *faq) risks() error {
	f.Heading("9. What are the risks if I share an image?", "R10, R28")
	img, err := f.latest()
	if err != nil {
		return err
	}
	f.Say("Who may use it can capture it, and share that. The library records it, so that the owner knows.")
	f.share(publisher, img.ID, "bob").OK()
	f.launch("bob", "bob-vm-3", sharing.LaunchSpec{Image: img.ID, Region: home}).OK()
	f.capture("bob", "bob-vm-3", "bob-special").OK()
	f.share("bob", "bob-special", "dave").OK()
	f.launch("dave", "dave-vm", sharing.LaunchSpec{Image: "bob-special", Region: home}).OK()
	f.image(publisher, "bob-special").Refused(sharing.ErrImageNotFound, "R20")
	x, err := f.Exposure(f.ctx, publisher, img.ID)
	f.Call(publisher, fmt.Sprintf("Exposure(%s)", img.ID), err, "held by %s; beyond its sight: %s, %s",
		holders(x), count(x.Beyond.Images, "image"), count(x.Beyond.Accounts, "account")).OK()
	f.Check(holders(x) == "bob, carol" && x.Beyond.Images == 1 && x.Beyond.Accounts == 1,
		"the publisher knows that bob's image, and somebody beyond bob, have its data")
	f.Say("A sealed image can be used, and not captured:")
	f.Call(publisher, fmt.Sprintf("Seal(%s)", img.ID), f.Seal(f.ctx, publisher, img.ID), "").OK()
	f.reinit("bob", "bob-vm-3").OK()
	f.capture("bob", "bob-vm-3", "bob-again").Refused(sharing.ErrSealed, "R28")
	return nil
}

func holders(x sharing.Exposure) string {
	who := make([]sharing.Grantee, len(x.Holders))
	for i, h := range x.Holders {
		who[i] = h.Grantee
	}
	return list(who)
}

func (f *faq) trusted() error {
	f.Heading("10. How do I use only images shared by a user whom I trust?", "R11, R18")
	img, err := f.latest()
	if err != nil {
		return err
	}
	f.Say("Nobody vouches for an image. Name its owner, trust few, and check the content.")
	f.share(publisher, img.ID, "alice").OK()
	f.Name("look-alike")
	fake, err := f.Register(f.ctx, "mallory", sharing.ImageSpec{Name: img.Name, Family: family, Region: home, Architecture: "x86_64"})
	f.Call("mallory", fmt.Sprintf("Register(%q, family %q)", img.Name, family), err, "%s, newer than the real one", fake.ID).OK()
	f.share("mallory", fake.ID, "alice").OK()
	newest, err := f.Latest(f.ctx, "alice", sharing.LatestQuery{Owner: publisher, Family: family, Region: home, Architecture: "x86_64"})
	f.Call("alice", fmt.Sprintf("Latest(%s's %q)", publisher, family), err, "%s", newest.ID).OK()
	f.Check(newest.ID == img.ID, "a look-alike of another owner is never picked")

	f.Call("alice", fmt.Sprintf("SetTrust(only %s, enforced)", publisher),
		f.SetTrust(f.ctx, "alice", sharing.Trust{Owners: []sharing.AccountID{publisher}, Enforce: true}), "").OK()
	f.launch("alice", "alice-vm-2", sharing.LaunchSpec{Image: fake.ID, Region: home}).Refused(sharing.ErrUntrustedOwner, "R11")
	old, err := f.oldest(home)
	if err != nil {
		return err
	}
	f.launch("alice", "alice-vm-2", sharing.LaunchSpec{Image: img.ID, Region: home, ExpectDigest: old.Digest}).Refused(sharing.ErrDigestMismatch, "R11")
	f.launch("alice", "alice-vm-2", sharing.LaunchSpec{Image: img.ID, Region: home, ExpectDigest: img.Digest}).OK()
	return nil
}
