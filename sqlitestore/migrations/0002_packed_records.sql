-- The records of images, instances and trust policies were JSON, and become packed bytes: see record.go, as for the functions.
-- Those of events stay JSON.

ALTER TABLE images ADD COLUMN packed BLOB NOT NULL DEFAULT X'';
UPDATE images SET packed = pack_image(record);
ALTER TABLE images DROP COLUMN record;
ALTER TABLE images RENAME COLUMN packed TO record;

ALTER TABLE instances ADD COLUMN packed BLOB NOT NULL DEFAULT X'';
UPDATE instances SET packed = pack_instance(record);
ALTER TABLE instances DROP COLUMN record;
ALTER TABLE instances RENAME COLUMN packed TO record;

ALTER TABLE trust ADD COLUMN packed BLOB NOT NULL DEFAULT X'';
UPDATE trust SET packed = pack_trust(record);
ALTER TABLE trust DROP COLUMN record;
ALTER TABLE trust RENAME COLUMN packed TO record;
