package etcdstore

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Prefix begins every key of a store. Nothing else may be under it.
const Prefix = "imageshare/"

// The tables. A key is the prefix, a table's name and '/', and the parts that stand here,
// each escaped and terminated, so that no two keys meet and the order of the keys is that
// of the parts. Where no value is named, it is empty: the key says it all.
const (
	tableSchema = "schema" // the number of the layout
	tableEpoch  = "epoch"  // its version is the number of the log's epoch, its revision the epoch's beginning
	tableFence  = "fence"  // bucket: written by a lookup that found no operation, to stop one that is still under way

	tableImage    = "image"    // image: imageValue
	tableAbout    = "about"    // image: aboutValue; written by every change of what hangs on the image
	tableShare    = "share"    // image, grantee: shareValue
	tableExpiring = "expiring" // image: expiries of its shares, if any expires
	tableGrantee  = "grantee"  // grantee, image: for each share
	tableOwner    = "owner"    // account, image: for each image that is not deleted
	tableRegion   = "region"   // account, region, image: the same, to be counted
	tableRegions  = "regions"  // account, region: written when that count changes
	tableFamily   = "family"   // account, family, image
	tableSource   = "source"   // image, image: for each image made from the first, tombstones too
	tableEnded    = "ended"    // image: its shares were ended by its deletion and are yet to be swept away

	tableInstance = "instance" // instance: instanceValue
	tableHas      = "has"      // account, instance: for each instance that is not terminated
	tableFrom     = "from"     // image, instance: the same
	tableUses     = "uses"     // account, image, instance: the same, to be counted
	tableUsed     = "used"     // account, image: written when that count changes
	tableTrust    = "trust"    // account: sharing.Trust

	tableLog       = "log"       // place: the events of one commit
	tableEvent     = "event"     // image, place
	tableActor     = "actor"     // account, place
	tableOperation = "operation" // operation, place
)

const (
	terminator = "\x00\x01"
	escapedNul = "\x00\xff"
)

// key returns the key of parts in a table. It is the prefix of all keys with these parts and more.
func (s *Store) key(table string, parts ...string) string {
	n := len(s.prefix) + len(table) + 1
	for _, part := range parts {
		n += len(part) + len(terminator)
	}
	var b strings.Builder
	b.Grow(n)
	b.WriteString(s.prefix)
	b.WriteString(table)
	b.WriteByte('/')
	for _, part := range parts {
		b.WriteString(escape(part))
		b.WriteString(terminator)
	}
	return b.String()
}

// escape returns part so that it can be followed by the terminator, and keeps its place in the order.
func escape(part string) string {
	if strings.IndexByte(part, 0) < 0 {
		return part
	}
	return strings.ReplaceAll(part, "\x00", escapedNul)
}

// lastPart returns the last of the n parts that a key of a table has.
func (s *Store) lastPart(table string, n int, key string) (string, error) {
	parts, ok := strings.CutPrefix(key, s.prefix+table+"/")
	parts, ended := strings.CutSuffix(parts, terminator)
	if !ok || !ended || strings.Count(parts, terminator) != n-1 { // an escaped nul is never followed by the terminator's second byte
		return "", fmt.Errorf("etcdstore: corrupt key %q", key)
	}
	last := parts
	if n > 1 {
		last = parts[strings.LastIndex(parts, terminator)+len(terminator):]
	}
	return strings.ReplaceAll(last, escapedNul, "\x00"), nil
}

// past returns the first key after all those that begin with key.
func past(key string) string {
	last := len(key) - 1
	return key[:last] + string(key[last]+1) // the last byte is '/' or that of a terminator
}

// A place is where a commit's events stand in the log: in an epoch, which began at a
// revision, under a name drawn at random. Within an epoch the order is that of the
// revisions at which the entries were written, not that of the keys: see log.go.
type place struct {
	epoch, start uint64
	name         [10]byte
}

const placeSize = 8 + 8 + 10

// text returns the place as it ends keys: so that they are ordered by epoch.
func (p place) text() string {
	text := make([]byte, 0, placeSize)
	text = binary.BigEndian.AppendUint64(text, p.epoch)
	text = binary.BigEndian.AppendUint64(text, p.start)
	return string(append(text, p.name[:]...))
}

// placeOf reads the place at the end of a key.
func placeOf(key string) (p place, err error) {
	if len(key) < placeSize {
		return p, fmt.Errorf("etcdstore: corrupt key %q", key)
	}
	text := []byte(key[len(key)-placeSize:])
	p.epoch = binary.BigEndian.Uint64(text)
	p.start = binary.BigEndian.Uint64(text[8:])
	copy(p.name[:], text[16:])
	return p, nil
}
