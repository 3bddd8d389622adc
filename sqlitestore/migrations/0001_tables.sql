-- Identifiers and texts are compared byte by byte: BINARY is the collation of every TEXT column.
-- A record is JSON; columns beside it are what it is found by. Times are 12 bytes that sort as the times do, or X'FF' for none.

-- One row: what tells this database's event cursors from another's, and a counter that a lost commit is overwritten with.
CREATE TABLE database (
	id      TEXT    NOT NULL,
	settled INTEGER NOT NULL
) STRICT;

CREATE TABLE images (
	id      TEXT    NOT NULL PRIMARY KEY,
	deleted INTEGER NOT NULL, -- 1 for a tombstone
	owner   TEXT    NOT NULL,
	region  TEXT    NOT NULL,
	name    TEXT, -- NULL if empty, as those that follow
	family  TEXT,
	digest  TEXT,
	source  TEXT,
	record  TEXT    NOT NULL
) STRICT;
-- Unique, though id alone is: so SQLite knows that the shares of an owner's images come in order, image by image.
CREATE UNIQUE INDEX images_owner ON images (owner, id) WHERE deleted = 0;
CREATE INDEX images_region ON images (owner, region, id) WHERE deleted = 0;
CREATE INDEX images_name ON images (owner, name, id) WHERE deleted = 0 AND name IS NOT NULL;
CREATE INDEX images_family ON images (owner, family, id) WHERE deleted = 0 AND family IS NOT NULL;
CREATE INDEX images_source ON images (source, id) WHERE source IS NOT NULL;

CREATE TABLE shares (
	image   TEXT    NOT NULL,
	grantee TEXT    NOT NULL,
	status  INTEGER NOT NULL,
	expires BLOB    NOT NULL,
	created BLOB    NOT NULL,
	updated BLOB    NOT NULL,
	PRIMARY KEY (image, grantee)
) STRICT, WITHOUT ROWID;
CREATE INDEX shares_grantee ON shares (grantee, image);
CREATE INDEX shares_expires ON shares (image, expires);

-- The deleted images whose shares still lie in the table: each later change removes some.
CREATE TABLE leftovers (
	image TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE instances (
	id         TEXT    NOT NULL PRIMARY KEY,
	terminated INTEGER NOT NULL,
	owner      TEXT    NOT NULL,
	region     TEXT    NOT NULL,
	image      TEXT    NOT NULL,
	record     TEXT    NOT NULL
) STRICT;
CREATE INDEX instances_owner ON instances (owner, id) WHERE terminated = 0;
CREATE INDEX instances_owner_image ON instances (owner, image, id) WHERE terminated = 0;
CREATE INDEX instances_image ON instances (image, id) WHERE terminated = 0;

CREATE TABLE trust (
	account TEXT NOT NULL PRIMARY KEY,
	record  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The log: n counts from 1 without a gap, in the order of the commits, since one connection writes at a time.
CREATE TABLE events (
	n         INTEGER PRIMARY KEY,
	operation TEXT    NOT NULL,
	actor     TEXT    NOT NULL,
	image     TEXT, -- NULL for an event of none
	sequence  INTEGER NOT NULL,
	record    TEXT    NOT NULL
) STRICT;
CREATE INDEX events_operation ON events (operation);
CREATE INDEX events_actor ON events (actor);
CREATE INDEX events_image ON events (image, n, sequence) WHERE image IS NOT NULL;
