package etcdstore

import (
	"github.com/imageshare/sharing"
)

// Shares implements [sharing.ViewTx]. It reads the shares of one image by image, those with
// one grantee by grantee, and those of an owner's images image by image, some at a time.
func (tx *view) Shares(scan sharing.ShareScan, each func(*sharing.SharedImage)) error {
	page := sharePage{view: tx, scan: scan, left: scan.Limit, each: each}
	switch {
	case scan.Image != "" && scan.Image < scan.After.Image:
		return nil
	case scan.Image != "":
		return page.addImages([]string{string(scan.Image)})
	case scan.Grantee != "":
		return page.walk(tx.index(tableGrantee, string(scan.Grantee)))
	}
	return page.walk(tx.index(tableOwner, string(scan.Owner)))
}

// A sharePage hands out what a scan of shares selects.
type sharePage struct {
	*view
	scan sharing.ShareScan
	left int // of the limit
	each func(*sharing.SharedImage)
}

// walk adds the shares of the images in an index.
func (p *sharePage) walk(by index) error {
	// The image of After may have more: it is looked at first, and the walk goes on after it.
	if at := p.scan.After.Image; at != "" {
		if err := p.addImages([]string{string(at)}); err != nil {
			return err
		}
	}
	walk := walk{view: p.view, after: string(p.scan.After.Image), indices: []index{by}}
	for p.left > 0 {
		ids, err := walk.next(p.left)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := p.addImages(ids); err != nil {
			return err
		}
	}
	return nil
}

// addImages adds the selected shares of images, in their order, until the page is full.
func (p *sharePage) addImages(ids []string) error {
	for len(ids) > 0 && p.left > 0 {
		some, n, err := p.choose(ids[:min(len(ids), maxOps/2)]) // each takes two operations
		if err != nil {
			return err
		}
		if err := p.addSome(some); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// choose returns those of the first n images that have shares, as many as the page may need.
func (p *sharePage) choose(ids []string) (some []string, n int, err error) {
	if p.scan.Grantee != "" || len(ids) == 1 {
		return ids, len(ids), nil
	}
	err = p.assemble(func() error {
		some = some[:0]
		missing := p.left
		for n = 0; n < len(ids) && missing > 0; n++ {
			about, err := p.about(sharing.ImageID(ids[n]))
			if err != nil {
				return err
			}
			if about.Shares > 0 {
				some = append(some, ids[n])
				missing -= about.Shares
			}
		}
		return nil
	})
	return some, n, err
}

func (p *sharePage) addSome(ids []string) error {
	spans := make([]span, len(ids))
	for i, id := range ids {
		spans[i] = p.sharesOfImage(id)
	}
	var images []*imageValue
	err := p.assemble(func() (err error) {
		for _, sp := range spans {
			p.read(sp)
		}
		images = images[:0]
		for _, id := range ids {
			img, err := p.image(sharing.ImageID(id))
			if err != nil {
				return err
			}
			images = append(images, img)
		}
		return nil
	})
	for i := range images {
		if err == nil {
			err = p.addFound(images[i], spans[i])
		}
	}
	return err
}

// sharesOfImage is what is read of one image's shares: that with the grantee asked for, or
// those that the page may need.
func (p *sharePage) sharesOfImage(id string) span {
	if g := p.scan.Grantee; g != "" {
		return span{key: p.key(tableShare, id, string(g))}
	}
	all := p.key(tableShare, id)
	sp := span{key: all, end: past(all), limit: p.left}
	if after := p.scan.After; after.Grantee != "" && id == string(after.Image) {
		sp.key = past(p.key(tableShare, id, string(after.Grantee)))
	}
	return sp
}

// addFound adds what was found of an image's shares.
func (p *sharePage) addFound(img *imageValue, sp span) error {
	if img == nil || !img.DeletedAt.IsZero() || p.scan.Owner != "" && p.scan.Owner != img.Owner {
		return nil
	}
	for {
		found := p.read(sp)
		for _, kv := range found.items {
			var share shareValue
			if err := decode(kv, &share); err != nil {
				return err
			}
			live := share.Generation == img.Generation
			if key := (sharing.ShareKey{Image: share.Image, Grantee: share.Grantee}); live && p.left > 0 && isAfter(key, p.scan.After) {
				p.each(&sharing.SharedImage{Share: share.Share, Record: &img.ImageRecord})
				p.left--
			}
			sp.key = past(string(kv.Key))
		}
		if !found.more || p.left == 0 {
			return nil
		}
		if err := p.ensure(sp); err != nil { // some of those read were of an earlier generation
			return err
		}
	}
}

func isAfter(key, after sharing.ShareKey) bool {
	if key.Image != after.Image {
		return key.Image > after.Image
	}
	return key.Grantee > after.Grantee
}
