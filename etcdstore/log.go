package etcdstore

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"

	"github.com/imageshare/sharing"
)

// The event log has one entry for each commit. Its order is that of the revisions at which etcd made the
// commits, and every key knows its own. But etcd can't find keys by their revision without looking at all of
// them, and a commit does not know its revision before it is made. A number of its own for each commit would
// have to be compared, so that of all commits in the store that are under way at once one could be made.
//
// So the log has epochs, of some hundred commits each, and the key of an entry begins with that of the
// epoch. A commit takes the epoch from its snapshot, and is made only if by then the epoch has gone on by
// one at most: this can't fail but for a transaction that took so long that a whole epoch went by. Hence:
//
//   - An entry of an epoch has a greater revision than the epoch's beginning, which its key tells, and any that began before.
//   - After an entry in the log's order come only entries of the same epoch, later ones, and the one before.
//
// A page that goes on after a cursor is therefore read from the beginning of the epoch before the cursor's,
// in the order of the keys. What was read is sorted by revision, and is complete up to the beginning of the last epoch
// that was seen. So a page costs by its size and at most three epochs, whatever the size of the log.
//
// The indices by image, actor and operation have the same keys below another prefix.

// epochLength is after how many revisions of etcd the log's next epoch begins. It is more than
// the number of commits that are usually under way at once, so that no commit fails for it.
const epochLength = 128

// An epoch of the log: its number, and the revision of etcd at which it began.
type epoch struct{ number, start uint64 }

// before returns the key below prefix at which entries begin that may come after one of the epoch.
func (e epoch) before(prefix string) string {
	return prefix + string(binary.BigEndian.AppendUint64(nil, e.number-min(e.number, 1)))
}

// notLongAgo is the comparison that the epoch is the current one, or the one before, by the version of the epochs' key.
func (e epoch) notLongAgo(key string) *pb.Compare {
	return &pb.Compare{Key: []byte(key), Target: pb.Compare_VERSION, Result: pb.Compare_LESS, TargetUnion: &pb.Compare_Version{Version: int64(e.number) + 2}}
}

func (s *Store) epochSpan() span { return span{key: s.key(tableEpoch)} }

// epoch returns the epoch that was current at the snapshot. It is part of an update's first request.
func (tx *update) epoch() epoch {
	items := tx.keys[tx.epochSpan().key]
	if len(items) == 0 {
		return epoch{}
	}
	return epoch{uint64(items[0].Version), uint64(items[0].ModRevision)}
}

// nextEpoch begins the next epoch, unless another did.
func (s *Store) nextEpoch(current epoch) *pb.RequestOp {
	key := s.key(tableEpoch)
	return nested(&pb.TxnRequest{
		Compare: []*pb.Compare{writtenAt(key, int64(current.start))},
		Success: []*pb.RequestOp{set(key, nil)},
	})
}

// enterLog adds the entry of the log to the batch: one even if there are no events, since
// it tells that there was a commit.
func (b *batch) enterLog() error {
	current := b.epoch()
	if current.number == 0 {
		return fmt.Errorf("etcdstore: key %q is gone", b.key(tableEpoch))
	}
	at := place{epoch: current.number, start: current.start}
	rand.Read(at.name[:])
	text := at.text()
	for _, ev := range b.events {
		if ev.Image != "" {
			b.put(b.key(tableEvent, string(ev.Image)) + text)
		}
		b.put(b.key(tableActor, string(ev.Actor)) + text)
		b.put(b.key(tableOperation, ev.Operation) + text)
	}
	return b.putValue(b.key(tableLog)+text, &b.events)
}

// entry returns the events of the entry of the log at a place, with their cursors, and its
// revision; 0 if there is none.
func (tx *snapshot) entry(at string) (events []sharing.Event, revision int64, err error) {
	key := tx.key(tableLog) + at
	f := tx.read(span{key: key})
	if len(f.items) == 0 {
		return nil, 0, nil
	}
	if err := decode(f.items[0], &events); err != nil {
		return nil, 0, err
	}
	for i := range events {
		events[i].Cursor = cursorOf(at, i)
	}
	return events, f.items[0].ModRevision, nil
}

// A cursor is the place of an event's entry and its number therein.
func cursorOf(at string, i int) sharing.Cursor {
	return sharing.Cursor(base64.RawURLEncoding.EncodeToString(binary.AppendUvarint([]byte(at), uint64(i))))
}

// placeOfCursor returns what cursorOf made a cursor of.
func placeOfCursor(cursor sharing.Cursor) (at string, i int, err error) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(string(cursor))
	if err == nil && len(text) > placeSize {
		at = string(text[:placeSize])
		if n, size := binary.Uvarint(text[placeSize:]); size > 0 && n < math.MaxInt32 && cursorOf(at, int(n)) == cursor {
			return at, int(n), nil
		}
	}
	return "", 0, fmt.Errorf("%w: cursor %.64q is no position in this store's event log", sharing.ErrInvalid, string(cursor))
}

// operation returns the events of an operation.
func (tx *snapshot) operation(id string) ([]sharing.Event, error) {
	entries := slices.Clone(tx.read(under(tx.key(tableOperation, id), keysOnly)).items)
	slices.SortFunc(entries, byRevision)
	var found []sharing.Event
	for _, kv := range entries {
		at, err := placeOf(string(kv.Key))
		if err != nil {
			return nil, err
		}
		events, _, err := tx.entry(at.text())
		if err != nil {
			return nil, err
		}
		for _, ev := range events {
			if ev.Operation == id {
				found = append(found, ev)
			}
		}
	}
	return found, nil
}

func byRevision(a, b *mvccpb.KeyValue) int { return cmp.Compare(a.ModRevision, b.ModRevision) }
