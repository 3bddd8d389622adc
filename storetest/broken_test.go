package storetest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// TestSuiteFindsBrokenStores runs the suite on stores each of which breaks one promise. Each must fail the part of the
// suite that is named with it, so that every part is known to be able to fail.
func TestSuiteFindsBrokenStores(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	// In a process of its own, since these tests are to fail. Random reads find the best hidden fault after 20 histories
	// on average, but one time in a hundred only after more than the 100 that are usual.
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBrokenStores$", "-test.v", "-test.timeout=10m",
		"-rapid.checks=2000", "-rapid.nofailfile", "-rapid.shrinktime=1ms")
	cmd.Env = append(os.Environ(), brokenStores+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("the suite found no broken store")
	}
	for _, m := range mutants {
		for _, part := range strings.Fields(m.parts) {
			if !strings.Contains(string(out), "--- FAIL: TestBrokenStores/"+m.name+"/"+part+" ") {
				t.Errorf("%s: the store that %s passes", part, strings.ReplaceAll(m.name, "_", " "))
			}
		}
	}
	if t.Failed() {
		t.Logf("the end of its output:\n%s", out[max(0, len(out)-4000):])
	}
}

// brokenStores is the environment variable that turns TestBrokenStores on.
const brokenStores = "STORETEST_BROKEN_STORES"

// TestBrokenStores fails: it is run by TestSuiteFindsBrokenStores.
func TestBrokenStores(t *testing.T) {
	if os.Getenv(brokenStores) == "" {
		t.Skip("run by TestSuiteFindsBrokenStores")
	}
	patience = 200 * time.Millisecond
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for _, name := range strings.Fields(m.parts) {
				t.Run(name, func(t *testing.T) { partNamed(t, name)(t, m.open) })
			}
		})
	}
}

func partNamed(t *testing.T, name string) func(*testing.T, opener) {
	for _, parts := range [][]part{parts, sharedParts} {
		for _, part := range parts {
			if part.name == name {
				return part.test
			}
		}
	}
	t.Fatalf("there is no part %s", name)
	return nil
}

// A mutant is a store that breaks one promise.
type mutant struct {
	name  string // what the store does
	parts string // of the suite, which must each fail
	open  opener
}

// hooked is a transaction that asks or answers otherwise.
type hooked struct {
	sharing.UpdateTx
	hooks
}

// hooks change what a transaction is asked, what it answers, and what it writes; each may be nil.
type hooks struct {
	need       func(*sharing.Need)
	state      func(sharing.UpdateTx, sharing.Need, *sharing.State)
	accessOf   func(sharing.ImageID) sharing.ImageID
	access     func(sharing.AccountID, sharing.ImageID, *sharing.Trust)
	imageScan  func(*sharing.ImageScan)
	derived    func([]*sharing.ImageRecord) []*sharing.ImageRecord
	shareScan  func(*sharing.ShareScan)
	instScan   func(*sharing.InstanceScan)
	eventQuery func(*sharing.EventQuery)
	events     func([]sharing.Event)
	putImage   func(sharing.UpdateTx, sharing.ImageRecord) error
	putShares  func(sharing.UpdateTx, []sharing.Share) error
	unshare    func(sharing.UpdateTx, sharing.ImageID, []sharing.Grantee) error
	putInst    func(sharing.UpdateTx, sharing.InstanceRecord) error
	putTrust   func(sharing.UpdateTx, sharing.AccountID, sharing.Trust) error
	appendTo   func(sharing.UpdateTx, []sharing.Event) error
}

func (tx hooked) Load(need sharing.Need) (sharing.State, error) {
	if tx.need != nil {
		tx.need(&need)
	}
	state, err := tx.UpdateTx.Load(need)
	if tx.state != nil {
		tx.state(tx.UpdateTx, need, &state)
	}
	return state, err
}

func (tx hooked) Access(account sharing.AccountID, organizations []sharing.OrganizationID, image sharing.ImageID) (
	sharing.Access, sharing.Trust, error) {
	if tx.accessOf != nil {
		image = tx.accessOf(image)
	}
	access, trust, err := tx.UpdateTx.Access(account, organizations, image)
	if tx.access != nil {
		tx.access(account, image, &trust)
	}
	return access, trust, err
}

func (tx hooked) Images(scan sharing.ImageScan, each func(*sharing.Access)) error {
	if tx.imageScan != nil {
		tx.imageScan(&scan)
	}
	return tx.UpdateTx.Images(scan, each)
}

func (tx hooked) Derived(source, after sharing.ImageID, limit int) ([]*sharing.ImageRecord, error) {
	found, err := tx.UpdateTx.Derived(source, after, limit)
	if tx.derived != nil {
		found = tx.derived(found)
	}
	return found, err
}

func (tx hooked) Shares(scan sharing.ShareScan, each func(*sharing.SharedImage)) error {
	if tx.shareScan != nil {
		tx.shareScan(&scan)
	}
	return tx.UpdateTx.Shares(scan, each)
}

func (tx hooked) Instances(scan sharing.InstanceScan, each func(*sharing.InstanceRecord)) error {
	if tx.instScan != nil {
		tx.instScan(&scan)
	}
	return tx.UpdateTx.Instances(scan, each)
}

func (tx hooked) Events(q sharing.EventQuery) ([]sharing.Event, error) {
	if tx.eventQuery != nil {
		tx.eventQuery(&q)
	}
	found, err := tx.UpdateTx.Events(q)
	if tx.events != nil {
		tx.events(found)
	}
	return found, err
}

func (tx hooked) PutImage(rec sharing.ImageRecord) error {
	if tx.putImage != nil {
		return tx.putImage(tx.UpdateTx, rec)
	}
	return tx.UpdateTx.PutImage(rec)
}

func (tx hooked) PutShares(shares []sharing.Share) error {
	if tx.putShares != nil {
		return tx.putShares(tx.UpdateTx, shares)
	}
	return tx.UpdateTx.PutShares(shares)
}

func (tx hooked) DeleteShares(image sharing.ImageID, grantees []sharing.Grantee) error {
	if tx.unshare != nil {
		return tx.unshare(tx.UpdateTx, image, grantees)
	}
	return tx.UpdateTx.DeleteShares(image, grantees)
}

func (tx hooked) PutInstance(rec sharing.InstanceRecord) error {
	if tx.putInst != nil {
		return tx.putInst(tx.UpdateTx, rec)
	}
	return tx.UpdateTx.PutInstance(rec)
}

func (tx hooked) PutTrust(account sharing.AccountID, trust sharing.Trust) error {
	if tx.putTrust != nil {
		return tx.putTrust(tx.UpdateTx, account, trust)
	}
	return tx.UpdateTx.PutTrust(account, trust)
}

func (tx hooked) Append(events []sharing.Event) error {
	if tx.appendTo != nil {
		return tx.appendTo(tx.UpdateTx, events)
	}
	return tx.UpdateTx.Append(events)
}
