package pgstore

import (
	"fmt"

	"github.com/imageshare/sharing"
)

// Access implements [sharing.ViewTx]. It is mostly asked with organisations only if nothing else reaches the account:
// without them the whole answer is one row.
func (r *reader) Access(account sharing.AccountID, organizations []sharing.OrganizationID, image sharing.ImageID) (sharing.Access, sharing.Trust, error) {
	q := &query{locks: modes{{lock{imageLock, string(image)}, true}, {lock{trustLock, string(account)}, true}}}
	if len(organizations) == 0 {
		q.sql.WriteString(accessSQL)
		q.args = []any{string(image), string(account)}
		facts, err := r.ask(q)
		if err != nil {
			return sharing.Access{}, sharing.Trust{}, err
		}
		if len(facts) != 1 {
			return sharing.Access{}, sharing.Trust{}, fmt.Errorf("pgstore: the server answered with %d rows instead of one", len(facts))
		}
		return decodeAccess(&facts[0], string(image), string(account))
	}
	eyes := eyesOf(account, organizations)
	q.addAccess("= "+q.arg(string(image)), q.arg(eyes))
	q.addTrust(q.arg(string(account)))
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

// accessSQL has the form of a fact, whose fields hold: the trust policy in grantee, the image in body,
// the account's own share in status and expires, and everyone's in n and updated. A status of -1 stands for no share.
const accessSQL = `SELECT 'access', NULL, t.body::text, i.body, coalesce(s.status, -1)::bigint,
		NULL, e.expires, s.expires, coalesce(e.status, -1)::bigint, NULL::bigint
	FROM (SELECT) AS one
	LEFT JOIN sharing.images i ON i.id = $1
	LEFT JOIN sharing.shares s ON s.image = $1 AND s.grantee = $2 AND s.epoch = coalesce(i.epoch, 0) AND i.deleted IS NOT TRUE
	LEFT JOIN sharing.shares e ON e.image = $1 AND e.grantee = '*' AND e.epoch = coalesce(i.epoch, 0) AND i.deleted IS NOT TRUE
	LEFT JOIN sharing.trust t ON t.account = $2`

func decodeAccess(f *fact, image, account string) (a sharing.Access, trust sharing.Trust, err error) {
	if len(f.body) > 0 {
		if a.Image, err = decodeImage(image, f.body); err != nil {
			return sharing.Access{}, trust, err
		}
	}
	for _, share := range []struct {
		grantee string
		status  int64
		expires string
		to      *sharing.Grant
	}{
		{account, f.status, f.expires, &a.Own},
		{string(sharing.Everyone), f.n, f.updated, &a.Everyone},
	} {
		if share.status == -1 {
			continue
		}
		if *share.to, err = decodeGrant(&fact{id: image, grantee: share.grantee, status: share.status, expires: share.expires}); err != nil {
			return sharing.Access{}, trust, err
		}
	}
	if f.grantee != "" {
		if trust, err = decodeTrust(account, []byte(f.grantee)); err != nil {
			return sharing.Access{}, trust, err
		}
	}
	return a, trust, nil
}
