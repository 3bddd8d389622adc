package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/examples/internal/golden"
)

// TestRun draws the picture of the documentation. It shows what Acme sees, and what it doesn't see in number only.
func TestRun(t *testing.T) {
	var svg bytes.Buffer
	if err := run(&svg); err != nil {
		t.Fatal(err)
	}
	text := textOf(t, svg.Bytes())
	for _, shown := range []string{"linux-base", "linux-base-us", "bob-web", "dave-shop", "bob", "carol", "out of sight", "1 image, 4 shares"} {
		if !strings.Contains(text, shown+"\n") {
			t.Errorf("%q is not in the picture", shown)
		}
	}
	if strings.Contains(text, "carol-secret") {
		t.Error("the picture shows an image that its reader does not see")
	}
	golden.Check(t, "../../docs/exposure.svg", svg.String())
}

// textOf returns the texts of a picture, a line each.
func textOf(t *testing.T, svg []byte) string {
	t.Helper()
	var b strings.Builder
	inText := false
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			inText = token.Name.Local == "text"
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				b.WriteString(string(token) + "\n")
			}
		}
	}
}

// Whatever identifiers hold, the graph can be read.
func TestDraw_AwkwardNames(t *testing.T) {
	for _, name := range []string{`a"b`, `a\`, `a\N`, "a&amp;b", "a<b>", "]->;", "größe"} {
		p, err := newPlatform(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.register("acme", name); err != nil {
			t.Fatal(err)
		}
		exposure, err := p.Exposure(t.Context(), "acme", sharing.ImageID(name))
		if err != nil {
			t.Fatal(err)
		}
		var dot, svg bytes.Buffer
		if err := exposure.WriteDOT(&dot); err != nil {
			t.Fatal(err)
		}
		if err := draw(t.Context(), dot.Bytes(), &svg); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, dot.String())
		}
		if text := textOf(t, svg.Bytes()); !strings.Contains(text, "\n"+name+"\n") {
			t.Errorf("%s is not in the picture, but %s", name, text)
		}
	}
}
