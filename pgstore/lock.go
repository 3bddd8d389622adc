package pgstore

import (
	"cmp"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/imageshare/sharing"
)

// A lock is a thing that decisions depend on, whether it exists or not, and that one transaction at a time may change.
//
// Transactions that write keep strict two-phase locking: before they read or write a thing they lock it, and they hold all
// locks until they have ended. So each runs as if it were alone, in the order in which they commit. The locks are advisory:
// they cost no writes, and hold for things that do not exist yet.
// All take them in the same order, that of the kinds and then of the IDs, as far as they know in time what they will need.
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

func (l lock) key() string { return lockPrefix + lockNames[l.kind] + l.id }

// lockPrefix keeps the store's advisory locks from those of others in the same database.
const lockPrefix = "sharing "

// modes say of locks whether they are exclusive.
type modes map[lock]bool

// add adds a lock; one that is shared and exclusive is exclusive.
func (m modes) add(l lock, exclusive bool) { m[l] = m[l] || exclusive }

// covers reports whether m has the lock in that mode or a stronger one.
func (m modes) covers(l lock, exclusive bool) bool {
	held, ok := m[l]
	return ok && (held || !exclusive)
}

// sorted returns the locks of the kinds from first to last, in their order.
func (m modes) sorted(first, last lockKind) []lock {
	var locks []lock
	for l := range m {
		if l.kind >= first && l.kind <= last {
			locks = append(locks, l)
		}
	}
	slices.SortFunc(locks, func(a, b lock) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.id, b.id)) })
	return locks
}

// queue adds a statement to the batch that takes the locks of these kinds one after the other.
func (m modes) queue(batch *pgx.Batch, first, last lockKind) {
	locks := m.sorted(first, last)
	if len(locks) == 0 {
		return
	}
	keys := make([]string, len(locks))
	exclusive := make([]bool, len(locks))
	for i, l := range locks {
		keys[i], exclusive[i] = l.key(), m[l]
	}
	batch.Queue(lockSQL, keys, exclusive)
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
