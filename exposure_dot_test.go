package sharing_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

func day(d int) time.Time { return time.Date(2026, 1, d, 12, 0, 0, 0, time.UTC) }

func dotOf(t *testing.T, x sharing.Exposure) string {
	t.Helper()
	var b strings.Builder
	if err := x.WriteDOT(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWriteDOT(t *testing.T) {
	for name, test := range map[string]struct {
		exposure sharing.Exposure
		has      []string
		hasNot   []string
	}{
		"nothing but the image": {
			exposure: sharing.Exposure{Image: "web"},
			has:      []string{`"image web" [label="web"`},
			hasNot:   []string{"->", "beyond"},
		},
		"made from it": {
			exposure: sharing.Exposure{Image: "web", Images: []sharing.ExposedImage{
				{Image: "copy", Owner: "acme", Source: "web"}, {Image: "capture", Owner: "bob", Source: "copy", Captured: true},
			}},
			has: []string{
				`"image copy" [label="copy\nowned by acme"]`, `"image web" -> "image copy" [label="copied", style=solid`,
				`"image copy" -> "image capture" [label="captured", style=solid`,
			},
		},
		"made from what is out of sight": {
			exposure: sharing.Exposure{Image: "web", Images: []sharing.ExposedImage{{Image: "far", Owner: "bob", Captured: true}},
				Beyond: sharing.Beyond{Images: 1, Accounts: 2, Shares: 3, Instances: 4}},
			has: []string{
				`beyond -> "image far" [label="captured", style=dashed`, `"image web" -> beyond`,
				`label="out of sight\n1 image, 3 shares\n2 accounts, 4 system disks"`,
			},
		},
		"one arrow from an image that was held twice": {
			exposure: sharing.Exposure{Image: "web", Holders: []sharing.Holder{{Grantee: "bob", Instances: 1, Captures: 2,
				Holdings: []sharing.Holding{{Image: "web", From: day(1), To: day(3)}, {Image: "web", From: day(5)}}}}},
			has: []string{
				`"holder bob" [shape=ellipse, style="filled,solid"`, `label="bob\n1 system disk, 2 captures"`,
				`"image web" -> "holder bob" [label="2026-01-01 to 2026-01-03\nsince 2026-01-05", style=solid`,
			},
		},
		"held no more": {
			exposure: sharing.Exposure{Image: "web", Holders: []sharing.Holder{{Grantee: "bob",
				Holdings: []sharing.Holding{{From: day(1), To: day(3)}}}}},
			has: []string{
				`"holder bob" [shape=ellipse, style="filled,dashed"`,
				`"image web" -> "holder bob" [label="a deleted image: 2026-01-01 to 2026-01-03", style=dashed`,
			},
		},
		"organisations and everyone are no accounts": {
			exposure: sharing.Exposure{Image: "web", Holders: []sharing.Holder{
				{Grantee: sharing.Everyone, Holdings: []sharing.Holding{{Image: "web", From: day(1)}}},
				{Grantee: "org:research", Holdings: []sharing.Holding{{Image: "web", From: day(1)}}},
			}},
			has: []string{`label="everyone"]`, `label="org:research"]`},
		},
		"not all was visited": {
			exposure: sharing.Exposure{Image: "web", Truncated: true},
			has:      []string{"and more images than could be visited"},
		},
		"what means something in the language is quoted": {
			exposure: sharing.Exposure{Image: `a"b\n&lt;`},
			has:      []string{`"image a\"b\\n&amp;lt;" [label="a\"b\\n&amp;lt;"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := dotOf(t, test.exposure)
			for _, text := range test.has {
				if !strings.Contains(got, text) {
					t.Errorf("%s is missing in\n%s", text, got)
				}
			}
			for _, text := range test.hasNot {
				if strings.Contains(got, text) {
					t.Errorf("%s should not be in\n%s", text, got)
				}
			}
		})
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestWriteDOT_FailsWithItsWriter(t *testing.T) {
	full := errors.New("the disk is full")
	if err := (sharing.Exposure{Image: "web"}).WriteDOT(failingWriter{full}); !errors.Is(err, full) {
		t.Errorf("WriteDOT: %v", err)
	}
}
