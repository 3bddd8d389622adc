package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// testLoad asks for each field of a Need alone, for all at once, and at its edges.
func testLoad(t *testing.T, open opener) {
	c := newCheck(t, open)
	for _, need := range needs {
		c.run("Empty/"+need.name, func() {
			c.sameLoad("in an empty store nothing is found, and that is no error: "+need.promise, need.Need)
		})
	}
	loadWorld(c)
	for _, need := range needs {
		c.run(need.name, func() {
			c.sameLoad(need.promise, need.Need)
		})
	}
	t.Run("Access", func(t *testing.T) { testAccess(t, open) })
	t.Run("PresentAt", func(t *testing.T) { testPresentAt(t, open) })
}

// loadWorld has one of everything that a Need can ask for, and beside each what must not be taken for it.
func loadWorld(c *check) {
	moved := instance("moved", "me", "other")
	moved.DiskGeneration = 2
	elsewhere := image("elsewhere", "me")
	elsewhere.Region = there
	far, odd := instance("far", "me", "elsewhere"), instance("odd", "me", "img")
	far.Region, odd.Region = there, there
	c.write(
		fullImage("img", "owner"), image("other", "me"), image("mine", "me"), image("Mine", "me"), elsewhere,
		image("not-mine", "Me"), deleted(fullImage("gone", "me")),
		shareStatus("img", "me", sharing.SharePending), share("img", "Me"), share("img", "a"), share("img", "zz"),
		shareUntil("img", sharing.Organization("o1"), noon.Add(time.Hour)),
		shareUntil("img", sharing.Organization("o2"), noon.Add(2*time.Hour)),
		share("img", sharing.Organization("o3")),
		shareUntil("img", sharing.Everyone, noon.Add(time.Minute)),
		share("other", "a"),
		instance("i1", "me", "img"), instance("i2", "me", "img"), instance("i3", "Me", "img"), instance("i4", "owner", "img"), far, odd,
		instance("ended", "me", "img"), instance("moved", "me", "img"),
		trustOf{"me", sharing.Trust{Owners: []sharing.AccountID{"a", "owner"}, Enforce: true}},
		trustOf{"Me", sharing.Trust{Owners: []sharing.AccountID{"b"}}}, trustOf{"owner", sharing.Trust{Owners: []sharing.AccountID{"c"}}},
		[]sharing.Event{fullEvent("op", "me", "img", 1), event("op", "me", "img", 2), event("op", "owner", "other", 1)},
		[]sharing.Event{event("op2", "me", "gone", 1)})
	c.write(moved, terminated(instance("ended", "me", "img")),
		[]sharing.Event{event("o", "me", "gone", 2), {Operation: "Op", At: noon, Actor: "me", Kind: sharing.EventTrustSet}})
	c.write(event("later", "me", "img", 3), event("seventh", "me", "mine", 7))
}

// A namedNeed is a Need, and what the contract says of the field that it sets.
type namedNeed struct {
	name, promise string
	sharing.Need
}

const ownersAlone = "AllShares and PresentAt are answered only if Account is the image's owner"

