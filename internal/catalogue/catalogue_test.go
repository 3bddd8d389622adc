package catalogue

import (
	"bytes"
	"compress/gzip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestImages(t *testing.T) {
	images, err := Images()
	if err != nil {
		t.Fatal(err)
	}
	ids, releases, regions, architectures := map[any]bool{}, map[any]bool{}, map[any]bool{}, map[any]bool{}
	for _, img := range images {
		ids[img.ID], releases[img.Release], regions[img.Region], architectures[img.Architecture] = true, true, true, true
		if len(img.Digest) != len("sha256:")+64 {
			t.Fatalf("%s has the digest %q", img.ID, img.Digest)
		}
		if img.Stream() != "fedora-coreos-stable" {
			t.Fatalf("%s is of the stream %q", img.ID, img.Stream())
		}
	}
	got := []int{len(images), len(ids), len(releases), len(regions), len(architectures)}
	if want := []int{8342, 8342, 179, 34, 2}; !slices.Equal(got, want) {
		t.Errorf("images, IDs, releases, regions and architectures are %v, want %v", got, want)
	}
	byTime := func(a, b Image) int { return a.Published.Compare(b.Published) }
	if !slices.IsSortedFunc(images, byTime) {
		t.Error("the images are not in order of publication")
	}
	if first := images[0].Published; !first.Equal(time.Date(2020, 1, 10, 17, 38, 35, 0, time.UTC)) {
		t.Errorf("the first was published at %v", first)
	}
}

func TestMangledIsAnError(t *testing.T) {
	for name, text := range map[string]string{
		"no header":      "",
		"other columns":  "a,b\n",
		"missing fields": header + "\n2020-01-10T17:38:35Z,31\n",
		"no time":        header + "\nyesterday,31,f,x86_64,eu-1,ami-1,sha256:\n",
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			if _, err := z.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			if images, err := read(&b); err == nil {
				t.Errorf("read gave %v and no error", images)
			}
		})
	}
	if _, err := read(strings.NewReader("no gzip")); err == nil {
		t.Error("what is not compressed was read")
	}
}
