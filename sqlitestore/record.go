package sqlitestore

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/imageshare/sharing"
)

// encode returns a record as it is stored.
func encode(record any) (string, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return "", fmt.Errorf("sqlitestore: a value that can't be stored: %w", err)
	}
	return string(text), nil
}

// memoSize is how many bytes of stored text a generation of a memo is for.
const memoSize = 4 << 20

// A memo remembers what stored texts decode to, since decoding costs more than reading. The text that the database holds now is
// the key, all of it, so that nothing remembered can be out of date; what is decoded is never changed.
type memo[T any] struct {
	mu         sync.Mutex
	young, old map[string]*T
	size       int // of young
}

// decode returns the record that text stands for.
func (m *memo[T]) decode(text []byte) (*T, error) {
	m.mu.Lock()
	record, young := m.young[string(text)]
	if !young {
		record = m.old[string(text)]
	}
	m.mu.Unlock()
	if young {
		return record, nil
	}
	if record == nil {
		record = new(T)
		if err := json.Unmarshal(text, record); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.young == nil || m.size > memoSize {
		m.young, m.old, m.size = make(map[string]*T), m.young, 0
	}
	m.young[string(text)] = record
	m.size += len(text)
	return record, nil
}

// Whatever is not what was put there is corrupt, even if it can be decoded: a record has to be of its key,
// and a trust policy that trusts everyone is not stored.

func (s *Store) image(id string, text []byte) (*sharing.ImageRecord, error) {
	record, err := s.images.decode(text)
	if err == nil && string(record.ID) != id {
		err = fmt.Errorf("it is of the image %q", record.ID)
	}
	if err != nil {
		return nil, corrupt("images", id, err)
	}
	return record, nil
}

func (s *Store) instance(id string, text []byte) (*sharing.InstanceRecord, error) {
	record, err := s.instances.decode(text)
	if err == nil && string(record.ID) != id {
		err = fmt.Errorf("it is of the instance %q", record.ID)
	}
	if err != nil {
		return nil, corrupt("instances", id, err)
	}
	return record, nil
}

func (s *Store) trust(account string, text []byte) (*sharing.Trust, error) {
	trust, err := s.trusts.decode(text)
	if err == nil && len(trust.Owners) == 0 && !trust.Enforce {
		err = fmt.Errorf("it trusts everyone")
	}
	if err != nil {
		return nil, corrupt("trust", account, err)
	}
	return trust, nil
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
