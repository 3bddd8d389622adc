-- Identifiers are bytes: COLLATE "C" compares and orders them as such.
-- The body of a record is its JSON; the columns beside it are what it is found by.

CREATE TABLE sharing.images (
	id      text COLLATE "C" PRIMARY KEY,
	owner   text COLLATE "C" NOT NULL,
	region  text COLLATE "C" NOT NULL,
	family  text COLLATE "C" NOT NULL,
	source  text COLLATE "C" NOT NULL,
	deleted boolean NOT NULL,
	-- A delete raises the epoch, and ends all shares of the epochs before by that.
	epoch   bigint NOT NULL,
	body    json NOT NULL
);
CREATE INDEX images_owner  ON sharing.images (owner, id) WHERE NOT deleted;
CREATE INDEX images_region ON sharing.images (owner, region, id) WHERE NOT deleted;
CREATE INDEX images_family ON sharing.images (owner, family, id) WHERE NOT deleted AND family <> '';
CREATE INDEX images_source ON sharing.images (source, id) WHERE source <> '';

-- Times are text, since timestamptz has no nanoseconds: of equal length, so that they compare as times do.
CREATE TABLE sharing.shares (
	image   text COLLATE "C" NOT NULL,
	grantee text COLLATE "C" NOT NULL,
	epoch   bigint NOT NULL,
	status  smallint NOT NULL,
	created text COLLATE "C" NOT NULL,
	updated text COLLATE "C" NOT NULL, -- empty: as created
	expires text COLLATE "C" NOT NULL, -- empty: never
	PRIMARY KEY (image, grantee)
);
CREATE INDEX shares_grantee ON sharing.shares (grantee, image);

CREATE TABLE sharing.instances (
	id         text COLLATE "C" PRIMARY KEY,
	owner      text COLLATE "C" NOT NULL,
	image      text COLLATE "C" NOT NULL,
	terminated boolean NOT NULL,
	body       json NOT NULL
);
CREATE INDEX instances_owner ON sharing.instances (owner, id) WHERE NOT terminated;
CREATE INDEX instances_image ON sharing.instances (image, id) WHERE NOT terminated;
CREATE INDEX instances_owner_image ON sharing.instances (owner, image, id) WHERE NOT terminated;

CREATE TABLE sharing.trust (
	account text COLLATE "C" PRIMARY KEY,
	body    json NOT NULL
);

-- A transaction draws one position, and numbers its events from 1.
CREATE SEQUENCE sharing.positions;
CREATE TABLE sharing.events (
	position  bigint NOT NULL,
	number    integer NOT NULL,
	operation text COLLATE "C" NOT NULL,
	image     text COLLATE "C" NOT NULL,
	actor     text COLLATE "C" NOT NULL,
	sequence  bigint NOT NULL,
	body      json NOT NULL,
	PRIMARY KEY (position, number)
);
CREATE INDEX events_operation ON sharing.events (operation);
CREATE INDEX events_image ON sharing.events (image, position, number) WHERE image <> '';
CREATE INDEX events_actor ON sharing.events (actor, position, number);

-- The gate has no rows. Writers pass it together, in ROW EXCLUSIVE MODE; a reader of the log closes it for a moment,
-- in SHARE MODE, so that no position below those that it sees is still to come.
CREATE TABLE sharing.gate ();
