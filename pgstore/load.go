package pgstore

import (
	"reflect"
	"slices"
	"strings"

	"github.com/imageshare/sharing"
)

// A reader is the reading half of a transaction: it makes queries, and has ask run them.
type reader struct {
	store  *Store
	ask    func(*query) ([]fact, error)
	known  known
	marked *mark
}

// Access implements [sharing.ViewTx].
func (r *reader) Access(account sharing.AccountID, organizations []sharing.OrganizationID, image sharing.ImageID) (sharing.Access, sharing.Trust, error) {
	q := new(query)
	eyes := eyesOf(account, organizations)
	q.addAccess("= "+q.arg(string(image)), q.arg(eyes))
	q.addTrust(q.arg(string(account)))
	q.locks = modes{{imageLock, string(image)}: true, {trustLock, string(account)}: true}
	facts, err := r.ask(q)
	if err != nil {
		return sharing.Access{}, sharing.Trust{}, err
	}
	found, err := r.gather(facts, eyes)
	if err != nil {
		return sharing.Access{}, sharing.Trust{}, err
	}
	return found.access(image), found.trust, nil
}

// Load implements [sharing.ViewTx].
func (r *reader) Load(need sharing.Need) (sharing.State, error) {
	if state, ok := r.known.answer(need); ok {
		return state, nil
	}
	eyes := eyesOf(need.Account, need.Organizations)
	q := loading(need, eyes)
	facts, err := r.ask(q)
	if err != nil {
		return sharing.State{}, err
	}
	found, err := r.gather(facts, eyes)
	if err != nil {
		return sharing.State{}, err
	}
	r.known = known{need.Account, need.Organizations, found.images, found.instances}
	state := sharing.State{
		Operation: found.events, Trust: found.trust, Shares: found.shares, Sequence: found.counts["sequence"],
		PresentShares: int(found.counts["present"]), ImagesOwned: int(found.counts["owned"]), OwnInstances: int(found.counts["own"]),
		Taken: found.counts["taken"] > 0,
	}
	image := need.Image
	if need.Instance != "" {
		state.Instance = found.instances[need.Instance]
		if image == "" && state.Instance != nil {
			image = state.Instance.Image
		}
	}
	if image != "" {
		state.Image = found.access(image)
	}
	for _, id := range need.Images {
		state.Images = append(state.Images, found.access(id))
	}
	for _, id := range need.Instances {
		state.Instances = append(state.Instances, found.instances[id])
	}
	return state, nil
}

// eyesOf are the grantees whose shares reach account, those of its organizations in their order.
func eyesOf(account sharing.AccountID, organizations []sharing.OrganizationID) []string {
	eyes := []string{string(sharing.Everyone)}
	if account != "" {
		eyes = append(eyes, string(sharing.Account(account)))
	}
	for _, id := range organizations {
		eyes = append(eyes, string(sharing.Organization(id)))
	}
	return eyes
}

// loading is the query for need.
func loading(need sharing.Need, eyes []string) *query {
	q := &query{locks: modes{}, log: need.Operation != "", operation: need.Operation}
	lock := func(kind lockKind, id string, exclusive bool) { q.locks.add(lock{kind, id}, exclusive) }
	account := string(need.Account)

	if id := need.Operation; id != "" {
		q.addEvents("operation = " + q.arg(id))
		lock(operationLock, id, true)
	}
	if need.Trust {
		q.addTrust(q.arg(account))
		lock(trustLock, account, need.Image == "" && need.Instance == "") // who reads nothing else is about to change it
	}
	instances := texts(need.Instances)
	if need.Instance != "" {
		instances = append(instances, string(need.Instance))
		lock(instanceLock, string(need.Instance), true)
	}
	for _, id := range need.Instances {
		lock(instanceLock, string(id), false)
	}
	if len(instances) > 0 {
		q.add("instance", columns{id: "id", body: "body::text"}, "FROM sharing.instances WHERE id = ANY("+q.arg(instances)+")")
	}

	creates := need.NewImage != "" // what a new image is made from does not change by it
	of := ""                       // condition on an image's ID: that it is the one that the need is about
	switch {
	case need.Image != "":
		of = "= " + q.arg(string(need.Image))
		lock(imageLock, string(need.Image), !creates)
	case need.Instance != "":
		of = "= (SELECT image FROM sharing.instances WHERE id = " + q.arg(string(need.Instance)) + ")"
		q.instance, q.instanceExclusive = need.Instance, !creates
	}
	if of != "" {
		q.addAccess(of, q.arg(eyes))
		q.add("sequence", columns{n: "sequence"}, "FROM sharing.events WHERE image <> '' AND image "+of+" ORDER BY position DESC, number DESC LIMIT 1")
		q.addShares(need, of)
		if need.OwnInstances {
			q.add("own", columns{n: "count(*)"}, "FROM sharing.instances WHERE NOT terminated AND owner = "+q.arg(account)+" AND image "+of)
			lock(machinesLock, account, true)
		}
	}
	if len(need.Images) > 0 {
		q.addAccess("= ANY("+q.arg(texts(need.Images))+")", q.arg(eyes))
		for _, id := range need.Images {
			lock(imageLock, string(id), false)
		}
	}
	region := ""
	switch {
	case need.ImagesBeside && need.Instance != "":
		region = "(SELECT body->>'Region' FROM sharing.instances WHERE id = " + q.arg(string(need.Instance)) + ")"
		if need.ImagesIn != "" {
			region = "coalesce(" + region + ", " + q.arg(string(need.ImagesIn)) + ")"
		}
	case need.ImagesIn != "":
		region = q.arg(string(need.ImagesIn))
	}
	if region != "" {
		q.add("owned", columns{n: "count(*)"}, "FROM sharing.images WHERE NOT deleted AND owner = "+q.arg(account)+" AND region = "+region)
		lock(quotaLock, account, true)
	}
	if id := need.NewImage; id != "" {
		q.add("taken", columns{n: "1"}, "FROM sharing.images WHERE id = "+q.arg(string(id)))
		lock(imageLock, string(id), true)
	}
	if id := need.NewInstance; id != "" {
		q.add("taken", columns{n: "1"}, "FROM sharing.instances WHERE id = "+q.arg(string(id)))
		lock(instanceLock, string(id), true)
	}
	return q
}

