package memory

import (
	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	defaultrolemanager "github.com/casbin/casbin/v2/rbac/default-role-manager"

	"github.com/imageshare/sharing/bench/world"
)

// casbinModel keeps what a check needs in role links, which are found by name: an image leads to its owner and
// grantees, and to its region. One policy line a share would be read from the first to the last at every check; links
// from the account to its images would be followed all, and an account has more images than an image has grantees.
const casbinModel = `
[request_definition]
r = account, image, region
[policy_definition]
p = account, image
[role_definition]
g = _, _
g2 = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g2(r.image, r.region) && g(r.image, r.account)
`

type casbinWorld struct{ enforcer *casbin.Enforcer }

func newCasbin(w *world.World) (*casbinWorld, error) {
	m, err := model.NewModelFromString(casbinModel)
	if err != nil {
		return nil, err
	}
	e, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, err
	}
	e.EnableLog(false)
	e.SetRoleManager(defaultrolemanager.NewRoleManagerImpl(1)) // one step is enough
	e.SetNamedRoleManager("g2", defaultrolemanager.NewRoleManagerImpl(1))
	var users, regions [][]string
	for _, img := range w.Images {
		regions = append(regions, []string{string(img.ID), string(img.Region)})
		users = append(users, []string{string(img.ID), string(img.Owner)})
		for _, g := range img.Grantees {
			users = append(users, []string{string(img.ID), string(g)})
		}
	}
	if _, err := e.AddNamedGroupingPolicies("g", users); err != nil {
		return nil, err
	}
	if _, err := e.AddNamedGroupingPolicies("g2", regions); err != nil {
		return nil, err
	}
	return &casbinWorld{e}, nil
}

func (c *casbinWorld) allowed(q world.Question) bool {
	ok, err := c.enforcer.Enforce(string(q.Account), string(q.Image), string(q.Region))
	return err == nil && ok
}
