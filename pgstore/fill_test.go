package pgstore_test

import (
	"fmt"
	"testing"
)

// fill puts images into a database, with five shares, two instances and eight events each, of one owner for each ten images.
// Image i is "image-" and i in eight digits; so are "owner-" i/10, and "grantee-", the five from i on.
func (b *bed) fill(tb testing.TB, database string, images int) {
	tb.Helper()
	for _, sql := range []string{
		`INSERT INTO sharing.images SELECT id, owner, 'here', 'family', CASE WHEN i %% 10 = 9 THEN 'image-00000000' ELSE '' END, false, 0,
			json_build_object('ID', id, 'Owner', owner, 'Region', 'here', 'Family', 'family', 'Name', 'an image', 'Size', i,
				'Labels', json_build_object('number', i::text), 'CreatedAt', '2024-01-01T00:00:00Z')
			FROM (SELECT i, 'image-' || to_char(i, 'FM00000000') AS id, 'owner-' || to_char(i / 10, 'FM00000000') AS owner FROM generate_series(0, %[1]d - 1) i) t`,
		`INSERT INTO sharing.shares SELECT 'image-' || to_char(i, 'FM00000000'), 'grantee-' || to_char((i + g) %% %[1]d, 'FM00000000'), 0, 0,
			'2024-01-01T00:00:00.000000000Z', '', '' FROM generate_series(0, %[1]d - 1) i, generate_series(0, 4) g`,
		`INSERT INTO sharing.instances SELECT id, owner, image, false,
			json_build_object('ID', id, 'Owner', owner, 'Region', 'here', 'Image', image, 'DiskGeneration', 1, 'LaunchedAt', '2024-01-01T00:00:00Z')
			FROM (SELECT 'vm-' || i || '-' || g AS id, 'grantee-' || to_char(i / 50, 'FM00000000') AS owner, 'image-' || to_char(i, 'FM00000000') AS image
				FROM generate_series(0, %[1]d - 1) i, generate_series(0, 1) g) t`,
		`INSERT INTO sharing.events SELECT p, n, 'op' || p, 'image-' || to_char(p %% %[1]d, 'FM00000000'), 'owner-' || to_char(p %% %[1]d / 10, 'FM00000000'),
			n + 2 * (p / %[1]d), json_build_object('Operation', 'op' || p, 'Image', 'image-' || to_char(p %% %[1]d, 'FM00000000'), 'Sequence', n + 2 * (p / %[1]d))
			FROM generate_series(1, 4 * %[1]d) p, generate_series(1, 2) n`,
		`INSERT INTO sharing.trust SELECT 'grantee-' || to_char(i, 'FM00000000'), '{"Owners":["owner-00000000"],"Enforce":false}' FROM generate_series(0, %[1]d / 10) i`,
		`SELECT setval('sharing.positions', 4 * %[1]d)`,
	} {
		b.SQL(tb, database, fmt.Sprintf(sql, images))
	}
	b.SQL(tb, database, "VACUUM ANALYZE")
}
