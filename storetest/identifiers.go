package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imageshare/sharing"
)

// nasty are identifiers that are easily taken for one another, or for something else: all different, byte by byte.
var nasty = []string{
	"a", "A", "aa", "a-", "a.", "ab", "abc", "b", "B", "bc", "c", "-", "--", ".", "..", "/", "a/b", "a/", "/a", "~", "!", "|", ",", ";", "#",
	"é", "e\u0301", "É", "e", "ß", "ss", "ﬁ", "fi", "K", "\u212a", "k", "ı", "i", "I", "İ", "ø", "o",
	"a\u200b", "a\u00ad", "\ufeffa", "a\ufeff", "\u2066a", // invisible, and no spaces
	"\ufffd", "\U00010000", "\U0010ffff", "\ue000", "日本", "日", "😀", // in UTF-16 the order is another
	"%", "_", "a%", "a_", "%a", "?", "[a]", "\\", "\\\\", "a\\", "\\0", "'", "''", "\"", "`", "$1", "{}", "()", "&amp;", "<a>", "=", "a=b",
	"0", "00", "1", "01", "10", "9", "1e1", "1.0", "-0", "+1", "0x10", "NULL", "null", "true", "org", "everyone",
	strings.Repeat("x", 126), strings.Repeat("x", 127), strings.Repeat("x", 128), strings.Repeat("x", 127) + "y", strings.Repeat("x", 127) + "X",
	strings.Repeat("é", 64), strings.Repeat("😀", 32), strings.Repeat("%", 128), strings.Repeat("\\", 128), strings.Repeat("\"", 128), strings.Repeat("<", 128),
}

// reserved are nasty too, but not allowed in accounts and organisations.
var reserved = []string{"*", ":", "a:", ":a", "a:b", "org:a", "**", "a*"}

const asBytes = "identifiers are bytes: equal only if byte for byte equal, and ordered by bytes"

// testIdentifiers uses every nasty identifier in every place.
func testIdentifiers(t *testing.T, open opener) {
	t.Run("Images", func(t *testing.T) {
		c := newCheck(t, open)
		var items []any
		for i, id := range slices.Concat(nasty, reserved) {
			rec := image(sharing.ImageID(id), "me")
			rec.Source.Image = "src"
			items = append(items, rec, instance(sharing.InstanceID(id), "me", rec.ID), event(id, "me", rec.ID, int64(i+1)), share(rec.ID, "g"))
		}
		c.write(items...)
		c.imageScan(asBytes, sharing.ImageScan{})
		c.derivedScan(asBytes, "src", "")
		c.shareScan(asBytes, sharing.ShareScan{Grantee: "g"})
		c.instanceScan(asBytes, sharing.InstanceScan{Owner: "me"})
		for _, id := range slices.Concat(nasty, reserved, []string{"X", "aA", "Ａ", "ÀB", "ё"}) {
			img := sharing.ImageID(id)
			c.sameLoad(asBytes, sharing.Need{Account: "me", Image: img, Instance: sharing.InstanceID(id), Operation: id, OwnInstances: true, AllShares: true})
			c.instanceScan(asBytes, sharing.InstanceScan{Query: sharing.InstanceQuery{Image: img}})
			c.eventScan(asBytes, sharing.EventQuery{Image: img})
		}
	})
	t.Run("Everywhere", func(t *testing.T) { testNastyEverywhere(newCheck(t, open)) })
	t.Run("Accounts", func(t *testing.T) { testNastyAccounts(newCheck(t, open)) })
	t.Run("Grantees", func(t *testing.T) { testNastyGrantees(newCheck(t, open)) })
	t.Run("Pairs", func(t *testing.T) { testCollidingPairs(newCheck(t, open)) })
	t.Run("Positions", func(t *testing.T) { testPositions(newCheck(t, open)) })
	t.Run("Texts", func(t *testing.T) { testNastyTexts(newCheck(t, open)) })
}

// testNastyEverywhere has each nasty identifier in every place of every record at once, and each as every text.
func testNastyEverywhere(c *check) {
	var all []things
	for i, id := range nasty {
		th := thingsNamed(id)
		th.image.Name, th.image.Family, th.image.Architecture = id+" ", " "+id+" ", " "+id+" "
		th.image.Description, th.image.Deprecation.Notice = id+"\n\t ", "\n"+id+" "
		th.image.Labels = map[string]string{id: " " + id, " " + id: id + " "}
		th.instance.Labels = th.image.Labels
		th.trust.Enforce = i%2 == 0
		all = append(all, th)
		c.putThings(th, noon)
	}
	promise := asBytes + "; a text is what it is"
	for _, th := range all {
		c.sameThings(promise, th)
	}
	for _, th := range all {
		c.write(ended{th.image.ID, th.shares[0].Grantee})
	}
	for _, th := range all {
		c.sameLoad(promise, sharing.Need{Account: th.image.Owner, Image: th.image.ID, AllShares: true})
		c.endThings(th, noon)
	}
	for _, th := range all {
		c.sameThings(promise, th)
	}
}

