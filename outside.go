package sharing

import (
	"context"
	"fmt"
)

// A Directory tells which organisations an account is in (R19). The engine asks it outside of transactions, in every
// call whose answer depends on it, and remembers nothing between calls. A Directory must be safe for concurrent use. The call's error wraps the directory's,
// which should therefore wrap no error of this package: a caller would take it for the engine's own.
type Directory interface {
	// Organizations returns the organisations of account, in any order, and none for an account that it does not know.
	// An error ends the call that needed the answer. If only what an image refers to depends on the answer, its source
	// or its replacement, the reference is left out instead, and [Engine.Exposure] counts the image and does not name it.
	Organizations(ctx context.Context, account AccountID) ([]OrganizationID, error)
}

// outside holds what a call has learnt from outside the store: from the embedder's directory and grantee check (R19).
// They are asked between transactions, never within one, so that a slow answer holds up nobody else. A decision that
// lacks an answer ends with a *question; it is made again once the question is answered.
type outside struct {
	needsDirectory bool // there is a directory that was not asked yet
	organizations  []OrganizationID
	directoryErr   error

	needsCheck bool // there is a grantee check
	checked    map[Grantee]error
}

// nothingKnown returns what a new call knows from outside the store: nothing.
func (e *Engine) nothingKnown() outside {
	return outside{needsDirectory: e.directory != nil, needsCheck: e.granteeCheck != nil}
}

// A question is the error of a decision that lacks an answer from outside.
type question struct {
	organizations bool
	image         *ImageRecord
	shares        []Share // to be made, with grantees to be checked
}

func (*question) Error() string { return "an answer from outside the store is needed" }

// organizationsKnown returns an error unless it is known which organisations the actor is in.
func (o *outside) organizationsKnown() error {
	if o.needsDirectory {
		return &question{organizations: true}
	}
	return o.directoryErr
}

// granteesChecked returns the first grantee of the shares to be made that the check refused, if any, and why. It
// returns an error as long as some answers are missing.
func (o *outside) granteesChecked(img *ImageRecord, added []Share) (refused Grantee, why, err error) {
	if !o.needsCheck {
		return "", nil, nil
	}
	for _, share := range added {
		why, known := o.checked[share.Grantee]
		if !known {
			return "", nil, &question{image: img, shares: added}
		}
		if why != nil {
			return share.Grantee, why, nil
		}
	}
	return "", nil, nil
}

// answer puts the question q to the outside, and notes the answer in o.
func (e *Engine) answer(ctx context.Context, actor AccountID, q *question, o *outside) {
	if q.organizations {
		o.organizations, o.directoryErr = e.organizationsOf(ctx, actor)
		o.needsDirectory = false
		return
	}
	if o.checked == nil {
		o.checked = make(map[Grantee]error)
	}
	for _, share := range q.shares {
		g := share.Grantee
		if _, ok := o.checked[g]; ok {
			continue
		}
		o.checked[g] = e.granteeCheck(ctx, q.image.Owner, q.image.Image.clone(), g)
		if o.checked[g] != nil {
			return // the call is refused for this: there is no need to ask about the others
		}
	}
}

// organizationsOf asks the directory, which must exist. A malformed answer is an error, never a permission (R27).
func (e *Engine) organizationsOf(ctx context.Context, account AccountID) ([]OrganizationID, error) {
	ids, err := e.directory.Organizations(ctx, account)
	if err == nil {
		for _, id := range ids {
			if err = id.Validate(); err != nil {
				err = fmt.Errorf("it answered with an unusable ID: %v", err)
				break
			}
		}
	}
	if err != nil {
		e.logger.WarnContext(ctx, "sharing: the directory failed", "account", account, "error", err)
		return nil, fmt.Errorf("the directory failed for %s: %w", account, err)
	}
	return ids, nil
}
