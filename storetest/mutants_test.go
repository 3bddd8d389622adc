package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

func lower[T ~string](s *T) { *s = T(strings.ToLower(string(*s))) }

// mutants break one promise each.
var mutants = []mutant{
	{"folds_the_case_of_IDs", "Load", with(hooks{need: func(n *sharing.Need) { lower(&n.Image) }})},
	{"folds_the_case_of_owners", "Images", with(hooks{imageScan: func(s *sharing.ImageScan) { lower(&s.Query.Owner) }})},
	{"folds_the_case_of_events_images", "Events", with(hooks{eventQuery: func(q *sharing.EventQuery) { lower(&q.Image) }})},
	{"folds_accents", "Identifiers", with(hooks{need: func(n *sharing.Need) {
		n.Account = sharing.AccountID(strings.ReplaceAll(string(n.Account), "e\u0301", "é"))
	}})},
	{"reads_positions_up_to_a_zero_byte", "Identifiers", with(hooks{shareScan: func(s *sharing.ShareScan) {
		before, _, _ := strings.Cut(string(s.After.Image), "\x00")
		s.After.Image = sharing.ImageID(before)
	}})},
	{"trims_names", "Images", with(hooks{imageScan: func(s *sharing.ImageScan) { s.Query.Name = strings.TrimSpace(s.Query.Name) }})},
	{"joins_the_parts_of_keys", "Identifiers", with(hooks{state: joinedKeys})},
	{"ignores_After_of_images", "Images Random", with(hooks{imageScan: func(s *sharing.ImageScan) { s.After = "" }})},
	{"ignores_After_of_shares_of_a_grantee", "Shares", with(hooks{shareScan: func(s *sharing.ShareScan) {
		if s.Grantee != "" {
			s.After = sharing.ShareKey{}
		}
	}})},
	{"ignores_the_grantee_in_After", "Shares", with(hooks{shareScan: func(s *sharing.ShareScan) { s.After.Grantee = "" }})},
	{"ignores_After_of_instances", "Instances", with(hooks{instScan: func(s *sharing.InstanceScan) { s.After = "" }})},
	{"ignores_After_of_events", "Events Cursors", with(hooks{eventQuery: func(q *sharing.EventQuery) { q.After = "" }})},
	{"ignores_the_organizations", "Images", with(hooks{imageScan: func(s *sharing.ImageScan) { s.Organizations = nil }})},
	{"reads_one_organization", "Load Random", with(hooks{need: func(n *sharing.Need) { n.Organizations = n.Organizations[:min(1, len(n.Organizations))] }})},
	{"ignores_the_origin", "Images Random", with(hooks{imageScan: func(s *sharing.ImageScan) { s.Query.Origin = 0 }})},
	{"ignores_labels", "Images", with(hooks{imageScan: func(s *sharing.ImageScan) { s.Query.Labels = nil }})},
	{"ignores_labels_of_instances", "Instances", with(hooks{instScan: func(s *sharing.InstanceScan) { s.Query.Labels = nil }})},
	{"ignores_the_owner_of_shares", "Shares", with(hooks{shareScan: func(s *sharing.ShareScan) {
		if s.Grantee != "" {
			s.Owner = ""
		}
	}})},
	{"counts_expired_shares", "Load Random", with(hooks{need: func(n *sharing.Need) {
		if !n.PresentAt.IsZero() {
			n.PresentAt = time.Unix(-1000, 0)
		}
	}})},
	{"counts_shares_to_the_microsecond", "Load", with(hooks{need: func(n *sharing.Need) { n.PresentAt = n.PresentAt.Truncate(time.Microsecond) }})},
	{"keeps_times_to_the_microsecond", "Load Values", with(hooks{putShares: func(tx sharing.UpdateTx, shares []sharing.Share) error {
		shares = slices.Clone(shares)
		for i := range shares {
			shares[i].Expires = shares[i].Expires.Truncate(time.Microsecond)
		}
		return tx.PutShares(shares)
	}})},
	{"keeps_times_in_64_bits_of_nanoseconds", "Values", with(hooks{putInst: func(tx sharing.UpdateTx, rec sharing.InstanceRecord) error {
		rec.LaunchedAt = time.Unix(0, rec.LaunchedAt.UnixNano())
		return tx.PutInstance(rec)
	}})},
	{"forgets_the_sequence", "Load Faults", with(hooks{state: func(_ sharing.UpdateTx, _ sharing.Need, s *sharing.State) { s.Sequence = min(s.Sequence, 1) }})},
	{"gives_operations_backwards", "Load", with(hooks{state: func(_ sharing.UpdateTx, _ sharing.Need, s *sharing.State) { slices.Reverse(s.Operation) }})},
	{"finds_no_operation", "Load", with(hooks{state: func(_ sharing.UpdateTx, _ sharing.Need, s *sharing.State) { s.Operation = nil }})},
	{"drops_tombstones", "Load Tombstones", with(hooks{state: func(_ sharing.UpdateTx, _ sharing.Need, s *sharing.State) {
		if s.Image.Image != nil && !s.Image.Image.DeletedAt.IsZero() {
			s.Image.Image = nil
		}
	}})},
	{"derives_no_tombstones", "Derived Tombstones", with(hooks{derived: func(found []*sharing.ImageRecord) []*sharing.ImageRecord {
		return slices.DeleteFunc(found, func(rec *sharing.ImageRecord) bool { return !rec.DeletedAt.IsZero() })
	}})},
	{"keeps_the_shares_of_deleted_images", "Tombstones Shares Random", with(hooks{putImage: func(tx sharing.UpdateTx, rec sharing.ImageRecord) error {
		state, err := tx.Load(sharing.Need{Account: rec.Owner, Image: rec.ID, AllShares: true})
		return errors.Join(err, tx.PutImage(rec), putAnyShares(tx, state.Shares))
	}})},
	{"puts_shares_on_tombstones", "Tombstones", with(hooks{putShares: putAnyShares})},
	{"gives_all_shares_to_anyone", "Load Random", with(hooks{state: func(tx sharing.UpdateTx, n sharing.Need, s *sharing.State) {
		if img := s.Image.Image; n.AllShares && img != nil {
			all, _ := tx.Load(sharing.Need{Account: img.Owner, Image: img.ID, AllShares: true})
			s.Shares = all.Shares
		}
	}})},
	{"counts_shares_for_anyone", "Load Random", with(hooks{state: func(tx sharing.UpdateTx, n sharing.Need, s *sharing.State) {
		if img := s.Image.Image; !n.PresentAt.IsZero() && img != nil {
			all, _ := tx.Load(sharing.Need{Account: img.Owner, Image: img.ID, PresentAt: n.PresentAt})
			s.PresentShares = all.PresentShares
		}
	}})},
	{"cuts_identifiers_at_zero_bytes", "Identifiers", with(hooks{accessOf: func(id sharing.ImageID) sharing.ImageID {
		head, _, _ := strings.Cut(string(id), "\x00")
		return sharing.ImageID(head)
	}})},
	{"gives_short_pages", "Images", with(hooks{imageScan: func(scan *sharing.ImageScan) { scan.Limit = max(1, scan.Limit-1) }})},
	{"replaces_all_shares", "Writes Random", with(hooks{putShares: func(tx sharing.UpdateTx, shares []sharing.Share) error {
		if len(shares) == 0 {
			return nil
		}
		before, err := listShares(tx, sharing.ShareScan{Image: shares[0].Image, Limit: many})
		for _, s := range before {
			err = errors.Join(err, tx.DeleteShares(s.Image, []sharing.Grantee{s.Grantee}))
		}
		return errors.Join(err, tx.PutShares(shares))
	}})},
	{"finds_the_first_of_several_shares_alone", "Writes", func(*testing.T) []sharing.Store {
		var lost []sharing.Grantee // by grantee
		return []sharing.Store{hookedStore{newReference(), hooks{
			putShares: func(tx sharing.UpdateTx, shares []sharing.Share) error {
				for i, s := range shares {
					if i > 0 {
						lost = append(lost, s.Grantee)
					}
				}
				return tx.PutShares(shares)
			},
			shareScan: func(s *sharing.ShareScan) {
				if s.Image == "" && slices.Contains(lost, s.Grantee) {
					s.Image = "none"
				}
			},
		}}}
	}},
	{"loses_the_status_of_several_shares", "Writes", with(hooks{putShares: func(tx sharing.UpdateTx, shares []sharing.Share) error {
		shares = slices.Clone(shares)
		for i := range shares {
			if i > 0 {
				shares[i].Status = sharing.ShareAccepted
			}
		}
		return tx.PutShares(shares)
	}})},
	{"counts_events_for_the_sequence", "Load", with(hooks{state: func(tx sharing.UpdateTx, n sharing.Need, s *sharing.State) {
		if n.Image != "" {
			events, _ := tx.Events(sharing.EventQuery{Image: n.Image, Limit: many})
			s.Sequence = int64(len(events))
		}
	}})},
	{"takes_128_shares", "Values", with(hooks{putShares: func(tx sharing.UpdateTx, shares []sharing.Share) error {
		if len(shares) > 128 {
			return errors.New("too many operations")
		}
		return tx.PutShares(shares)
	}})},
	{"ends_no_shares", "Writes Shares Random", with(hooks{unshare: func(sharing.UpdateTx, sharing.ImageID, []sharing.Grantee) error { return nil }})},
	{"writes_an_instance_once", "Writes Instances Load", with(hooks{putInst: func(tx sharing.UpdateTx, rec sharing.InstanceRecord) error {
		state, err := tx.Load(sharing.Need{Instance: rec.ID})
		if err != nil || state.Instance != nil {
			return err
		}
		return tx.PutInstance(rec)
	}})},
	{"never_takes_trust_back", "Writes Random", with(hooks{putTrust: func(tx sharing.UpdateTx, account sharing.AccountID, trust sharing.Trust) error {
		state, err := tx.Load(sharing.Need{Account: account, Trust: true})
		trust.Enforce = trust.Enforce || state.Trust.Enforce
		return errors.Join(err, tx.PutTrust(account, trust))
	}})},
	{"loses_a_field_of_events", "Events", with(hooks{events: func(found []sharing.Event) {
		for i := range found {
			found[i].Untrusted = false
		}
	}})},
	{"takes_any_cursor", "Cursors", with(hooks{eventQuery: func(q *sharing.EventQuery) {
		if !strings.Contains(string(q.After), ".") {
			q.After = ""
		}
	}})},
	{"takes_the_cursors_of_another_log", "Cursors", func(*testing.T) []sharing.Store {
		r := newReference()
		r.name = "the same for all"
		return []sharing.Store{r}
	}},
	{"changes_what_it_returned", "Values", overwriting},
	{"keeps_what_it_says_is_fresh", "Values", func(*testing.T) []sharing.Store { return []sharing.Store{unfresh{newReference()}} }},
	{"commits_after_errors", "Transactions", withUpdate(func(r *reference, ctx context.Context, fn func(sharing.UpdateTx) error) (end error) {
		err := r.Update(ctx, func(tx sharing.UpdateTx) error { end = fn(tx); return nil })
		return errors.Join(end, err)
	})},
	{"wraps_errors", "Transactions", withUpdate(func(r *reference, ctx context.Context, fn func(sharing.UpdateTx) error) error {
		if err := r.Update(ctx, fn); err != nil {
			return fmt.Errorf("update: %w", err)
		}
		return nil
	})},
	{"commits_after_panics", "Transactions", withUpdate(func(r *reference, ctx context.Context, fn func(sharing.UpdateTx) error) error {
		return r.Update(ctx, func(tx sharing.UpdateTx) error {
			defer func() { _ = recover() }()
			return fn(tx)
		})
	})},
	{"stays_locked_after_panics", "Transactions", lockedForEver},
	{"ignores_contexts", "Contexts", withUpdate(func(r *reference, ctx context.Context, fn func(sharing.UpdateTx) error) error {
		return r.Update(context.WithoutCancel(ctx), fn)
	})},
	{"ignores_contexts_of_views", "Contexts", withView(func(r *reference, ctx context.Context, fn func(sharing.ViewTx) error) error {
		return r.View(context.WithoutCancel(ctx), fn)
	})},
	{"leaves_closures_behind", "Contexts", withView(func(r *reference, ctx context.Context, fn func(sharing.ViewTx) error) error {
		ended := make(chan error, 1)
		go func() { ended <- r.View(ctx, fn) }()
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	})},
	{"isolates_snapshots", "Serialisable Concurrency", withUpdate(snapshotIsolation)},
	{"reads_behind", "Concurrency Handles", lagging},
	{"reads_at_several_instants", "Serialisable", withView(func(r *reference, ctx context.Context, fn func(sharing.ViewTx) error) error {
		return fn(unlocked{&referenceTx{reference: r, ctx: ctx}})
	})},
	{"numbers_events_early", "Follower", numberedEarly},
	{"never_wakes", "Changed", withChanged(func(_ chan struct{}, ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})},
	{"never_gives_up_waiting", "Changed", withChanged(func(grown chan struct{}, _ context.Context) error {
		<-grown
		return nil
	})},
	{"leaves_goroutines_waiting", "Changed", withChanged(func(grown chan struct{}, ctx context.Context) error {
		woken := make(chan struct{})
		go func() { <-grown; close(woken) }()
		select {
		case <-woken:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})},
	{"lists_times_in_64_bits_of_nanoseconds", "Values", with(hooks{derived: func(found []*sharing.ImageRecord) []*sharing.ImageRecord {
		for _, rec := range found {
			rec.CreatedAt = time.Unix(0, rec.CreatedAt.UnixNano())
		}
		return found
	}})},
	{"gives_no_more_than_1000", "Values", with(hooks{imageScan: func(s *sharing.ImageScan) { s.Limit = min(s.Limit, 1000) }})},
	{"asks_for_100_organizations", "Values", with(hooks{need: func(n *sharing.Need) { n.Organizations = n.Organizations[:min(100, len(n.Organizations))] }})},
	{"keeps_the_time_of_a_share_that_expired", "Writes", with(hooks{putShares: func(tx sharing.UpdateTx, shares []sharing.Share) error {
		shares = slices.Clone(shares)
		for i, s := range shares {
			state, err := tx.Load(sharing.Need{Image: s.Image, Grantees: []sharing.Grantee{s.Grantee}})
			if err != nil {
				return err
			}
			if len(state.Shares) > 0 {
				shares[i].CreatedAt = state.Shares[0].CreatedAt
			}
		}
		return tx.PutShares(shares)
	}})},
	{"finds_no_shares_by_an_instance", "Load", with(hooks{state: func(_ sharing.UpdateTx, n sharing.Need, s *sharing.State) {
		if n.Image == "" {
			s.Shares = nil
		}
	}})},
	{"counts_by_the_clock_on_the_wall", "Load", with(hooks{need: func(n *sharing.Need) {
		at := n.PresentAt
		n.PresentAt = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
	}})},
	{"sorts_what_it_is_given", "Values", with(hooks{need: func(n *sharing.Need) { slices.Sort(n.Grantees) }})},
	{"orders_events_by_time", "Events Cursors", with(hooks{events: func(found []sharing.Event) {
		slices.SortStableFunc(found, func(a, b sharing.Event) int { return a.At.Compare(b.At) })
	}})},
	{"takes_a_cursor_in_another_form", "Cursors", with(hooks{eventQuery: func(q *sharing.EventQuery) {
		q.After = sharing.Cursor(strings.TrimPrefix(string(q.After), "+"))
	}})},
	{"reads_otherwise_when_it_writes", "Load Random", withUpdate(func(r *reference, ctx context.Context, fn func(sharing.UpdateTx) error) error {
		return r.Update(ctx, func(tx sharing.UpdateTx) error {
			return fn(hooked{tx, hooks{need: func(n *sharing.Need) { n.Trust = false }}})
		})
	})},
	{"takes_a_closures_conflict_for_its_own", "Transactions", withUpdate(func(r *reference, ctx context.Context, fn func(sharing.UpdateTx) error) error {
		err := r.Update(ctx, fn)
		if errors.Is(err, sharing.ErrConflict) {
			return fmt.Errorf("gave up: %w", err)
		}
		return err
	})},
	{"reuses_its_memory", "Values", reusing},
	{"remembers_what_it_answered", "Writes", remembering},
	{"shows_what_is_not_committed", "Serialisable", withUpdate(uncommitted)},
	{"reads_events_at_another_instant", "Serialisable", partlyLive(func(tx *liveTx) { tx.events = true })},
	{"waits_from_another_instant", "Changed", partlyLive(func(tx *liveTx) { tx.changed = true })},
	{"wakes_before_the_commit", "Changed", waking(func(sharing.Event) bool { return true }, true)},
	{"wakes_for_images_alone", "Changed", waking(func(ev sharing.Event) bool { return ev.Image != "" }, false)},
	{"keeps_handles_apart", "Handles", apart},
	{"wakes_its_own_handle_alone", "Changed", deaf},
}

// joinedKeys counts images by owner and region put one after the other.
func joinedKeys(tx sharing.UpdateTx, need sharing.Need, state *sharing.State) {
	images, _ := listImages(tx, sharing.ImageScan{Limit: many})
	for _, img := range images {
		if img.Image.Owner != need.Account && string(img.Image.Owner)+string(img.Image.Region) == string(need.Account)+string(need.ImagesIn) {
			state.ImagesOwned++
		}
	}
}

// putAnyShares stores shares whatever their image is.
func putAnyShares(tx sharing.UpdateTx, shares []sharing.Share) error {
	to := tx.(*referenceTx)
	return to.write(func() {
		for _, s := range shares {
			to.shares[sharing.ShareKey{Image: s.Image, Grantee: s.Grantee}] = s
		}
	})
}

// unlocked takes the lock for each Load alone.
type unlocked struct{ *referenceTx }

func (tx unlocked) Load(need sharing.Need) (sharing.State, error) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.referenceTx.Load(need)
}