func testNastyAccounts(c *check) {
	var items []any
	for i, id := range nasty {
		account, img := sharing.AccountID(id), sharing.ImageID(fmt.Sprint("img", i))
		items = append(items, image(img, account), instance(sharing.InstanceID(img), account, "img"), event("op", account, img, 1),
			trustOf{account, sharing.Trust{Owners: []sharing.AccountID{account}, Enforce: true}}, share(img, "g"))
	}
	c.write(items...)
	for _, id := range nasty {
		account := sharing.AccountID(id)
		c.sameLoad(asBytes, sharing.Need{Account: account, Trust: true, ImagesIn: here, OwnInstances: true, Image: "img"})
		c.imageScan(asBytes, sharing.ImageScan{Query: sharing.ImageQuery{Owner: account}})
		c.imageScan(asBytes, sharing.ImageScan{Account: account, Query: sharing.ImageQuery{Origin: sharing.OriginOwn}})
		c.shareScan(asBytes, sharing.ShareScan{Owner: account})
		c.instanceScan(asBytes, sharing.InstanceScan{Owner: account})
		c.eventScan(asBytes, sharing.EventQuery{Actor: account})
	}
}

func testNastyGrantees(c *check) {
	all := []sharing.Grantee{sharing.Everyone}
	for _, id := range nasty {
		all = append(all, sharing.Account(sharing.AccountID(id)), sharing.Organization(sharing.OrganizationID(id)))
	}
	var shares []sharing.Share
	for i, g := range all {
		shares = append(shares, shareUntil("img", g, noon.AddDate(0, 0, i))) // each told by its expiry
	}
	c.write(image("img", "owner"), shares)
	c.sameLoad(asBytes, sharing.Need{Account: "owner", Image: "img", AllShares: true})
	c.sameLoad(asBytes, sharing.Need{Image: "img", Grantees: all})
	c.shareScan(asBytes, sharing.ShareScan{Image: "img"})
	for i, id := range nasty {
		c.sameLoad(asBytes, sharing.Need{
			Account: sharing.AccountID(id), Organizations: []sharing.OrganizationID{sharing.OrganizationID(nasty[len(nasty)-1-i])}, Image: "img"})
		c.shareScan(asBytes, sharing.ShareScan{Grantee: sharing.Grantee(id)})
		c.imageScan(asBytes, sharing.ImageScan{Account: sharing.AccountID(id), Query: sharing.ImageQuery{Origin: sharing.OriginShared}})
	}
	for _, g := range all[:len(all)/2] {
		c.write(ended{"img", g})
	}
	c.sameLoad(asBytes, sharing.Need{Account: "owner", Image: "img", AllShares: true})
}

// testCollidingPairs has keys of two parts that are the same when they are put one after
// the other, with or without a separator.
func testCollidingPairs(c *check) {
	parts := []string{"a", "b", "ab", "bc", "abc", "c", "a/", "/b", "a/b", "a|b", "a,b", "b/", "\\", "a\\", "%", "a%", "0", "1", "11", "00", "é", strings.Repeat("x", 127), strings.Repeat("x", 128)}
	var items []any
	for i, x := range parts {
		items = append(items, image(sharing.ImageID(x), "owner"))
		for j, y := range parts {
			if (i+j)%2 == 0 {
				continue // so that what is absent may collide with what is there
			}
			rec := image(sharing.ImageID(fmt.Sprintf("%d-%d", i, j)), sharing.AccountID(x))
			rec.Region = sharing.Region(y)
			vm := instance(sharing.InstanceID(rec.ID), sharing.AccountID(x), sharing.ImageID(y))
			items = append(items, rec, vm, share(sharing.ImageID(x), sharing.Grantee(y)), share(rec.ID, sharing.Organization(sharing.OrganizationID(x))))
		}
	}
	c.write(items...)
	promise := "keys of several parts do not meet, however their parts are cut: " + asBytes
	for _, x := range parts {
		for _, y := range parts {
			c.sameLoad(promise, sharing.Need{
				Account: sharing.AccountID(x), ImagesIn: sharing.Region(y), Image: sharing.ImageID(y), OwnInstances: true,
				Grantees: []sharing.Grantee{sharing.Grantee(x)}, Organizations: []sharing.OrganizationID{sharing.OrganizationID(y)}})
		}
		c.shareScan(promise, sharing.ShareScan{Image: sharing.ImageID(x)})
		c.shareScan(promise, sharing.ShareScan{Grantee: sharing.Grantee(x)})
		c.sameLoad(promise, sharing.Need{Account: "owner", Image: sharing.ImageID(x), AllShares: true, PresentAt: noon})
		c.instanceScan(promise, sharing.InstanceScan{Owner: sharing.AccountID(x), Query: sharing.InstanceQuery{Image: "a"}})
	}
	c.write(deleted(image("a", "owner")), deleted(image("a/b", "owner")))
	c.shareScan("a deleted image takes no other image's shares with it", sharing.ShareScan{Owner: "owner"})
}

