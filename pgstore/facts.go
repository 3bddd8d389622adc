package pgstore

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/imageshare/sharing"
)

// found is what the facts of a query tell.
type found struct {
	images    map[sharing.ImageID]*sharing.Access
	instances map[sharing.InstanceID]*sharing.InstanceRecord
	shares    []sharing.Share
	events    []sharing.Event
	trust     sharing.Trust
	epochs    map[string]int64 // of the images; -1 for a deleted one
	facts     []fact
}

// count returns the sum of what the facts of a part count.
func (f *found) count(part string) (n int64) {
	for i := range f.facts {
		if f.facts[i].part == part {
			n += f.facts[i].n
		}
	}
	return n
}

// image returns what was found of an image, to add to it.
func (f *found) image(id string) *sharing.Access {
	a := f.images[sharing.ImageID(id)]
	if a == nil {
		a = new(sharing.Access)
		f.images[sharing.ImageID(id)] = a
	}
	return a
}

// access returns what was found of an image.
func (f *found) access(id sharing.ImageID) sharing.Access {
	if a := f.images[id]; a != nil {
		return *a
	}
	return sharing.Access{}
}

// sharesFor returns the shares that need asks for, in ascending order of grantee.
func (f *found) sharesFor(need sharing.Need) []sharing.Share {
	shares := slices.DeleteFunc(f.shares, func(s sharing.Share) bool {
		return !need.AllShares && !slices.Contains(need.Grantees, s.Grantee)
	})
	slices.SortFunc(shares, func(a, b sharing.Share) int { return strings.Compare(string(a.Grantee), string(b.Grantee)) })
	return shares
}

// gather makes of facts what they tell to those who see with eyes.
func (r *reader) gather(facts []fact, eyes []string) (*found, error) {
	to := &found{
		images: make(map[sharing.ImageID]*sharing.Access), instances: make(map[sharing.InstanceID]*sharing.InstanceRecord),
		epochs: make(map[string]int64),
	}
	for i := range facts {
		if f := &facts[i]; f.part == "image" {
			to.epochs[f.id] = f.number
		}
	}
	facts = slices.DeleteFunc(facts, to.ended)
	inLogOrder(facts)
	to.facts = facts
	for i := range facts {
		f := &facts[i]
		var err error
		switch f.part {
		case "image":
			to.image(f.id).Image, err = decodeImage(f.id, f.body)
		case "instance":
			to.instances[sharing.InstanceID(f.id)], err = decodeInstance(f.id, f.body)
		case "share":
			var share sharing.Share
			share, err = decodeShare(f)
			to.shares = append(to.shares, share)
		case "event":
			var ev sharing.Event
			ev, err = decodeEvent(f, r.store.id)
			to.events = append(to.events, ev)
		case "trust":
			to.trust, err = decodeTrust(f.id, f.body)
		}
		if err != nil {
			return nil, err
		}
	}
	// In the order of the eyes: of two organisations' shares that last alike, the first holds.
	for _, eye := range eyes {
		for i := range facts {
			if f := &facts[i]; f.grantee == eye && (f.part == "grant" || f.part == "share") {
				g, err := decodeGrant(f)
				if err != nil {
					return nil, err
				}
				add(to.image(f.id), sharing.Grantee(eye), g)
			}
		}
	}
	return to, nil
}

// ended tells whether a fact is of a share that a delete of its image has ended. The epoch
// of an image that is unknown is 0, and no share has that of a deleted one.
func (f *found) ended(share fact) bool {
	return (share.part == "share" || share.part == "grant") && share.number != f.epochs[share.id]
}

// inLogOrder puts the facts that are events in the order of the log.
func inLogOrder(facts []fact) {
	slices.SortStableFunc(facts, func(a, b fact) int { return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.number, b.number)) })
}

// add adds to a what a share with grantee gives.
func add(a *sharing.Access, grantee sharing.Grantee, g sharing.Grant) {
	if grantee == sharing.Everyone {
		a.Everyone = g
	} else if _, ok := grantee.Organization(); !ok {
		a.Own = g
	} else if o := a.Organization; !o.Exists || !o.Expires.IsZero() && (g.Expires.IsZero() || g.Expires.After(o.Expires)) {
		a.Organization = g
	}
}

// known is what a transaction's last Load found, so that another one which asks for no more, to show what an image
// was made from, say, needs no request; and so that its first write, which finds all as Load did, need not ask again.
type known struct {
	account       sharing.AccountID
	organizations []sharing.OrganizationID
	images        map[sharing.ImageID]*sharing.Access
	instances     map[sharing.InstanceID]*sharing.InstanceRecord
	epochs        map[string]int64
	newImage      sharing.ImageID // and newInstance: the IDs that were asked for, if they are not taken
	newInstance   sharing.InstanceID
}

// answer answers a need of images and instances that are known, and of nothing else.
func (k *known) answer(need sharing.Need) (state sharing.State, ok bool) {
	if len(k.images) == 0 || need.Account != k.account || !slices.Equal(need.Organizations, k.organizations) {
		return state, false
	}
	for _, id := range need.Images {
		a := k.images[id]
		if a == nil {
			return state, false
		}
		state.Images = append(state.Images, *a)
	}
	for _, id := range need.Instances {
		inst := k.instances[id]
		if inst == nil {
			return state, false
		}
		state.Instances = append(state.Instances, inst)
	}
	need.Account, need.Organizations, need.Images, need.Instances = "", nil, nil, nil
	return state, reflect.ValueOf(need).IsZero()
}
