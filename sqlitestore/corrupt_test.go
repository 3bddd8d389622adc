package sqlitestore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/imageshare/sharing"
)

// TestR27_Corrupt damages what is stored. Whoever needs it gets an error that says which record it is: nobody is permitted
// anything, and nothing is taken for absent.
func TestR27_Corrupt(t *testing.T) {
	ctx := t.Context()
	canUse := func(e *sharing.Engine) error { return e.CanUse(ctx, "bob", "old1", "eu") }
	list := func(e *sharing.Engine) error { return lastError(e.Shares(ctx, "alice", "old1")) }
	for _, damage := range []struct {
		sql, says string
		call      func(e *sharing.Engine) error
	}{
		{`UPDATE images SET record = x'' WHERE id = 'old1'`, `"old1" in table images`, canUse},
		{`UPDATE images SET record = x'0100000000' WHERE id = 'old1'`, `"old1" in table images`, canUse},
		{`UPDATE images SET record = CAST(x'02' || substr(record, 2) AS BLOB) WHERE id = 'old1'`, `"old1" in table images`, canUse},
		{`UPDATE images SET record = substr(record, 1, length(record) - 1) WHERE id = 'old1'`, `"old1" in table images`, canUse},
		{`UPDATE images SET record = CAST(record || x'00' AS BLOB) WHERE id = 'old1'`, `"old1" in table images`, canUse},
		{`UPDATE images SET record = CAST(substr(record, 1, length(record) - 1) || x'01' AS BLOB) WHERE id = 'old1'`, `"old1" in table images`, canUse},
		{`UPDATE images SET record = (SELECT record FROM images WHERE id = 'old2') WHERE id = 'old1'`, `"old1" in table images`, canUse},
		{`UPDATE images SET record = x'7b' WHERE id = 'old1'`, `"old1" in table images`, func(e *sharing.Engine) error {
			return lastError(e.Images(ctx, "bob", sharing.ImageQuery{}))
		}},
		{`UPDATE images SET record = x'7b' WHERE id = 'old1'`, `"old1" in table images`, func(e *sharing.Engine) error {
			return lastError(e.SharesReceived(ctx, "bob", sharing.ShareQuery{}))
		}},
		{`UPDATE shares SET status = 3 WHERE grantee = 'bob'`, `"old1" in table shares`, canUse},
		{`UPDATE shares SET status = -1 WHERE grantee = 'bob'`, `"old1" in table shares`, canUse},
		{`UPDATE shares SET status = 256 WHERE grantee = 'bob'`, `"old1" in table shares`, canUse},
		{`UPDATE shares SET expires = x'' WHERE grantee = 'bob'`, `"old1" in table shares`, canUse},
		{`UPDATE shares SET expires = x'fe' WHERE grantee = 'bob'`, `"old1" in table shares`, canUse},
		{`UPDATE shares SET expires = x'ffff' WHERE grantee = 'bob'`, `"old1" in table shares`, list},
		{`UPDATE shares SET updated = x'00' WHERE grantee = 'bob'`, `"old1 bob" in table shares`, list},
		{`UPDATE trust SET record = x'0100' WHERE account = 'cid'`, `"cid" in table trust`, func(e *sharing.Engine) error { return e.CanUse(ctx, "cid", "old1", "eu") }},
		{`UPDATE trust SET record = x'' WHERE account = 'cid'`, `"cid" in table trust`, func(e *sharing.Engine) error { return e.CanUse(ctx, "cid", "old1", "eu") }},
		{`UPDATE instances SET record = x'01'`, `"old3" in table instances`, func(e *sharing.Engine) error {
			_, err := e.Reinit(ctx, "bob", "old3")
			return err
		}},
		{`UPDATE instances SET record = x'5b5d'`, `"old3" in table instances`, func(e *sharing.Engine) error {
			return lastError(e.Instances(ctx, "bob", sharing.InstanceQuery{}))
		}},
		{`UPDATE events SET record = '{}' WHERE n = 3`, `"3" in table events`, func(e *sharing.Engine) error { return lastError(e.Events(ctx, sharing.EventQuery{})) }},
	} {
		t.Run(damage.sql, func(t *testing.T) {
			path := newScene(t)
			execute(t, raw(t, path), damage.sql)
			err := damage.call(engineOn(t, openStore(t, path), "new"))
			if err == nil || !strings.Contains(err.Error(), damage.says+" is corrupt") {
				t.Errorf("the error should name the record %s: %v", damage.says, err)
			}
			var refusal *sharing.Refusal
			if errors.As(err, &refusal) {
				t.Errorf("no rule refuses this: %v", err)
			}
		})
	}
}

// lastError reads a listing, and returns the error that it ends with.
func lastError[T any](items func(func(T, error) bool)) (err error) {
	for _, err = range items {
	}
	return err
}

// TestR8_ShareTableIsSwept deletes an image with many shares: the delete leaves them in the table, and later changes remove
// them, some each.
func TestR8_ShareTableIsSwept(t *testing.T) {
	path := newScene(t)
	e := engineOn(t, openStore(t, path), "new")
	left := func() int {
		stmt, _, err := raw(t, path).Prepare(`SELECT count(*) FROM shares WHERE image = 'old2'`)
		if err != nil {
			t.Fatal(err)
		}
		defer stmt.Close()
		if !stmt.Step() {
			t.Fatal(stmt.Err())
		}
		return stmt.ColumnInt(0)
	}
	changes := 0
	for before := left(); before > 0; changes++ {
		if changes == 10 {
			t.Fatalf("after %d changes there are still %d shares of a deleted image", changes, before)
		}
		if err := e.SetTrust(t.Context(), "alice", sharing.Trust{Owners: []sharing.AccountID{sharing.AccountID(fmt.Sprint(changes))}}); err != nil {
			t.Fatal(err)
		}
		now := left()
		if now == before || before-now > 16 {
			t.Errorf("a change should remove some shares, not %d of %d", before-now, before)
		}
		before = now
	}
	if dump(t, path) != dumpReplayed(t, path) {
		t.Error("R24: the sweep changed the state")
	}
}