var needs = []namedNeed{
	{"Nothing", "a zero field asks for nothing", sharing.Need{}},
	{"Operation", "Operation are the events of the operation, in the order of the log, and of no other",
		sharing.Need{Operation: "op"}},
	{"OperationUnknown", "Operation: none if it made no change", sharing.Need{Operation: "op3"}},
	{"Trust", "Trust is the trust policy of Account", sharing.Need{Account: "me", Trust: true}},
	{"TrustNone", "the trust policy of an account that set none is the zero value", sharing.Need{Account: "ME", Trust: true}},
	{"Instance", "Instance is the record with this ID, and State.Image that of its system disk if Need.Image is empty",
		sharing.Need{Account: "me", Instance: "i1"}},
	{"InstanceMoved", "Instance: the image is that of the record's last state", sharing.Need{Account: "me", Instance: "moved"}},
	{"InstanceTerminated", "an instance with TerminatedAt is kept, and Load finds it", sharing.Need{Instance: "ended"}},
	{"InstanceUnknown", "Instance is nil if no instance ever had the ID", sharing.Need{Instance: "I1"}},
	{"InstanceAndImage", "Image, if it is not empty, is the one that Need.Image names, whatever the instance's",
		sharing.Need{Account: "me", Instance: "i1", Image: "other"}},
	{"Image", "Image is the record, Sequence the number of the last event about the image", sharing.Need{Image: "img"}},
	{"Sequence", "Sequence is what the last event about the image says, not how many events there are", sharing.Need{Image: "mine"}},
	{"ImageUnknown", "Image is nil if no image ever had the ID", sharing.Need{Account: "me", Image: "IMG"}},
	{"ImageTombstone", "a tombstone is found by Load, with its Sequence", sharing.Need{Account: "me", Image: "gone"}},
	{"ImageReaches", "Access is what reaches Account: its own share, the longest of its organisations', everyone's",
		sharing.Need{Image: "img", Account: "me", Organizations: []sharing.OrganizationID{"o1", "o2", "none"}}},
	{"ImageReachesOnlyAccount", "Access is what reaches Account, and no other account", sharing.Need{Image: "img", Account: "nobody"}},
	{"Images", "Images are in the order of the Need", sharing.Need{Account: "me", Organizations: []sharing.OrganizationID{"o3"},
		Images: []sharing.ImageID{"other", "img", "unknown", "gone", "img", "mine"}}},
	{"Instances", "Instances are in the order of the Need; one is nil if none ever had the ID",
		sharing.Need{Instances: []sharing.InstanceID{"moved", "i1", "unknown", "ended", "i1"}}},
	{"Grantees", "Shares are those of Image with these grantees, in ascending order of grantee, those that there are",
		sharing.Need{Image: "img", Grantees: []sharing.Grantee{"zz", "none", sharing.Organization("o1"), "me", sharing.Everyone}}},
	{"AllShares", "AllShares asks for all of Image, in ascending order of grantee, expired ones among them",
		sharing.Need{Account: "owner", Image: "img", AllShares: true}},
	{"AllSharesTombstone", "a deleted image has no shares", sharing.Need{Account: "me", Image: "gone", AllShares: true, PresentAt: noon}},
	{"PresentAt", "PresentShares counts the shares of Image that have not expired",
		sharing.Need{Account: "owner", Image: "img", PresentAt: noon.Add(90 * time.Minute)}},
	{"AllSharesNotOwner", ownersAlone, sharing.Need{Account: "me", Image: "img", AllShares: true}},
	{"AllSharesOtherCase", ownersAlone, sharing.Need{Account: "Owner", Image: "img", AllShares: true, PresentAt: noon}},
	{"AllSharesNobody", ownersAlone, sharing.Need{Image: "img", AllShares: true, PresentAt: noon}},
	{"AllSharesUnknown", "an image that never was has no owner and no shares", sharing.Need{Image: "IMG", AllShares: true, PresentAt: noon}},
	{"PresentAtNotOwner", ownersAlone, sharing.Need{Account: "me", Image: "img", PresentAt: noon}},
	{"ImagesIn", "ImagesOwned counts Account's images in this region, deleted ones not", sharing.Need{Account: "me", ImagesIn: here}},
	{"ImagesInThere", "ImagesOwned counts those in this region alone", sharing.Need{Account: "me", ImagesIn: there}},
	{"ImagesInOwner", "ImagesOwned counts those of Account alone", sharing.Need{Account: "Me", ImagesIn: here}},
	{"ImagesBeside", "ImagesBeside counts in the region of Instance", sharing.Need{Account: "me", Instance: "far", ImagesBeside: true}},
	{"ImagesBesideAnothersImage", "ImagesBeside counts in the region of Instance, not in that of its image",
		sharing.Need{Account: "me", Instance: "odd", ImagesBeside: true}},
	{"ImagesBesideTerminated", "ImagesBeside counts in the region of Instance, terminated or not",
		sharing.Need{Account: "me", Instance: "ended", ImagesBeside: true}},
	{"InstancesImage", "if Image is empty, it stands for the one that the instance's system disk is made from, also for the shares and counts",
		sharing.Need{Account: "owner", Organizations: []sharing.OrganizationID{"o1"}, Instance: "i1", AllShares: true, PresentAt: noon, OwnInstances: true}},
	{"InstancesImageNotOwner", ownersAlone + ", not for that of an instance made from it",
		sharing.Need{Account: "me", Instance: "i1", AllShares: true, PresentAt: noon, OwnInstances: true}},
	{"InstancesImageGrantees", "if Image is empty, it stands for the one that the instance's system disk is made from, also for Grantees",
		sharing.Need{Instance: "i1", Grantees: []sharing.Grantee{"a", "me"}}},
	{"OwnInstances", "OwnInstances counts Account's instances made from the image, terminated ones not",
		sharing.Need{Account: "me", Image: "img", OwnInstances: true}},
	{"OwnInstancesMoved", "OwnInstances counts by the image that the system disk is made from now",
		sharing.Need{Account: "me", Image: "other", OwnInstances: true}},
	{"TakenImage", "Taken: an image has the ID NewImage", sharing.Need{NewImage: "img"}},
	{"TakenTombstone", "Taken: a tombstone has the ID NewImage", sharing.Need{NewImage: "gone"}},
	{"TakenInstance", "Taken: an instance has the ID NewInstance", sharing.Need{NewInstance: "i1"}},
	{"TakenTerminated", "Taken: a terminated instance has the ID NewInstance", sharing.Need{NewInstance: "ended"}},
	{"FreeImage", "an instance with the ID NewImage does not take it", sharing.Need{NewImage: "i1"}},
	{"FreeInstance", "an image with the ID NewInstance does not take it", sharing.Need{NewInstance: "img"}},
	{"Everything", "Load reads all that is asked for in one call", sharing.Need{
		Operation: "op", Account: "me", Organizations: []sharing.OrganizationID{"o2", "o1"}, Trust: true,
		Instance: "i2", Image: "img", Images: []sharing.ImageID{"mine", "img"}, Instances: []sharing.InstanceID{"ended", "far"},
		Grantees: []sharing.Grantee{"me", "a"}, PresentAt: noon.Add(time.Second), ImagesIn: here, OwnInstances: true,
		NewImage: "free", NewInstance: "free"}},
	{"EverythingOfOwner", "Load reads all that is asked for in one call", sharing.Need{
		Operation: "op", Account: "owner", Organizations: []sharing.OrganizationID{"o2", "o1"}, Trust: true,
		Instance: "i2", Image: "img", Images: []sharing.ImageID{"mine", "img"}, Instances: []sharing.InstanceID{"ended", "far"},
		Grantees: []sharing.Grantee{"me", "a"}, PresentAt: noon.Add(time.Second), ImagesIn: here, OwnInstances: true,
		NewImage: "free", NewInstance: "free"}},
	{"EverythingOfShares", "Load reads all that is asked for in one call", sharing.Need{
		Account: "owner", Image: "img", AllShares: true, PresentAt: noon, OwnInstances: true, Trust: true, NewInstance: "i3"}},
}

