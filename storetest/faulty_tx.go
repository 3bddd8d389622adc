package storetest

import "github.com/imageshare/sharing"

// calls counts the calls of one run of a closure, down to the one that fails.
type calls struct {
	left   int
	err    error
	failed bool
}

// begin begins a run.
func (c *calls) begin(fault *Fault) { *c = calls{left: fault.Call, err: fault.Err} }

// next counts a call, and returns an error if it is the one that fails.
func (c *calls) next() error {
	if c.left--; c.left == 0 {
		c.failed = true
		return c.err
	}
	return nil
}

// end ends the transaction, of which only the last run counts.
func (c *calls) end(f *FaultyStore, fault *Fault, err error) error {
	if c.failed {
		f.happen(fault)
	}
	return err
}

// A faultyView is a transaction of which one call fails.
type faultyView struct {
	sharing.ViewTx
	*calls
}

func (tx faultyView) Access(account sharing.AccountID, organizations []sharing.OrganizationID, image sharing.ImageID) (
	sharing.Access, sharing.Trust, error) {
	if err := tx.next(); err != nil {
		return sharing.Access{}, sharing.Trust{}, err
	}
	return tx.ViewTx.Access(account, organizations, image)
}

func (tx faultyView) Load(need sharing.Need) (sharing.State, error) {
	if err := tx.next(); err != nil {
		return sharing.State{}, err
	}
	return tx.ViewTx.Load(need)
}

func (tx faultyView) Images(scan sharing.ImageScan, each func(*sharing.Access)) error {
	if err := tx.next(); err != nil {
		return err
	}
	return tx.ViewTx.Images(scan, each)
}

func (tx faultyView) Derived(source, after sharing.ImageID, limit int) ([]*sharing.ImageRecord, error) {
	if err := tx.next(); err != nil {
		return nil, err
	}
	return tx.ViewTx.Derived(source, after, limit)
}

func (tx faultyView) Shares(scan sharing.ShareScan, each func(*sharing.SharedImage)) error {
	if err := tx.next(); err != nil {
		return err
	}
	return tx.ViewTx.Shares(scan, each)
}

func (tx faultyView) Instances(scan sharing.InstanceScan, each func(*sharing.InstanceRecord)) error {
	if err := tx.next(); err != nil {
		return err
	}
	return tx.ViewTx.Instances(scan, each)
}

func (tx faultyView) Events(q sharing.EventQuery) ([]sharing.Event, error) {
	if err := tx.next(); err != nil {
		return nil, err
	}
	return tx.ViewTx.Events(q)
}

// A faultyUpdate is a transaction of which one call fails, a read or a write.
type faultyUpdate struct {
	faultyView
	update sharing.UpdateTx
}

func (tx faultyUpdate) PutImage(rec sharing.ImageRecord) error {
	if err := tx.next(); err != nil {
		return err
	}
	return tx.update.PutImage(rec)
}

func (tx faultyUpdate) PutShares(shares []sharing.Share) error {
	if err := tx.next(); err != nil {
		return err
	}
	return tx.update.PutShares(shares)
}

func (tx faultyUpdate) DeleteShares(image sharing.ImageID, grantees []sharing.Grantee) error {
	if err := tx.next(); err != nil {
		return err
	}
	return tx.update.DeleteShares(image, grantees)
}

func (tx faultyUpdate) PutInstance(rec sharing.InstanceRecord) error {
	if err := tx.next(); err != nil {
		return err
	}
	return tx.update.PutInstance(rec)
}

func (tx faultyUpdate) PutTrust(account sharing.AccountID, trust sharing.Trust) error {
	if err := tx.next(); err != nil {
		return err
	}
	return tx.update.PutTrust(account, trust)
}

func (tx faultyUpdate) Append(events []sharing.Event) error {
	if err := tx.next(); err != nil {
		return err
	}
	return tx.update.Append(events)
}
