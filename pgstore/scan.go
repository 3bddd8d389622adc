package pgstore

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/imageshare/sharing"
)

// Images implements [sharing.ViewTx].
func (r *reader) Images(scan sharing.ImageScan, each func(*sharing.Access)) error {
	q := &query{anything: true}
	eyes := eyesOf(scan.Account, scan.Organizations)
	page, err := q.pageOfImages(scan)
	if err != nil || page == "" {
		return err
	}
	q.addAccess("= ANY("+page+")", q.arg(eyes))
	facts, err := r.ask(q)
	if err != nil {
		return err
	}
	found, err := r.gather(facts, eyes)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(found.images)) {
		each(found.images[id])
	}
	return nil
}

// pageOfImages returns an expression for the array of the IDs that scan selects, or "" if there can be none.
// It takes the first from each index that leads to such images, and the first of these together.
func (q *query) pageOfImages(scan sharing.ImageScan) (string, error) {
	wanted := conditions{"NOT i.deleted"}
	limit := q.arg(scan.Limit)
	if scan.After != "" {
		wanted = append(wanted, q.after("i.id", string(scan.After)))
	}
	for _, c := range []struct{ expr, value string }{
		{"i.owner", string(scan.Query.Owner)},
		{"i.region", string(scan.Query.Region)},
		{"i.family <> '' AND i.family", scan.Query.Family},
		{"i.source <> '' AND i.source", string(scan.Query.Source)},
		{"i.body->>'Name'", scan.Query.Name},
		{"i.body->>'Digest'", scan.Query.Digest},
	} {
		if c.value != "" {
			wanted.add("%s = %s", c.expr, q.arg(c.value))
		}
	}
	if err := q.wantLabels(&wanted, "i.body", scan.Query.Labels); err != nil {
		return "", err
	}

	way := func(owner string) string {
		return "(SELECT i.id FROM sharing.images i WHERE " + owner + wanted.String() + " ORDER BY i.id LIMIT " + limit + ")"
	}
	if scan.Query.Origin == 0 {
		return "ARRAY" + way(""), nil
	}
	var ways []string
	if scan.Query.Origin&sharing.OriginOwn != 0 {
		ways = append(ways, way("i.owner = "+q.arg(string(scan.Account))+" AND "))
	}
	var grantees []string
	if scan.Query.Origin&sharing.OriginShared != 0 {
		grantees = eyesOf(scan.Account, scan.Organizations)[1:]
	}
	if scan.Query.Origin&sharing.OriginPublic != 0 {
		grantees = append(grantees, string(sharing.Everyone))
	}
	if len(grantees) > 0 {
		ways = append(ways, "SELECT DISTINCT way.id FROM unnest("+q.arg(grantees)+"::text[]) AS g(grantee) CROSS JOIN LATERAL ("+
			"SELECT i.id FROM sharing.shares s JOIN sharing.images i ON i.id = s.image AND i.epoch = s.epoch"+
			" WHERE s.grantee = g.grantee AND "+wanted.String()+" ORDER BY s.image LIMIT "+limit+") AS way")
	}
	if len(ways) == 0 {
		return "", nil
	}
	return "ARRAY(SELECT id FROM (" + strings.Join(ways, " UNION ") + ") AS ways ORDER BY id LIMIT " + limit + ")", nil
}

// wantLabels adds the condition that a record's body has all the labels.
func (q *query) wantLabels(wanted *conditions, body string, labels map[string]string) error {
	if len(labels) == 0 {
		return nil
	}
	text, err := json.Marshal(labels)
	if err != nil {
		return err
	}
	wanted.add("(%s->'Labels')::jsonb @> %s::jsonb", body, q.arg(string(text)))
	return nil
}

// Derived implements [sharing.ViewTx].
func (r *reader) Derived(source, after sharing.ImageID, limit int) ([]*sharing.ImageRecord, error) {
	q := &query{anything: true}
	q.add("image", columns{id: "id", body: "body"}, "FROM sharing.images WHERE source <> '' AND source = "+q.arg(string(source))+
		" AND "+q.after("id", string(after))+" ORDER BY id LIMIT "+q.arg(limit))
	facts, err := r.ask(q)
	if err != nil {
		return nil, err
	}
	derived := make([]*sharing.ImageRecord, len(facts))
	for i, f := range facts {
		if derived[i], err = decodeImage(f.id, f.body); err != nil {
			return nil, err
		}
	}
	return derived, nil
}

// Shares implements [sharing.ViewTx].
func (r *reader) Shares(scan sharing.ShareScan, each func(*sharing.SharedImage)) error {
	if scan.Image == "" && scan.Owner == "" && scan.Grantee == "" || scan.Image != "" && scan.Image < scan.After.Image {
		return nil
	}
	q := &query{anything: true}
	wanted := conditions{"i.id = s.image", "i.epoch = s.epoch", "NOT i.deleted"}
	if scan.Image != "" {
		wanted.add("s.image = %s", q.arg(string(scan.Image)))
	}
	if scan.Owner != "" {
		wanted.add("i.owner = %s", q.arg(string(scan.Owner)))
	}
	if scan.Grantee != "" {
		wanted.add("s.grantee = %s", q.arg(string(scan.Grantee)))
	}
	if after := scan.After; after != (sharing.ShareKey{}) {
		wanted = append(wanted, q.afterShare(after))
	}
	c := shareColumns
	c.body = "i.body"
	q.add("share", c, "FROM sharing.shares s, sharing.images i WHERE "+wanted.String()+" ORDER BY i.id, s.grantee LIMIT "+q.arg(scan.Limit))
	facts, err := r.ask(q)
	if err != nil {
		return err
	}
	var image *sharing.ImageRecord
	for i := range facts {
		f := &facts[i]
		share, err := decodeShare(f)
		if err != nil {
			return err
		}
		if image == nil || image.ID != share.Image {
			if image, err = decodeImage(f.id, f.body); err != nil {
				return err
			}
		}
		each(&sharing.SharedImage{Share: share, Record: image})
	}
	return nil
}

// Instances implements [sharing.ViewTx].
func (r *reader) Instances(scan sharing.InstanceScan, each func(*sharing.InstanceRecord)) error {
	q := &query{anything: true}
	wanted := conditions{"NOT terminated"}
	if scan.Owner != "" {
		wanted.add("owner = %s", q.arg(string(scan.Owner)))
	}
	if scan.Query.Image != "" {
		wanted.add("image = %s", q.arg(string(scan.Query.Image)))
	}
	if scan.Query.Region != "" {
		wanted.add("body->>'Region' = %s", q.arg(string(scan.Query.Region)))
	}
	if err := q.wantLabels(&wanted, "body", scan.Query.Labels); err != nil {
		return err
	}
	if scan.After != "" {
		wanted = append(wanted, q.after("id", string(scan.After)))
	}
	q.add("instance", columns{id: "id", body: "body"}, "FROM sharing.instances WHERE "+wanted.String()+" ORDER BY id LIMIT "+q.arg(scan.Limit))
	facts, err := r.ask(q)
	if err != nil {
		return err
	}
	for _, f := range facts {
		instance, err := decodeInstance(f.id, f.body)
		if err != nil {
			return err
		}
		each(instance)
	}
	return nil
}