// testAccess asks for every status, and for the organisations' shares in every order of their expiry.
func testAccess(t *testing.T, open opener) {
	c := newCheck(t, open)
	expiries := []time.Time{{}, noon.Add(-time.Hour), noon, noon.Add(time.Nanosecond), noon.AddDate(7000, 0, 0)}
	var orgs []sharing.OrganizationID
	var items []any
	items = append(items, image("img", "owner"))
	for i, expires := range expiries {
		orgs = append(orgs, sharing.OrganizationID(fmt.Sprintf("o%d", i)))
		items = append(items, shareUntil("img", sharing.Organization(orgs[i]), expires))
	}
	for _, status := range []sharing.ShareStatus{sharing.ShareAccepted, sharing.SharePending, sharing.ShareRejected} {
		s := shareStatus("img", sharing.Grantee(status.String()), status)
		s.Expires = noon.Add(-time.Second)
		items = append(items, s)
	}
	c.write(items...)
	for i := range orgs {
		for j := range orgs {
			c.sameLoad("Organization is, of the shares with the account's organisations, the one that lasts longest, zero being for ever; expired ones are given too",
				sharing.Need{Account: "me", Image: "img", Organizations: []sharing.OrganizationID{orgs[i], orgs[j]}})
		}
	}
	for _, account := range []sharing.AccountID{"accepted", "pending", "rejected"} {
		c.sameLoad("Own is the share made with the account itself: its status and expiry, also when it has expired",
			sharing.Need{Account: account, Image: "img"})
	}
	c.sameLoad("a share with an organisation does not reach the account of the same name", sharing.Need{Account: "o0", Image: "img"})
	c.sameLoad("a share with an account does not reach the organisation of the same name",
		sharing.Need{Account: "me", Organizations: []sharing.OrganizationID{"accepted"}, Image: "img"})
}

// testPresentAt counts at the instants around each expiry.
func testPresentAt(t *testing.T, open opener) {
	c := newCheck(t, open)
	east, west := time.FixedZone("east", 5*3600+1800), time.FixedZone("west", -8*3600)
	late := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	c.write(image("img", "owner"),
		share("img", "never"), shareUntil("img", "noon", noon), shareUntil("img", "a-nanosecond-later", noon.Add(1)),
		shareUntil("img", "epoch", time.Unix(0, 0)), shareUntil("img", "before-the-epoch", time.Unix(-1, 1)),
		shareUntil("img", sharing.Everyone, late), shareStatus("img", "rejected", sharing.ShareRejected))
	for _, at := range []time.Time{
		time.Unix(-2, 0), time.Unix(-1, 1), time.Unix(-1, 2), time.Unix(0, 0), time.Unix(0, 1),
		noon.Add(-1), noon, noon.Add(1), noon.Add(2), late.Add(-1), late,
		noon.Add(-1).In(east), noon.In(east), noon.In(west), noon.Add(1).In(west),
	} {
		c.sameLoad(fmt.Sprintf("PresentShares counts the shares that have not expired at %v: those that never expire or do so later, to the nanosecond, whatever their status",
			at.UTC()), sharing.Need{Account: "owner", Image: "img", PresentAt: at})
	}
}
