// Package catalogue provides real input for the examples: every image that Fedora CoreOS published on its stable stream
// in six years. README.md says where the data comes from.
package catalogue

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/imageshare/sharing"
)

//go:embed fedora-coreos-stable.csv.gz
var compressed []byte

// An Image is one row of the catalogue: an image of one release, in one region, for one architecture.
type Image struct {
	ID           sharing.ImageID
	Published    time.Time
	Release      string
	Family       string
	Architecture string
	Region       sharing.Region
	Digest       string // "sha256:…"
}

// Stream is the family without its architecture: what a customer asks for when naming the architecture separately.
func (img Image) Stream() string { return strings.TrimSuffix(img.Family, "-arm64") }

// header are the columns that read relies on.
const header = "published,release,family,architecture,region,image,digest"

// Images returns the catalogue in order of publication.
func Images() ([]Image, error) {
	images, err := read(bytes.NewReader(compressed))
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return images, nil
}

func read(compressed io.Reader) ([]Image, error) {
	plain, err := gzip.NewReader(compressed)
	if err != nil {
		return nil, err
	}
	rows := csv.NewReader(plain)
	columns, err := rows.Read()
	if err != nil {
		return nil, err
	}
	if got := strings.Join(columns, ","); got != header {
		return nil, fmt.Errorf("the columns are %s, not %s", got, header)
	}
	var images []Image
	for {
		row, err := rows.Read() // as many fields as the header has
		if errors.Is(err, io.EOF) {
			return images, nil
		}
		if err != nil {
			return nil, err
		}
		published, err := time.Parse(time.RFC3339, row[0])
		if err != nil {
			return nil, err
		}
		images = append(images, Image{
			Published: published, Release: row[1], Family: row[2], Architecture: row[3],
			Region: sharing.Region(row[4]), ID: sharing.ImageID(row[5]), Digest: row[6],
		})
	}
}

// Spec describes the image as its publisher would register it. Its family is the stream.
func (img Image) Spec() sharing.ImageSpec {
	return sharing.ImageSpec{
		Name:         fmt.Sprintf("%s-%s-%s", img.Stream(), img.Release, img.Architecture),
		Family:       img.Stream(),
		Region:       img.Region,
		Architecture: img.Architecture,
		Digest:       img.Digest,
		Labels:       map[string]string{"release": img.Release},
	}
}
