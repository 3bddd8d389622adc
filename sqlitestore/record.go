package sqlitestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/packed"
)

// A record of an image, an instance or a trust policy is stored as a byte that says in which layout, a checksum, and
// its fields: decisions and listings read it, and JSON took longer to decode than all that SQLite does for a row.
const (
	layout   = 1
	headSize = 1 + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode returns a record as it is stored. pass passes its fields.
func encode[T any](pass func(*packed.Codec, *T), record *T) []byte {
	w := packed.Writer(make([]byte, headSize, 256))
	pass(w, record)
	data := w.Bytes()
	data[0] = layout
	binary.BigEndian.PutUint32(data[1:], crc32.Checksum(data[headSize:], castagnoli))
	return data
}

// fieldsOf returns what stands behind the head of data, if it is what was stored.
func fieldsOf(data []byte) ([]byte, error) {
	switch {
	case len(data) < headSize:
		return nil, fmt.Errorf("it has %d bytes", len(data))
	case data[0] != layout:
		return nil, fmt.Errorf("it has the unknown layout %d", data[0])
	case binary.BigEndian.Uint32(data[1:]) != crc32.Checksum(data[headSize:], castagnoli):
		return nil, errors.New("its checksum is wrong")
	}
	return data[headSize:], nil
}

// Whatever is not what was put there is corrupt, even if it can be decoded: a record has to be of its key, and a
// trust policy that trusts everyone is not stored. Each kind names the function that passes its fields, as encode
// need not: a codec that is given to a function value escapes, an allocation for every record that is read.

func decodeImage(id, data []byte, record *sharing.ImageRecord) error {
	fields, err := fieldsOf(data)
	r := packed.Reader(string(fields))
	if packed.Image(r, record); err == nil {
		err = r.End()
	}
	if err == nil && string(record.ID) != string(id) {
		err = fmt.Errorf("it is of the image %q", record.ID)
	}
	if err != nil {
		return corrupt("images", string(id), err)
	}
	return nil
}

func decodeInstance(id, data []byte, record *sharing.InstanceRecord) error {
	fields, err := fieldsOf(data)
	r := packed.Reader(string(fields))
	if packed.Instance(r, record); err == nil {
		err = r.End()
	}
	if err == nil && string(record.ID) != string(id) {
		err = fmt.Errorf("it is of the instance %q", record.ID)
	}
	if err != nil {
		return corrupt("instances", string(id), err)
	}
	return nil
}

func decodeTrust(account string, data []byte) (sharing.Trust, error) {
	fields, err := fieldsOf(data)
	r, trust := packed.Reader(string(fields)), new(sharing.Trust)
	if packed.Trust(r, trust); err == nil {
		err = r.End()
	}
	if err == nil && len(trust.Owners) == 0 && !trust.Enforce {
		err = errors.New("it trusts everyone")
	}
	if err != nil {
		return sharing.Trust{}, corrupt("trust", account, err)
	}
	return *trust, nil
}

// timeSize is the length of a stored time.
const timeSize = 12

// encodeTime returns t in bytes that sort as times do; the zero time, which stands for never, is after all.
func encodeTime(t time.Time) []byte {
	if t.IsZero() {
		return []byte{0xff}
	}
	b := make([]byte, 0, timeSize)
	b = binary.BigEndian.AppendUint64(b, uint64(t.Unix())^1<<63)
	return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
}

func decodeTime(b []byte) (time.Time, error) {
	if len(b) == 1 && b[0] == 0xff {
		return time.Time{}, nil
	}
	if len(b) != timeSize {
		return time.Time{}, fmt.Errorf("a time of %d bytes", len(b))
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b)^1<<63), int64(binary.BigEndian.Uint32(b[8:]))).UTC(), nil
}
