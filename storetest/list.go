package storetest

import "github.com/imageshare/sharing"

// What a scan hands out is valid only until it hands out the next: listImages, listShares and listInstances copy it.

func listImages(tx sharing.ViewTx, scan sharing.ImageScan) (found []sharing.Access, err error) {
	err = tx.Images(scan, func(a *sharing.Access) {
		image := *a.Image
		found = append(found, sharing.Access{Image: &image, Own: a.Own, Organization: a.Organization, Everyone: a.Everyone})
	})
	return found, err
}

func listShares(tx sharing.ViewTx, scan sharing.ShareScan) (found []sharing.SharedImage, err error) {
	err = tx.Shares(scan, func(s *sharing.SharedImage) {
		image := *s.Record
		found = append(found, sharing.SharedImage{Share: s.Share, Record: &image})
	})
	return found, err
}

func listInstances(tx sharing.ViewTx, scan sharing.InstanceScan) (found []*sharing.InstanceRecord, err error) {
	err = tx.Instances(scan, func(rec *sharing.InstanceRecord) {
		instance := *rec
		found = append(found, &instance)
	})
	return found, err
}
