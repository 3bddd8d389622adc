package pgstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/imageshare/sharing"
)

// What is stored is decoded here, and nothing is taken for granted: a record that can't be read, or that is
// not the one that its key says, is an error that names the key, and never a zero value that reads as a permission (R27).

func corrupt(table, key string, err error) error {
	return fmt.Errorf("pgstore: corrupt record in sharing.%s, key %q: %w", table, key, err)
}

var errOtherKey = errors.New("its body is of another key")

func decodeImage(id, body string) (*sharing.ImageRecord, error) {
	rec := new(sharing.ImageRecord)
	if err := json.Unmarshal([]byte(body), rec); err != nil {
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

func decodeInstance(id, body string) (*sharing.InstanceRecord, error) {
	rec := new(sharing.InstanceRecord)
	if err := json.Unmarshal([]byte(body), rec); err != nil {
		return nil, corrupt("instances", id, err)
	}
	if string(rec.ID) != id {
		return nil, corrupt("instances", id, errOtherKey)
	}
	return rec, nil
}

// decodeTrust reads a policy. The zero one, which trusts everyone, is never stored.
func decodeTrust(account, body string) (sharing.Trust, error) {
	var trust sharing.Trust
	if err := json.Unmarshal([]byte(body), &trust); err != nil {
		return sharing.Trust{}, corrupt("trust", account, err)
	}
	if isZero(trust) {
		return sharing.Trust{}, corrupt("trust", account, errors.New("the policy is empty"))
	}
	return trust, nil
}

func isZero(trust sharing.Trust) bool { return !trust.Enforce && len(trust.Owners) == 0 }

func decodeShare(f *fact) (sharing.Share, error) {
	share := sharing.Share{Image: sharing.ImageID(f.id), Grantee: sharing.Grantee(f.grantee), Status: sharing.ShareStatus(f.status)}
	fail := func(err error) (sharing.Share, error) {
		return sharing.Share{}, corrupt("shares", f.id+" "+f.grantee, err)
	}
	if f.status < 0 || f.status > int64(sharing.ShareRejected) {
		return fail(fmt.Errorf("unknown status %d", f.status))
	}
	var err error
	if share.CreatedAt, err = time.Parse(timeLayout, f.created); err != nil {
		return fail(err)
	}
	if share.UpdatedAt = share.CreatedAt; f.updated != "" {
		if share.UpdatedAt, err = time.Parse(timeLayout, f.updated); err != nil {
			return fail(err)
		}
	}
	if f.expires != "" {
		if share.Expires, err = time.Parse(timeLayout, f.expires); err != nil {
			return fail(err)
		}
		if share.Expires.IsZero() {
			return fail(errors.New("its expiry is zero, which reads as never"))
		}
	}
	return share, nil
}

func decodeEvent(f *fact, store string) (sharing.Event, error) {
	var ev sharing.Event
	key := fmt.Sprintf("%d, %d", f.n, f.number)
	if err := json.Unmarshal([]byte(f.body), &ev); err != nil {
		return sharing.Event{}, corrupt("events", key, err)
	}
	if ev.Operation != f.id {
		return sharing.Event{}, corrupt("events", key, errOtherKey)
	}
	ev.Cursor = position{f.n, f.number}.cursor(store)
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
