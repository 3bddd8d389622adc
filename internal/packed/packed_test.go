package packed_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/packed"
)

// filled returns a T of which no field is zero, so that a field that is not passed is missed.
func filled[T any](t *testing.T) *T {
	t.Helper()
	v := new(T)
	fill(t, reflect.ValueOf(v).Elem())
	return v
}

func fill(t *testing.T, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(1969, 12, 31, 1, 2, 3, 456, time.UTC)))
		return
	case map[string]string:
		v.Set(reflect.ValueOf(map[string]string{"": "x", "key\x00": "\xff", "k": ""}))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(1)) // the first stays empty
	case reflect.String:
		v.SetString(v.Type().Name() + " \x00\xff" + strings.Repeat("long", 100))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(-1 << 63)
	case reflect.Uint8:
		v.SetUint(255)
	default:
		t.Fatalf("fill does not know a %v", v.Type())
	}
}

// testForm writes and reads a record that has all fields, and one that has none; and reads what was cut off or has bytes too many.
func testForm[T any](t *testing.T, pass func(*packed.Codec, *T)) {
	for _, record := range []*T{filled[T](t), new(T)} {
		w := packed.Writer([]byte("head"))
		pass(w, record)
		data, head := strings.CutPrefix(string(w.Bytes()), "head")
		if !head {
			t.Fatal("a writer should append")
		}
		read := func(data string) (*T, error) {
			r, got := packed.Reader(string(data)), new(T)
			pass(r, got)
			return got, r.End()
		}
		got, err := read(data)
		if diff := cmp.Diff(record, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		for n := range data {
			if _, err := read(data[:n]); err == nil {
				t.Errorf("what is cut off after %d of %d bytes can be read", n, len(data))
			}
		}
		if _, err := read(data + "\x00"); err == nil {
			t.Error("what has a byte too many can be read")
		}
	}
}

func TestForms(t *testing.T) {
	t.Run("Image", func(t *testing.T) { testForm(t, packed.Image) })
	t.Run("Instance", func(t *testing.T) { testForm(t, packed.Instance) })
	t.Run("Trust", func(t *testing.T) { testForm(t, packed.Trust) })
	t.Run("Share", func(t *testing.T) { testForm(t, packed.Share) })
	t.Run("Event", func(t *testing.T) {
		testForm(t, func(c *packed.Codec, v *sharing.Event) {
			if packed.Event(c, v); !c.Reading() {
				v.Cursor = "" // which is the log's to tell
			}
		})
	})
}

// FuzzImage reads anything: what can be read is written as something that reads the same.
func FuzzImage(f *testing.F) {
	w := packed.Writer(nil)
	packed.Image(w, &sharing.ImageRecord{Image: sharing.Image{ID: "img", Labels: map[string]string{"a": "b"}, Deprecation: new(sharing.Deprecation)}})
	f.Add(w.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		r, record := packed.Reader(string(data)), new(sharing.ImageRecord)
		packed.Image(r, record)
		if r.End() != nil {
			return
		}
		w, again := packed.Writer(nil), new(sharing.ImageRecord)
		packed.Image(w, record)
		r = packed.Reader(string(w.Bytes()))
		packed.Image(r, again)
		if err := r.End(); err != nil || !cmp.Equal(record, again) {
			t.Errorf("%v\n%s", err, cmp.Diff(record, again))
		}
	})
}

func BenchmarkReadImage(b *testing.B) {
	w := packed.Writer(nil)
	packed.Image(w, &sharing.ImageRecord{Image: sharing.Image{ID: "3yq2l5nfhwqjzkxv7d4m6a8tpe", Owner: "owner", Region: "eu", CreatedAt: time.Unix(1, 0),
		Name: "web server", Family: "web", Architecture: "x86_64", Size: 1 << 33, Labels: map[string]string{"tier": "web"},
		Digest: "sha256:" + strings.Repeat("0", 64)}})
	b.ReportAllocs()
	for b.Loop() {
		r := packed.Reader(string(w.Bytes()))
		packed.Image(r, new(sharing.ImageRecord))
		if err := r.End(); err != nil {
			b.Fatal(err)
		}
	}
}
