package pgstore

import (
	"cmp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/imageshare/sharing"
)

// A lock is a thing that decisions depend on, whether it exists or not, and that one transaction at a time may change.
//
// Transactions that write keep strict two-phase locking: before they read or write a thing they lock it, and
// they hold all locks until they have ended. So each runs as if it were alone, in the order in which they
// commit. The locks are advisory: they cost no writes, and hold for things that do not exist yet. All take them
// in the same order, that of the kinds and then of the IDs, as far as they know in time what they will need.
type lock struct {
	kind lockKind
	id   string
}

type lockKind byte

const (
	instanceLock  lockKind = iota // an instance's record
	imageLock                     // an image's record, shares, and the sequence of its events
	trustLock                     // an account's trust policy
	machinesLock                  // how many instances an account has of which image: who changes that shares it, who counts has it alone
	quotaLock                     // how many images an account owns: likewise
	operationLock                 // the events of an operation
	fenceLock                     // that the transaction has not ended (R26)
)

// lockNames tell the kinds apart in the keys of the locks.
var lockNames = [...]string{"instance ", "image ", "trust ", "machines ", "quota ", "operation ", "fence "}

func (l lock) compare(other lock) int {
	if l.kind != other.kind {
		return cmp.Compare(l.kind, other.kind)
	}
	return strings.Compare(l.id, other.id)
}

func (l lock) key() string { return lockPrefix + lockNames[l.kind] + l.id }

// lockPrefix keeps the store's advisory locks from those of others in the same database.
const lockPrefix = "sharing "

// modes are locks, each exclusive or shared: few, of which a list is made and sorted in
// less time and memory than a map.
type modes []mode

type mode struct {
	lock
	exclusive bool
}

// add adds a lock. One that is shared and exclusive is exclusive.
func (m *modes) add(l lock, exclusive bool) {
	if last := len(*m) - 1; last >= 0 && (*m)[last].lock == l { // so with many shares of one image
		exclusive = exclusive || (*m)[last].exclusive
		*m = (*m)[:last]
	}
	*m = append(*m, mode{l, exclusive})
}

// sort brings the locks into their order, each once.
func (m *modes) sort() {
	slices.SortFunc(*m, func(a, b mode) int { return a.compare(b.lock) })
	all := *m
	*m = all[:0]
	for _, l := range all {
		m.add(l.lock, l.exclusive)
	}
}

// find returns where a lock is, in sorted ones, or would be.
func (m modes) find(l lock) (int, bool) {
	return slices.BinarySearchFunc(m, l, func(a mode, l lock) int { return a.compare(l) })
}

// queue adds a statement to the batch that takes the locks of the kinds from first to last
// one after the other, in their order.
func (m modes) queue(batch *pgx.Batch, first, last lockKind) {
	keys, exclusive := make([]string, 0, len(m)), make([]bool, 0, len(m))
	for _, l := range m {
		if l.kind >= first && l.kind <= last {
			keys, exclusive = append(keys, l.key()), append(exclusive, l.exclusive)
		}
	}
	if len(keys) > 0 {
		batch.Queue(lockSQL, keys, exclusive)
	}
}

// Row by row: a function in FROM would first make all rows.
const lockSQL = `SELECT CASE WHEN exclusive
	THEN pg_advisory_xact_lock(hashtextextended(key, 0)) IS NULL
	ELSE pg_advisory_xact_lock_shared(hashtextextended(key, 0)) IS NULL END
	FROM (SELECT unnest($1::text[]) AS key, unnest($2::boolean[]) AS exclusive) AS locks`

// queueImageOf adds a statement to the batch that locks the image that the instance's system disk is made from.
func queueImageOf(batch *pgx.Batch, instance sharing.InstanceID, exclusive bool) {
	sql := `SELECT pg_advisory_xact_lock_shared(hashtextextended($1 || image, 0)) IS NULL FROM sharing.instances WHERE id = $2`
	if exclusive {
		sql = `SELECT pg_advisory_xact_lock(hashtextextended($1 || image, 0)) IS NULL FROM sharing.instances WHERE id = $2`
	}
	batch.Queue(sql, lockPrefix+lockNames[imageLock], string(instance))
}
