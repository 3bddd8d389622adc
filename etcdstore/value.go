package etcdstore

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/packed"
)

// An imageValue is what is stored of an image. Its shares are those of the same generation: a deletion begins the next,
// and so ends all shares without touching them.
type imageValue struct {
	sharing.ImageRecord
	Generation int64
}

// generation returns the generation of the shares that count; 0 if img is nil.
func (img *imageValue) generation() int64 {
	if img == nil {
		return 0
	}
	return img.Generation
}

// An aboutValue is what changes with everything that hangs on an image. Whoever changes
// its record or its shares, or appends an event about it, writes it: a transaction that
// finds it unchanged at the commit finds all of these unchanged.
type aboutValue struct {
	Sequence int64
	// Shares counts the image's shares, expired ones too.
	Shares int
}

// A shareValue is what is stored of a share.
type shareValue struct {
	sharing.Share
	Generation int64
}

// An instanceValue is what is stored of an instance.
type instanceValue struct{ sharing.InstanceRecord }

// expiries are when the shares of an image expire that do, in no order.
type expiries []time.Time

// with returns ends and the end of one more share, if it has one.
func (ends expiries) with(end time.Time) expiries {
	if end.IsZero() {
		return ends
	}
	return append(ends, end)
}

// without returns ends less the end of one share, if it had one.
func (ends expiries) without(end time.Time) expiries {
	if i := slices.IndexFunc(ends, end.Equal); i >= 0 && !end.IsZero() {
		return slices.Delete(ends, i, i+1)
	}
	return ends
}

// by counts the shares that have expired at an instant.
func (ends expiries) by(at time.Time) int {
	n := 0
	for _, end := range ends {
		if !end.After(at) {
			n++
		}
	}
	return n
}

// A value is stored as one byte that says in which form, a checksum of its key and content, and the content.
const (
	formPacked  = 'p' // see packedValue
	formJSON    = 'j'
	formDeflate = 'z' // JSON, if it is large: etcd takes 1.5 MiB in one request
	headSize    = 1 + 4
	deflateFrom = 4 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(key, content []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, content)
}

// encode returns v, a pointer, as it is stored under key.
func encode(key string, v any) ([]byte, error) {
	value := make([]byte, headSize, 256)
	if p, ok := v.(packedValue); ok {
		w := packed.Writer(value)
		p.fields(w)
		value = w.Bytes()
		value[0] = formPacked
	} else {
		content, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("etcdstore: %q can't be encoded: %w", key, err)
		}
		value[0] = formJSON
		if len(content) >= deflateFrom {
			value[0] = formDeflate
			if content, err = deflate(content); err != nil {
				return nil, err
			}
		}
		value = append(value, content...)
	}
	binary.BigEndian.PutUint32(value[1:], checksum([]byte(key), value[headSize:]))
	return value, nil
}

func deflate(content []byte) ([]byte, error) {
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, flate.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return deflated.Bytes(), nil
}

// decode reads into v what is stored. What can't be read is an error that names the key (R27).
func decode(kv *mvccpb.KeyValue, v any) error {
	err := decodeValue(kv.Key, kv.Value, v)
	if err != nil {
		return fmt.Errorf("etcdstore: corrupt value of key %q: %w", kv.Key, err)
	}
	return nil
}

func decodeValue(key, value []byte, v any) error {
	if len(value) < headSize {
		return fmt.Errorf("it has %d bytes", len(value))
	}
	content := value[headSize:]
	if binary.BigEndian.Uint32(value[1:]) != checksum(key, content) {
		return fmt.Errorf("its checksum is wrong")
	}
	if p, ok := v.(packedValue); ok {
		if value[0] != formPacked {
			return fmt.Errorf("it has the unknown form %q", value[0])
		}
		r := packed.Reader(string(content))
		p.fields(r)
		return r.End()
	}
	switch value[0] {
	case formJSON:
	case formDeflate:
		var err error
		if content, err = io.ReadAll(flate.NewReader(bytes.NewReader(content))); err != nil {
			return err
		}
	default:
		return fmt.Errorf("it has the unknown form %q", value[0])
	}
	return json.Unmarshal(content, v)
}
