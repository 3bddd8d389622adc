package storetest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/imageshare/sharing"
)

// A cast is who and what there can be in a run. It is small, so that things meet.
// An image keeps its owner, region and source, an instance its owner and region, as the engine sees to.
type cast struct {
	prefix    string
	accounts  *rapid.Generator[sharing.AccountID]
	orgs      *rapid.Generator[sharing.OrganizationID]
	grantees  *rapid.Generator[sharing.Grantee]
	imageIDs  *rapid.Generator[sharing.ImageID]
	images    map[sharing.ImageID]sharing.ImageRecord
	instIDs   *rapid.Generator[sharing.InstanceID]
	instances map[sharing.InstanceID]sharing.InstanceRecord
}

var (
	names    = []string{"a", "A", "é", "e\u0301", "\U00010000", "\ufffd"}
	regions  = rapid.SampledFrom([]sharing.Region{here, there, "EU-1"})
	words    = rapid.SampledFrom([]string{"", "a", "A", "a "})
	labels   = rapid.MapOfN(words, words, 0, 2)
	statuses = rapid.SampledFrom([]sharing.ShareStatus{sharing.ShareAccepted, sharing.SharePending, sharing.ShareRejected})
	states   = rapid.SampledFrom([]sharing.ImageState{sharing.ImageAvailable, sharing.ImageDeprecated, sharing.ImageDisabled})
	instants = rapid.Map(rapid.IntRange(-2, 2), func(n int) time.Time { return noon.Add(time.Duration(n)) })
	expiries = rapid.OneOf(rapid.Just(time.Time{}), instants)
)

// named generates the prefix and one of the names.
func named[T ~string](prefix string, n int) *rapid.Generator[T] {
	return rapid.Map(rapid.SampledFrom(names[:n]), func(s string) T { return T(prefix + s) })
}

func drawCast(t *rapid.T, prefix string) *cast {
	c := &cast{
		prefix:    prefix,
		accounts:  named[sharing.AccountID](prefix, 4),
		orgs:      named[sharing.OrganizationID](prefix, 3),
		imageIDs:  named[sharing.ImageID](prefix, len(names)),
		images:    make(map[sharing.ImageID]sharing.ImageRecord),
		instIDs:   named[sharing.InstanceID](prefix, len(names)),
		instances: make(map[sharing.InstanceID]sharing.InstanceRecord),
	}
	c.grantees = rapid.OneOf(rapid.Map(c.accounts, sharing.Account), rapid.Map(c.orgs, sharing.Organization), rapid.Just(sharing.Everyone))
	sources := rapid.OneOf(rapid.Just(sharing.ImageID("")), c.imageIDs)
	for _, name := range names {
		img := image(sharing.ImageID(prefix+name), c.accounts.Draw(t, "owner of image "+name))
		img.Region, img.Source.Image = regions.Draw(t, "region of image "+name), sources.Draw(t, "source of image "+name)
		vm := instance(sharing.InstanceID(prefix+name), c.accounts.Draw(t, "owner of instance "+name), "")
		vm.Region = regions.Draw(t, "region of instance "+name)
		c.images[img.ID], c.instances[vm.ID] = img, vm
	}
	return c
}

// item draws one write, such as the engine makes: only images that are there get shares, and what is deleted stays so.
func (r *run) item(t *rapid.T, live map[sharing.ImageID]bool) any {
	rec := r.images[r.imageIDs.Draw(t, "image")]
	isLive, known := live[rec.ID]
	switch rapid.SampledFrom([]string{"image", "shares", "shares", "unshare", "delete", "instance", "trust", "event"}).Draw(t, "kind") {
	case "trust":
		trust := sharing.Trust{Enforce: rapid.Bool().Draw(t, "enforce")}
		return trustOf{r.accounts.Draw(t, "account"), trust}
	case "instance":
		vm := r.instances[r.instIDs.Draw(t, "instance")]
		vm.Image, vm.Labels = rec.ID, labels.Draw(t, "labels")
		if rapid.IntRange(0, 3).Draw(t, "terminate") == 0 {
			vm = terminated(vm)
		}
		return vm
	case "image":
		if known && !isLive {
			break
		}
		live[rec.ID] = true
		rec.Name, rec.Family, rec.Labels = words.Draw(t, "name"), words.Draw(t, "family"), labels.Draw(t, "labels")
		rec.State = states.Draw(t, "state")
		return rec
	case "shares":
		if !isLive {
			break
		}
		var shares []sharing.Share
		for _, g := range rapid.SliceOfNDistinct(r.grantees, 1, 3, rapid.ID).Draw(t, "grantees") {
			s := shareStatus(rec.ID, g, statuses.Draw(t, "status"))
			s.Expires = expiries.Draw(t, "expires")
			shares = append(shares, s)
		}
		return shares
	case "unshare":
		if present := slices.SortedFunc(maps.Keys(r.reference.shares), compareKeys); len(present) > 0 {
			return ended(rapid.SampledFrom(present).Draw(t, "share"))
		}
		return ended{rec.ID, r.grantees.Draw(t, "grantee")}
	case "delete":
		if !isLive {
			break
		}
		live[rec.ID] = false
		return deleted(rec)
	}
	r.ops++
	return event(fmt.Sprint(r.prefix, r.ops/3), r.accounts.Draw(t, "actor"), rec.ID, int64(r.ops))
}

