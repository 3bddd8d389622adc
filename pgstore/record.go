package pgstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/imageshare/sharing"
)

// What is stored is decoded here, and nothing is taken for granted: a record that can't be read, or that is not the
// one that its key says, is an error that names the key, and never a zero value that reads as a permission (R27).

func corrupt(table, key string, err error) error {
	return fmt.Errorf("pgstore: corrupt record in sharing.%s, key %q: %w", table, key, err)
}

var errOtherKey = errors.New("its body is of another key")

func decodeImage(id string, body []byte) (*sharing.ImageRecord, error) {
	rec := new(sharing.ImageRecord)
	if err := json.Unmarshal(body, rec); err != nil {
		return nil, corrupt("images", id, err)
	}
	if string(rec.ID) != id {
		return nil, corrupt("images", id, errOtherKey)
	}
	if rec.State > sharing.ImageDisabled {
		return nil, corrupt("images", id, fmt.Errorf("unknown state %d", rec.State))
	}
	return rec, nil
}

func decodeInstance(id string, body []byte) (*sharing.InstanceRecord, error) {
	rec := new(sharing.InstanceRecord)
	if err := json.Unmarshal(body, rec); err != nil {
		return nil, corrupt("instances", id, err)
	}
	if string(rec.ID) != id {
		return nil, corrupt("instances", id, errOtherKey)
	}
	return rec, nil
}

// decodeTrust reads a policy. The zero one, which trusts everyone, is never stored.
func decodeTrust(account string, body []byte) (sharing.Trust, error) {
	var trust sharing.Trust
	if err := json.Unmarshal(body, &trust); err != nil {
		return sharing.Trust{}, corrupt("trust", account, err)
	}
	if isZero(trust) {
		return sharing.Trust{}, corrupt("trust", account, errors.New("the policy is empty"))
	}
	return trust, nil
}

func isZero(trust sharing.Trust) bool { return !trust.Enforce && len(trust.Owners) == 0 }

// decodeGrant reads of a share what it gives.
func decodeGrant(f *fact) (sharing.Grant, error) {
	fail := func(err error) (sharing.Grant, error) {
		return sharing.Grant{}, corrupt("shares", f.id+" "+f.grantee, err)
	}
	if f.status < 0 || f.status > int64(sharing.ShareRejected) {
		return fail(fmt.Errorf("unknown status %d", f.status))
	}
	g := sharing.Grant{Exists: true, Status: sharing.ShareStatus(f.status)}
	if f.expires == "" {
		return g, nil
	}
	expires, err := time.Parse(timeLayout, f.expires)
	if err == nil && expires.IsZero() {
		err = errors.New("its expiry is zero, which reads as never")
	}
	if err != nil {
		return fail(err)
	}
	g.Expires = expires
	return g, nil
}

func decodeShare(f *fact) (sharing.Share, error) {
	g, err := decodeGrant(f)
	if err != nil {
		return sharing.Share{}, err
	}
	share := sharing.Share{Image: sharing.ImageID(f.id), Grantee: sharing.Grantee(f.grantee), Status: g.Status, Expires: g.Expires}
	share.CreatedAt, err = time.Parse(timeLayout, f.created)
	share.UpdatedAt = share.CreatedAt
	if err == nil && f.updated != "" {
		share.UpdatedAt, err = time.Parse(timeLayout, f.updated)
	}
	if err != nil {
		return sharing.Share{}, corrupt("shares", f.id+" "+f.grantee, err)
	}
	return share, nil
}

func decodeEvent(f *fact, store string) (sharing.Event, error) {
	var ev sharing.Event
	key := fmt.Sprintf("%d, %d", f.n, f.number)
	if err := json.Unmarshal(f.body, &ev); err != nil {
		return sharing.Event{}, corrupt("events", key, err)
	}
	if ev.Operation != f.id {
		return sharing.Event{}, corrupt("events", key, errOtherKey)
	}
	ev.Cursor = position{f.n, f.number}.cursor(store, f.body)
	return ev, nil
}

// timeLayout is how times stand in columns: in UTC, as text that compares as the times do.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

func encodeTime(t time.Time) (string, error) {
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return "", fmt.Errorf("pgstore: %v can't be stored: only the years 0 to 9999 can", t)
	}
	return t.Format(timeLayout), nil
}
