package pgstore_test

import (
	"context"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// TestR20_StrangersReadNoShares lets the server tell how many rows of shares it read for an account that does not see the image, with the plan
// for its arguments and with the one for any: as many as for an image that never was. The owner's are read, which shows that it tells.
func TestR20_StrangersReadNoShares(t *testing.T) {
	b := newBed(t, "fsync=off", "shared_preload_libraries=auto_explain", "auto_explain.log_min_duration=0", "auto_explain.log_analyze=on")
	database := b.database(t)
	b.fill(t, database, 1000)
	b.SQL(t, database, `INSERT INTO sharing.shares SELECT 'image-00000500', 'many-' || i, 0, 0, '2024-01-01T00:00:00.000000000Z', '', ''
		FROM generate_series(1, 5000) i`)
	store := b.open(t, database)
	rows := regexp.MustCompile(` on shares\b.*actual time=\S+ rows=(\d+)`)
	for _, need := range []sharing.Need{
		{AllShares: true, PresentAt: time.Unix(1, 0)},
		{Grantees: []sharing.Grantee{"x", "y"}, PresentAt: time.Unix(1, 0)},
	} {
		read := func(account sharing.AccountID, image sharing.ImageID) (n int) {
			t.Helper()
			need.Account, need.Image = account, image
			before := len(b.Log(t))
			for range 8 {
				if err := store.View(context.Background(), func(tx sharing.ViewTx) error { _, err := tx.Load(need); return err }); err != nil {
					t.Fatal(err)
				}
			}
			for _, match := range rows.FindAllStringSubmatch(b.Log(t)[before:], -1) {
				each, err := strconv.Atoi(match[1])
				if err != nil {
					t.Fatal(err)
				}
				n += each
			}
			return n
		}
		if n := read("stranger", "image-00000500"); n > 0 {
			t.Errorf("%+v: %d rows of shares were read for an account that does not see the image", need, n)
		}
		if n := read("stranger", "unknown"); n > 0 {
			t.Errorf("%+v: %d rows of shares were read of an image that never was", need, n)
		}
		if n := read("owner-00000050", "image-00000500"); n < 8*5000 {
			t.Errorf("%+v: the server tells of %d rows only that were read for the owner", need, n)
		}
	}
}
