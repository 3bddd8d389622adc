package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/imageshare/sharing"
)

// A sweeper takes away the shares that a deletion ended, little by little, in the background: a deletion
// itself only begins another generation, at a cost that does not depend on the number of shares. What is
// not swept yet is in nobody's way: no share of an earlier generation is ever taken for one.
//
// Each store has one. Several on one cluster may sweep the same; what a store left unswept
// when it was closed, the next one finds.
type sweeper struct {
	woken chan struct{}
	stop  context.CancelFunc
	done  sync.WaitGroup
}

func (s *Store) startSweeper() {
	ctx, cancel := context.WithCancel(s.life)
	s.sweeper.stop = cancel
	s.sweeper.wake()
	s.sweeper.done.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-s.sweeper.woken:
				_ = s.sweep(ctx) // what it did not get to is left to the next time: it is in nobody's way
			}
		}
	})
}

func (s *Store) stopSweeper() {
	s.sweeper.stop()
	s.sweeper.done.Wait()
}

func (w *sweeper) wake() {
	select {
	case w.woken <- struct{}{}:
	default: // it is awake, or about to be
	}
}

// sweepBatch is how many shares are taken away at a time: each takes two operations and a comparison.
const sweepBatch = 40

// sweep takes away the shares of earlier generations of all images that have some. What it can't sweep of one image,
// for instance since a share is corrupt, keeps it from no other.
func (s *Store) sweep(ctx context.Context) (failed error) {
	walk := walk{view: &view{snapshot: snapshot{Store: s, ctx: ctx}}}
	walk.indices = []index{walk.index(tableEnded)}
	for {
		ids, err := walk.next(mostIDs)
		if err != nil || len(ids) == 0 {
			return errors.Join(failed, err)
		}
		for _, id := range ids {
			failed = errors.Join(failed, s.sweepImage(ctx, id))
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
}

// sweepImage takes away the shares of earlier generations of one image, and then the note that there are some.
func (s *Store) sweepImage(ctx context.Context, id string) error {
	shares, ended := s.key(tableShare, id), s.key(tableEnded, id)
	for from, more := shares, true; more; {
		tx := &view{snapshot: snapshot{Store: s, ctx: ctx}}
		sp := span{key: from, end: past(shares), limit: sweepBatch}
		var img *imageValue
		err := tx.assemble(func() (err error) {
			tx.read(sp)
			tx.read(span{key: ended})
			img, err = tx.image(sharing.ImageID(id))
			return err
		})
		if err == nil && img == nil {
			err = fmt.Errorf("etcdstore: key %q is there without its image", ended)
		}
		if err != nil {
			return err
		}
		found := tx.ranges[sp]
		var unchanged []*pb.Compare
		var removals []*pb.RequestOp
		for _, kv := range found.items {
			key := string(kv.Key)
			var share shareValue
			if err := decode(kv, &share); err != nil {
				return err
			}
			if from = past(key); share.Generation == img.Generation {
				continue
			}
			unchanged = append(unchanged, writtenAt(key, kv.ModRevision))
			removals = append(removals, unset(key), unset(s.key(tableGrantee, string(share.Grantee), id)))
		}
		if more = found.more; !more {
			for _, kv := range tx.keys[ended] {
				unchanged = append(unchanged, writtenAt(ended, kv.ModRevision))
				removals = append(removals, unset(ended))
			}
		}
		if len(removals) == 0 {
			continue
		}
		request, cancel := context.WithTimeout(ctx, requestTimeout)
		_, err = s.request(request, &pb.TxnRequest{Compare: unchanged, Success: removals}) // if not: another swept, or the image is back
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}
