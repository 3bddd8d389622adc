// Package relation expresses who may use an image as relationships in the sense of Google's
// Zanzibar, which OpenFGA and SpiceDB store and answer from.
package relation

import "github.com/imageshare/sharing/bench/world"

// A Relationship relates a subject to an image.
type Relationship struct {
	Image   Image
	Owner   bool // the subject owns the image; otherwise the image is shared with it
	Subject Subject
}

// An Image is an image with its region: a share is valid nowhere else (R4).
type Image struct{ Region, ID string }

// A Subject is an account, all accounts of an organisation, or everyone, which is the zero value.
type Subject struct{ Account, Organization string }

// Of returns the relationships of a world.
func Of(w *world.World) []Relationship {
	all := make([]Relationship, 0, len(w.Images)+w.Shares)
	for i := range w.Images {
		img := &w.Images[i]
		there := Image{string(img.Region), string(img.ID)}
		all = append(all, Relationship{there, true, Subject{Account: string(img.Owner)}})
		for _, g := range img.Grantees {
			all = append(all, Relationship{there, false, Subject{Account: string(g)}})
		}
	}
	return all
}

// A Member is an account of an organisation.
type Member struct{ Organization, Account string }
