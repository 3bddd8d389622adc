package storetest

import (
	"fmt"
	"time"

	"github.com/imageshare/sharing"
)

// questions are asked by all methods that read, each with what it is asked.
type questions struct {
	needs     []sharing.Need
	images    sharing.ImageScan
	source    sharing.ImageID
	shares    []sharing.ShareScan
	instances sharing.InstanceScan
	events    sharing.EventQuery
}

// everything is what all methods that read find.
type everything struct {
	Load      []sharing.State
	Access    []sharing.State // Image and Trust
	Images    []sharing.Access
	Derived   []*sharing.ImageRecord
	Shares    [][]sharing.SharedImage
	Instances []*sharing.InstanceRecord
	Events    []sharing.Event
}

// ask asks them all in one transaction, without a limit.
func (q questions) ask(tx sharing.ViewTx) (all everything, err error) {
	for _, need := range q.needs {
		state, err := tx.Load(need)
		if err != nil {
			return all, err
		}
		access, trust, err := tx.Access(need.Account, need.Organizations, need.Image)
		if err != nil {
			return all, err
		}
		all.Load, all.Access = append(all.Load, state), append(all.Access, sharing.State{Image: access, Trust: trust})
	}
	q.images.Limit, q.instances.Limit, q.events.Limit = many, many, many
	if all.Images, err = listImages(tx, q.images); err != nil {
		return all, err
	}
	if all.Derived, err = tx.Derived(q.source, "", many); err != nil {
		return all, err
	}
	for _, scan := range q.shares {
		scan.Limit = many
		found, err := listShares(tx, scan)
		if err != nil {
			return all, err
		}
		all.Shares = append(all.Shares, found)
	}
	if all.Instances, err = listInstances(tx, q.instances); err != nil {
		return all, err
	}
	all.Events, err = tx.Events(q.events)
	return all, err
}

// readEverything reads all of the image img and of what belongs to it.
func readEverything(tx sharing.ViewTx) (everything, error) {
	orgs := []sharing.OrganizationID{"o"}
	return questions{
		needs: []sharing.Need{{
			Operation: "op", Account: "me", Organizations: orgs, Trust: true, Instance: "vm", Image: "img", Images: []sharing.ImageID{"img", "other"},
			Instances: []sharing.InstanceID{"vm", "vm2"}, ImagesIn: here, OwnInstances: true, NewImage: "new"},
			{Account: "owner", Image: "img", AllShares: true, PresentAt: noon, ImagesIn: here}},
		images: sharing.ImageScan{Account: "me", Organizations: orgs}, source: "source-image",
		shares: []sharing.ShareScan{{Image: "img"}}, instances: sharing.InstanceScan{Owner: "me"},
	}.ask(tx)
}

// version is what one transaction writes so that all that readEverything finds tells n.
func version(n int) []any {
	rec, vm, s := fullImage("img", "owner"), instance("vm", "me", "img"), share("img", "me")
	rec.Name, rec.Labels = fmt.Sprint("version ", n), map[string]string{"version": fmt.Sprint(n)}
	rec.Deprecation.Notice = rec.Name
	s.Expires, vm.DiskGeneration, vm.Labels = noon.Add(time.Duration(n)), int64(n), rec.Labels
	trust := sharing.Trust{Owners: []sharing.AccountID{sharing.AccountID(fmt.Sprint("owner", n))}, Enforce: true}
	return []any{rec, s, vm, trustOf{"me", trust}, event("op", "owner", "img", int64(n))}
}