// testNastyTexts looks images and instances up by texts that are no identifiers: they may hold spaces.
func testNastyTexts(c *check) {
	texts := slices.Concat(nasty, reserved, []string{" ", "  ", "a ", " a", "a  b", "a b", "\u00a0", "a\u3000", "\u2028"})
	var items []any
	for i, s := range texts {
		rec := image(sharing.ImageID(fmt.Sprint("img", i)), "me")
		rec.Name, rec.Family, rec.Architecture, rec.Description, rec.Labels = s, s, s, s, map[string]string{s: texts[len(texts)-1-i]}
		vm := instance(sharing.InstanceID(rec.ID), "me", rec.ID)
		vm.Labels = rec.Labels
		items = append(items, rec, vm)
	}
	c.write(items...)
	promise := "a text must be equal, byte for byte, labels included"
	for i, s := range texts {
		labels := map[string]string{s: texts[len(texts)-1-i]}
		for _, q := range []sharing.ImageQuery{{Name: s}, {Family: s}, {Labels: labels}, {Labels: map[string]string{s: s}}, {Name: s, Family: s, Labels: labels}} {
			c.imageScan(promise, sharing.ImageScan{Query: q})
		}
		c.instanceScan(promise, sharing.InstanceScan{Owner: "me", Query: sharing.InstanceQuery{Labels: labels}})
	}
}

// positions are no identifiers, and stand between, before and behind them.
var positions = []string{
	"\x00", "a\x00", "a\x00\xff", "ab\x00", "\x7f\x00", "\x80", "\xff", "a\xff", "a\xc3", "\xc3", "é\xff",
	"\xe6\x97", "日\xff",
	"\xed\x9f\xff", "\xed\xa0\x80", "\xef\xbf", "\ufffd\xff", "\ufffd\x00", "\xf0", "\xf4\x90\x80\x80", "\U0010ffff\xff",
	"a'\xff", "a\\\xff", strings.Repeat("\U0010ffff", 32) + "\xff",
	strings.Repeat("\xff", 5000), strings.Repeat("\x00", 5000),
}

// testPositions goes on after positions that no record can have, as a caller may make them up.
func testPositions(c *check) {
	var items []any
	for _, id := range []string{
		"a", "a'", "a\\", "ab", "az", "b", "~", "é", "éa", "日", "日本", "\ud7ff", "\ue000", "\ufffd", "\ufffda",
		"\U00010000", "\U0010ffff", strings.Repeat("\U0010ffff", 32),
	} {
		rec := image(sharing.ImageID(id), "me")
		rec.Source.Image = "src"
		items = append(items, rec, instance(sharing.InstanceID(id), "me", "img"),
			share(rec.ID, "g"), share(rec.ID, "é"), share("img", sharing.Grantee(id)))
	}
	c.write(items...)
	c.write(image("img", "me"))
	for _, after := range positions {
		promise := fmt.Sprintf("the position after which a scan goes on may be any bytes: after %.20q", after)
		img := sharing.ImageID(after)
		for _, origin := range []sharing.Origin{0, sharing.OriginOwn, sharing.OriginShared} {
			same(c, promise, func(tx sharing.ViewTx) ([]sharing.Access, error) {
				query := sharing.ImageQuery{Origin: origin}
				return listImages(tx, sharing.ImageScan{Account: "g", Query: query, After: img, Limit: many})
			})
		}
		same(c, promise, func(tx sharing.ViewTx) ([]*sharing.ImageRecord, error) { return tx.Derived("src", img, many) })
		same(c, promise, func(tx sharing.ViewTx) ([]*sharing.InstanceRecord, error) {
			return listInstances(tx, sharing.InstanceScan{Owner: "me", After: sharing.InstanceID(after), Limit: many})
		})
		for _, scan := range []sharing.ShareScan{
			{Owner: "me", After: sharing.ShareKey{Image: img}},
			{Owner: "me", After: sharing.ShareKey{Image: img, Grantee: "g"}},
			{Owner: "me", After: sharing.ShareKey{Image: "a", Grantee: sharing.Grantee(after)}},
			{Grantee: "g", After: sharing.ShareKey{Image: img, Grantee: sharing.Grantee(after)}},
			{Image: "img", After: sharing.ShareKey{Image: "img", Grantee: sharing.Grantee(after)}},
		} {
			scan.Limit = many
			same(c, promise, func(tx sharing.ViewTx) ([]sharing.SharedImage, error) { return listShares(tx, scan) })
		}
		c.accessOfAny(after)
	}
}

// accessOfAny asks for what an account with this ID has of an image with this ID, whether it is valid or not.
func (c *check) accessOfAny(id string) {
	var got, want sharing.Access
	ask := func(access *sharing.Access) func(sharing.ViewTx) error {
		return func(tx sharing.ViewTx) (err error) {
			*access, _, err = tx.Access(sharing.AccountID(id), nil, sharing.ImageID(id))
			return err
		}
	}
	if err := c.store.View(c.ctx, ask(&got)); err != nil {
		return
	}
	c.view(c.reference, ask(&want))
	c.equal(fmt.Sprintf("Access may be asked for any bytes, and then finds nothing or fails: %.20q", id), got, want)
}