func (r *run) need(t *rapid.T) question {
	img := r.imageIDs.Draw(t, "image")
	account := r.accounts.Draw(t, "account")
	if rapid.Bool().Draw(t, "owner") {
		account = r.images[img].Owner
	}
	need := sharing.Need{
		Operation:     fmt.Sprint(r.prefix, rapid.IntRange(0, 3).Draw(t, "operation")),
		Account:       account,
		Organizations: rapid.SliceOfNDistinct(r.orgs, 0, 2, rapid.ID).Draw(t, "organizations"),
		Trust:         true,
		Image:         img,
		Images:        []sharing.ImageID{r.imageIDs.Draw(t, "image"), r.imageIDs.Draw(t, "image")},
		Instances:     []sharing.InstanceID{r.instIDs.Draw(t, "instance")},
		AllShares:     rapid.Bool().Draw(t, "all shares"),
		PresentAt:     instants.Draw(t, "present at"),
		ImagesIn:      regions.Draw(t, "region"),
		OwnInstances:  true,
		NewImage:      r.imageIDs.Draw(t, "new image"),
		NewInstance:   r.instIDs.Draw(t, "new instance"),
	}
	if !need.AllShares {
		need.Grantees = rapid.SliceOfNDistinct(r.grantees, 1, 4, rapid.ID).Draw(t, "grantees")
	}
	return func(tx sharing.ViewTx, _ sharing.Cursor) (any, error) { return tx.Load(need) }
}

func (r *run) access(t *rapid.T) question {
	account, orgs := r.accounts.Draw(t, "account"), rapid.SliceOfNDistinct(r.orgs, 0, 2, rapid.ID).Draw(t, "organizations")
	img := r.imageIDs.Draw(t, "image")
	return func(tx sharing.ViewTx, _ sharing.Cursor) (any, error) {
		access, trust, err := tx.Access(account, orgs, img)
		return sharing.State{Image: access, Trust: trust}, err
	}
}

func (r *run) scan(t *rapid.T) question {
	limit := rapid.SampledFrom([]int{1, 2, 3, many}).Draw(t, "limit")
	place := rapid.OneOf(rapid.Just(r.prefix), named[string](r.prefix, len(names))).Draw(t, "after")
	img, account := r.imageIDs.Draw(t, "image"), r.accounts.Draw(t, "account")
	switch rapid.SampledFrom([]string{"images", "derived", "shares", "instances", "events"}).Draw(t, "scan") {
	case "images":
		scan := sharing.ImageScan{Account: account, Organizations: []sharing.OrganizationID{r.orgs.Draw(t, "organization")}, After: sharing.ImageID(place), Limit: limit}
		scan.Query.Origin = sharing.Origin(rapid.IntRange(0, 7).Draw(t, "origin"))
		for _, condition := range subset(t, imageFilters) {
			condition(t, r, &scan.Query)
		}
		return func(tx sharing.ViewTx, _ sharing.Cursor) (any, error) { return listImages(tx, scan) }
	case "derived":
		return func(tx sharing.ViewTx, _ sharing.Cursor) (any, error) {
			return tx.Derived(img, sharing.ImageID(place), limit)
		}
	case "shares":
		scan := sharing.ShareScan{Limit: limit, After: sharing.ShareKey{Image: sharing.ImageID(place), Grantee: r.grantees.Draw(t, "after grantee")}}
		which := rapid.IntRange(1, 7).Draw(t, "conditions")
		if which&1 != 0 {
			scan.Image = img
		}
		if which&2 != 0 {
			scan.Owner = account
		}
		if which&4 != 0 {
			scan.Grantee = r.grantees.Draw(t, "grantee")
		}
		return func(tx sharing.ViewTx, _ sharing.Cursor) (any, error) { return listShares(tx, scan) }
	case "instances":
		scan := sharing.InstanceScan{After: sharing.InstanceID(place), Limit: limit}
		which := rapid.IntRange(1, 3).Draw(t, "conditions")
		if which&1 != 0 {
			scan.Owner = account
		}
		if which&2 != 0 {
			scan.Query.Image = img
		}
		if rapid.Bool().Draw(t, "by region") {
			scan.Query.Region = regions.Draw(t, "region")
		}
		scan.Query.Labels = rapid.MapOfN(words, words, 0, 1).Draw(t, "labels")
		return func(tx sharing.ViewTx, _ sharing.Cursor) (any, error) { return listInstances(tx, scan) }
	}
	q := sharing.EventQuery{Limit: limit}
	if rapid.Bool().Draw(t, "by image") {
		q.Image = img
	}
	if rapid.Bool().Draw(t, "by actor") {
		q.Actor = account
	}
	return func(tx sharing.ViewTx, start sharing.Cursor) (any, error) {
		q := q
		q.After = start
		return tx.Events(q)
	}
}

type imageFilter func(*rapid.T, *run, *sharing.ImageQuery)

var imageFilters = []imageFilter{
	func(t *rapid.T, r *run, q *sharing.ImageQuery) { q.Region = regions.Draw(t, "region") },
	func(t *rapid.T, r *run, q *sharing.ImageQuery) { q.Owner = r.accounts.Draw(t, "owner") },
	func(t *rapid.T, r *run, q *sharing.ImageQuery) { q.Family = words.Draw(t, "family") },
	func(t *rapid.T, r *run, q *sharing.ImageQuery) { q.Name = words.Draw(t, "name") },
	func(t *rapid.T, r *run, q *sharing.ImageQuery) {
		q.Labels = rapid.MapOfN(words, words, 0, 2).Draw(t, "labels")
	},
	func(t *rapid.T, r *run, q *sharing.ImageQuery) { q.Source = r.imageIDs.Draw(t, "source") },
}

// subset draws some of the items, few rather than many.
func subset[T any](t *rapid.T, items []T) (some []T) {
	for i, item := range items {
		if rapid.IntRange(0, 3).Draw(t, fmt.Sprint("condition ", i)) == 0 {
			some = append(some, item)
		}
	}
	return some
}
