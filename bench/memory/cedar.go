package memory

import (
	"github.com/cedar-policy/cedar-go"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/world"
)

// cedarPolicy is the whole check. It asks first whether there is such an image, since an
// error would cost more than that.
const cedarPolicy = `permit (principal, action == Action::"use", resource)
when {
	resource has owner && resource.region == context.region && resource.state != "disabled" &&
	(resource.owner == principal || resource.grantees.contains(principal))
};`

// A cedarWorld answers checks by Cedar: an image is an entity with its owner, region,
// state and the set of its grantees as attributes.
type cedarWorld struct {
	policies *cedar.PolicySet
	entities cedar.EntityMap
	contexts map[sharing.Region]cedar.Record // kept, since a record is made anew at some cost
}

func newCedar(w *world.World) (*cedarWorld, error) {
	policies, err := cedar.NewPolicySetFromBytes("", []byte(cedarPolicy))
	if err != nil {
		return nil, err
	}
	c := &cedarWorld{policies, make(cedar.EntityMap, len(w.Images)), make(map[sharing.Region]cedar.Record)}
	for i := range world.Regions {
		c.contexts[world.Region(i)] = cedar.NewRecord(cedar.RecordMap{"region": cedar.String(world.Region(i))})
	}
	for _, img := range w.Images {
		grantees := make([]cedar.Value, len(img.Grantees))
		for i, g := range img.Grantees {
			grantees[i] = cedar.NewEntityUID("Account", cedar.String(g))
		}
		uid := cedar.NewEntityUID("Image", cedar.String(img.ID))
		c.entities[uid] = cedar.Entity{UID: uid, Attributes: cedar.NewRecord(cedar.RecordMap{
			"owner":    cedar.NewEntityUID("Account", cedar.String(img.Owner)),
			"region":   cedar.String(img.Region),
			"state":    cedar.String("available"),
			"grantees": cedar.NewSet(grantees...),
		})}
	}
	return c, nil
}

func (c *cedarWorld) allowed(q world.Question) bool {
	decision, _ := cedar.Authorize(c.policies, c.entities, cedar.Request{
		Principal: cedar.NewEntityUID("Account", cedar.String(q.Account)),
		Action:    cedar.NewEntityUID("Action", "use"),
		Resource:  cedar.NewEntityUID("Image", cedar.String(q.Image)),
		Context:   c.contexts[q.Region],
	})
	return decision == cedar.Allow
}
