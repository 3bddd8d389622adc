// Package world generates what the contestants hold and are asked about: images, shared as
// they are in practice, the same in every run.
package world

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/imageshare/sharing"
)

// The accounts and regions of a world.
const (
	Accounts = 7000
	Regions  = 34
)

// Created is when all images and shares of a world were made.
var Created = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// A World is a number of images, each with its shares.
type World struct {
	Images []Image
	Shares int
}

// An Image is one image of a world. None of its shares is expired or pending.
type Image struct {
	ID       sharing.ImageID
	Owner    sharing.AccountID
	Region   sharing.Region
	Grantees []sharing.AccountID // distinct, in no order, without the owner
}

// New returns a world of the given number of shares or a few more. Most images have no share, few have many:
// 80 % none, 15 % one to five, 4 % six to 49, 1 % 50.
func New(shares int) *World {
	rng := rand.New(rand.NewPCG(1, 2))
	w := &World{Images: make([]Image, 0, shares/2)}
	for w.Shares < shares {
		img := Image{
			ID:     sharing.ImageID(fmt.Sprintf("img-%016x", rng.Uint64())),
			Owner:  Account(rng.IntN(Accounts)),
			Region: Region(rng.IntN(Regions)),
		}
		if n := shareCount(rng); n > 0 {
			img.Grantees = make([]sharing.AccountID, 0, n)
			for len(img.Grantees) < n {
				if g := Account(rng.IntN(Accounts)); g != img.Owner && !slices.Contains(img.Grantees, g) {
					img.Grantees = append(img.Grantees, g)
				}
			}
		}
		w.Images = append(w.Images, img)
		w.Shares += len(img.Grantees)
	}
	return w
}

// Even returns a world in which each image is shared with the same number of grantees:
// accounts other than those of [Account].
func Even(images, grantees int) *World {
	rng := rand.New(rand.NewPCG(5, 6))
	all := names[sharing.AccountID]("grantee-%06d", grantees)
	w := &World{Images: make([]Image, images), Shares: images * grantees}
	for i := range w.Images {
		w.Images[i] = Image{
			ID:       sharing.ImageID(fmt.Sprintf("img-%016x", rng.Uint64())),
			Owner:    Account(rng.IntN(Accounts)),
			Region:   Region(rng.IntN(Regions)),
			Grantees: all,
		}
	}
	return w
}

func shareCount(rng *rand.Rand) int {
	switch p := rng.IntN(100); {
	case p < 80:
		return 0
	case p < 95:
		return 1 + rng.IntN(5)
	case p < 99:
		return 6 + rng.IntN(44)
	}
	return 50
}

var (
	accounts = names[sharing.AccountID]("%012d", Accounts)
	regions  = names[sharing.Region]("region-%02d", Regions)
)

func names[T ~string](format string, n int) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = T(fmt.Sprintf(format, i))
	}
	return all
}

// Account returns the i-th account, and Region the i-th region.
func Account(i int) sharing.AccountID { return accounts[i] }

// Region returns the i-th region.
func Region(i int) sharing.Region { return regions[i] }

// A Kind says how a question is answered, and why.
type Kind string

// The kinds of questions.
const (
	Hit      Kind = "hit"      // yes: the image is shared with the account
	Owner    Kind = "owner"    // yes: the account owns it
	Stranger Kind = "stranger" // no: there is such an image, and no share of it with the account
	Miss     Kind = "miss"     // no: there never was such an image
)

// Kinds are all kinds of questions.
var Kinds = []Kind{Hit, Owner, Stranger, Miss}

// A Question is: may the account use the image in the region, now?
type Question struct {
	Account sharing.AccountID
	Image   sharing.ImageID
	Region  sharing.Region // the image's own
}

// Questions returns n random questions of a kind: each share, or each image, is equally likely to be asked about.
// Like those of a request, their texts are in memory of their own.
func (w *World) Questions(kind Kind, n int) []Question {
	rng := rand.New(rand.NewPCG(3, uint64(len(kind))))
	var ends []int // of each image, the number of shares up to there
	if kind == Hit {
		for _, img := range w.Images {
			ends = append(ends, len(img.Grantees))
			if len(ends) > 1 {
				ends[len(ends)-1] += ends[len(ends)-2]
			}
		}
	}
	questions := make([]Question, n)
	for i := range questions {
		img := &w.Images[rng.IntN(len(w.Images))]
		q := Question{Image: img.ID, Region: img.Region}
		switch kind {
		case Hit:
			share := rng.IntN(w.Shares)
			at, _ := slices.BinarySearch(ends, share+1)
			img = &w.Images[at]
			q = Question{img.Grantees[ends[at]-share-1], img.ID, img.Region}
		case Owner:
			q.Account = img.Owner
		case Stranger:
			for q.Account == "" || q.Account == img.Owner || slices.Contains(img.Grantees, q.Account) {
				q.Account = Account(rng.IntN(Accounts))
			}
		case Miss:
			q.Account = Account(rng.IntN(Accounts))
			q.Image = sharing.ImageID(fmt.Sprintf("mis-%016x", rng.Uint64()))
		}
		questions[i] = q
	}
	own(questions)
	return questions
}

// own gives the questions one piece of memory for their texts.
func own(questions []Question) {
	var text strings.Builder
	for _, q := range questions {
		text.WriteString(string(q.Account) + string(q.Image) + string(q.Region))
	}
	rest := text.String()
	take := func(n int) (taken string) {
		taken, rest = rest[:n], rest[n:]
		return taken
	}
	for i, q := range questions {
		questions[i] = Question{
			sharing.AccountID(take(len(q.Account))), sharing.ImageID(take(len(q.Image))), sharing.Region(take(len(q.Region))),
		}
	}
}

// Record returns the image as a store holds it.
func (img *Image) Record() sharing.ImageRecord {
	return sharing.ImageRecord{Image: sharing.Image{ID: img.ID, Owner: img.Owner, Region: img.Region, CreatedAt: Created}}
}

// Records returns the image's shares as a store holds them. Their grantees are in memory
// of their own, as if each had come with a call.
func (img *Image) Records() []sharing.Share {
	shares := make([]sharing.Share, len(img.Grantees))
	for i, g := range img.Grantees {
		grantee := sharing.Grantee(strings.Clone(string(g)))
		shares[i] = sharing.Share{Image: img.ID, Grantee: grantee, CreatedAt: Created, UpdatedAt: Created}
	}
	return shares
}

// Fill writes the world into an empty store, several images in each transaction, without events.
func (w *World) Fill(ctx context.Context, store sharing.Store) error {
	for images := range slices.Chunk(w.Images, 500) {
		err := store.Update(ctx, func(tx sharing.UpdateTx) error {
			for i := range images {
				if err := tx.PutImage(images[i].Record()); err != nil {
					return err
				}
				if len(images[i].Grantees) == 0 {
					continue
				}
				if err := tx.PutShares(images[i].Records()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
