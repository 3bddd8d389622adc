package pgstore

import (
	"github.com/imageshare/sharing"
)

// A reader is the reading half of a transaction: it makes queries, and has ask run them.
type reader struct {
	store  *Store
	ask    func(*query) ([]fact, error)
	known  known
	marked *mark
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
	r.known = known{account: need.Account, organizations: need.Organizations, images: found.images, instances: found.instances, epochs: found.epochs}
	state := sharing.State{
		Operation: found.events, Trust: found.trust, Shares: found.sharesFor(need), Sequence: found.count("sequence"),
		PresentShares: int(found.count("present")), ImagesOwned: int(found.count("owned")), OwnInstances: int(found.count("own")),
		Taken: found.count("taken") > 0,
	}
	if !state.Taken {
		r.known.newImage, r.known.newInstance = need.NewImage, need.NewInstance
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
		eyes = append(eyes, string(account))
	}
	for _, id := range organizations {
		eyes = append(eyes, string(sharing.Organization(id)))
	}
	return eyes
}

// loading is the query for need.
func loading(need sharing.Need, eyes []string) *query {
	q := &query{locks: make(modes, 0, 8), log: need.Operation != "", operation: need.Operation}
	q.sql.Grow(1024)
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
		lock(machinesLock, account, false)
	}
	for _, id := range need.Instances {
		lock(instanceLock, string(id), false)
	}
	if len(instances) > 0 {
		q.add("instance", columns{id: "id", body: "body"}, "FROM sharing.instances WHERE id = ANY("+q.arg(instances)+")")
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
		q.addImage(of)
		q.addSharesOf(need, of, eyes)
		q.add("sequence", columns{n: "sequence"}, "FROM sharing.events WHERE image <> '' AND image "+of+" ORDER BY position DESC, number DESC LIMIT 1")
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
		lock(machinesLock, account, false)
	}
	return q
}

// addAccess adds the images whose ID the condition holds for, and the shares of them that reach eyes.
func (q *query) addAccess(condition, eyes string) {
	q.addImage(condition)
	q.addGrants(condition, eyes)
}

// addGrants adds what the shares that reach eyes give.
func (q *query) addGrants(condition, eyes string) {
	q.add("grant", columns{id: "s.image", grantee: "s.grantee", status: "s.status", expires: "s.expires", number: "s.epoch"},
		"FROM sharing.shares s WHERE s.image "+condition+" AND s.grantee = ANY("+eyes+")")
}

func (q *query) addImage(condition string) {
	q.add("image", columns{id: "id", body: "body", number: "CASE WHEN deleted THEN -1 ELSE epoch END"}, "FROM sharing.images WHERE id "+condition)
}

func (q *query) addTrust(account string) {
	q.add("trust", columns{id: "account", body: "body"}, "FROM sharing.trust WHERE account = "+account)
}

// addSharesOf adds what need asks of the shares of the image that of selects, and those that reach eyes.
func (q *query) addSharesOf(need sharing.Need, of string, eyes []string) {
	const from = "FROM sharing.shares s"
	where := " WHERE s.image " + of
	if need.AllShares {
		q.addGrants(of, q.arg(eyes))
	} else {
		q.add("share", shareColumns, from+where+" AND s.grantee = ANY("+q.arg(append(texts(need.Grantees), eyes...))+")")
	}
	if need.Account == "" || !need.AllShares && need.PresentAt.IsZero() {
		return
	}
	// A condition on no column of the shares: where the image is another's, the server does not begin to read them.
	where += " AND (SELECT owner FROM sharing.images WHERE id " + of + ") = " + q.arg(string(need.Account))
	if need.AllShares {
		q.add("share", shareColumns, from+where)
	}
	if !need.PresentAt.IsZero() {
		at := need.PresentAt.UTC().Format(timeLayout)
		q.add("present", columns{n: "count(*)"}, from+" JOIN sharing.images i ON i.id = s.image"+where+
			" AND s.epoch = i.epoch AND NOT i.deleted AND (s.expires = '' OR s.expires > "+q.arg(at)+")")
	}
}

// The number of a share's fact is its epoch: the image's, of which shares count, is that of the image's fact.
var shareColumns = columns{
	id: "s.image", grantee: "s.grantee", status: "s.status", created: "s.created", updated: "s.updated", expires: "s.expires", number: "s.epoch",
}

// texts returns the strings that the identifiers are.
func texts[T ~string](ids []T) []string {
	s := make([]string, len(ids))
	for i, id := range ids {
		s[i] = string(id)
	}
	return s
}