// ofThisEpoch is the condition that a share s has not ended by a delete of its image i.
const ofThisEpoch = "s.epoch = coalesce(i.epoch, 0) AND i.deleted IS NOT TRUE"

// addAccess adds the images whose ID the condition holds for, and the shares of them that reach eyes.
func (q *query) addAccess(condition, eyes string) {
	q.add("image", columns{id: "id", body: "body::text"}, "FROM sharing.images WHERE id "+condition)
	q.add("grant", shareColumns, "FROM sharing.shares s LEFT JOIN sharing.images i ON i.id = s.image WHERE s.image "+condition+
		" AND s.grantee = ANY("+eyes+") AND "+ofThisEpoch)
}

var shareColumns = columns{id: "s.image", grantee: "s.grantee", status: "s.status", created: "s.created", updated: "s.updated", expires: "s.expires"}

func (q *query) addTrust(account string) {
	q.add("trust", columns{id: "account", body: "body::text"}, "FROM sharing.trust WHERE account = "+account)
}

// addShares adds what need asks of the shares of the image that of selects.
func (q *query) addShares(need sharing.Need, of string) {
	from := "FROM sharing.shares s LEFT JOIN sharing.images i ON i.id = s.image WHERE s.image " + of + " AND " + ofThisEpoch
	switch {
	case need.AllShares:
		q.add("share", shareColumns, from)
	case len(need.Grantees) > 0:
		q.add("share", shareColumns, from+" AND s.grantee = ANY("+q.arg(texts(need.Grantees))+")")
	}
	if !need.PresentAt.IsZero() {
		at := need.PresentAt.UTC().Format(timeLayout)
		q.add("present", columns{n: "count(*)"}, from+" AND (s.expires = '' OR s.expires > "+q.arg(at)+")")
	}
}

// found is what facts tell.
type found struct {
	images    map[sharing.ImageID]*sharing.Access
	instances map[sharing.InstanceID]*sharing.InstanceRecord
	shares    []sharing.Share
	events    []sharing.Event
	trust     sharing.Trust
	counts    map[string]int64
}

// access returns what was found of an image.
func (f *found) access(id sharing.ImageID) sharing.Access {
	if a := f.images[id]; a != nil {
		return *a
	}
	return sharing.Access{}
}

// gather makes of facts what they tell to those who see with eyes.
func (r *reader) gather(facts []fact, eyes []string) (*found, error) {
	to := &found{
		images: make(map[sharing.ImageID]*sharing.Access), instances: make(map[sharing.InstanceID]*sharing.InstanceRecord),
		counts: make(map[string]int64),
	}
	image := func(id string) *sharing.Access {
		a := to.images[sharing.ImageID(id)]
		if a == nil {
			a = new(sharing.Access)
			to.images[sharing.ImageID(id)] = a
		}
		return a
	}
	inLogOrder(facts)
	var grants []fact
	for i := range facts {
		f := &facts[i]
		var err error
		switch f.part {
		case "image":
			image(f.id).Image, err = decodeImage(f.id, f.body)
		case "grant":
			grants = append(grants, *f)
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
		default:
			to.counts[f.part] += f.n
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(to.shares, func(a, b sharing.Share) int { return strings.Compare(string(a.Grantee), string(b.Grantee)) })
	// In the order of the eyes: of two organisations' shares that last alike, the first holds.
	for _, eye := range eyes {
		for i := range grants {
			if f := &grants[i]; f.grantee == eye {
				share, err := decodeShare(f)
				if err != nil {
					return nil, err
				}
				grant(image(f.id), share)
			}
		}
	}
	return to, nil
}

// grant adds to a what a share gives.
func grant(a *sharing.Access, share sharing.Share) {
	g := sharing.Grant{Exists: true, Status: share.Status, Expires: share.Expires}
	if share.Grantee == sharing.Everyone {
		a.Everyone = g
	} else if _, ok := share.Grantee.Organization(); !ok {
		a.Own = g
	} else if o := a.Organization; !o.Exists || !o.Expires.IsZero() && (g.Expires.IsZero() || g.Expires.After(o.Expires)) {
		a.Organization = g
	}
}

// known is what a transaction's last Load found, so that another one which asks for no more, to show what an image
// was made from, say, needs no request.
type known struct {
	account       sharing.AccountID
	organizations []sharing.OrganizationID
	images        map[sharing.ImageID]*sharing.Access
	instances     map[sharing.InstanceID]*sharing.InstanceRecord
}

// answer answers a need of images and instances that are known.
func (k *known) answer(need sharing.Need) (state sharing.State, ok bool) {
	if need.Account != k.account || !slices.Equal(need.Organizations, k.organizations) {
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
	return state, reflect.ValueOf(need).IsZero() && len(state.Images)+len(state.Instances) > 0
}

// texts returns the strings that the identifiers are.
func texts[T ~string](ids []T) []string {
	s := make([]string, len(ids))
	for i, id := range ids {
		s[i] = string(id)
	}
	return s
}
