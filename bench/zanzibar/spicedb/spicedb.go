// Package spicedb embeds SpiceDB as a library, to answer whether an account may use an image.
//
// The images of each region have their own type: an image lives in one region, and so do its shares. SpiceDB's memory
// datastore reads all relationships of a type and a relation at every check, so there a check becomes as many times
// faster as there are regions. Checks are fully consistent: in that mode SpiceDB keeps no answers, only the schema.
package spicedb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	dscfg "github.com/authzed/spicedb/pkg/cmd/datastore"
	"github.com/authzed/spicedb/pkg/datalayer"
	"github.com/authzed/spicedb/pkg/datastore"
	"github.com/authzed/spicedb/pkg/datastore/migration"
	"github.com/authzed/spicedb/pkg/embedded"
	"github.com/authzed/spicedb/pkg/migrate"
	"github.com/authzed/spicedb/pkg/tuple"

	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/bench/zanzibar/relation"
)

// A Schema says with whom an image can be shared.
type Schema string

// The schemas. The first allows what this library does; the second is the least that
// answers W1's questions, and faster.
const (
	Grantees Schema = "account | account:* | organization#member"
	Accounts Schema = "account"
)

// bootstrap is the schema in the form of a file that a new datastore reads.
func (s Schema) bootstrap() []byte {
	text := []byte("schema: |-\n  definition account {}\n  definition organization {\n    relation member: account\n  }\n")
	for i := range world.Regions {
		text = fmt.Appendf(text, "  definition %s {\n    relation owner: account\n    relation grantee: %s\n    permission use = owner + grantee\n  }\n",
			typeIn(string(world.Region(i))), s)
	}
	return text
}

// typeIn is the type of the images in a region.
func typeIn(region string) string { return "image_" + strings.ReplaceAll(region, "-", "_") }

// mode is how the schema is stored: as a whole, so that it is read once and then kept.
const mode = datalayer.SchemaModeReadNewWriteNew

// A Checker is SpiceDB's engine on a datastore.
type Checker struct {
	datastore   datastore.Datastore
	permissions *embedded.Permissions
}

// Memory returns SpiceDB on its memory datastore, empty.
func Memory(ctx context.Context, s Schema) (*Checker, error) { return open(ctx, s) }

// Postgres makes SpiceDB's tables in a database, and returns SpiceDB on it.
func Postgres(ctx context.Context, url string, connections int, s Schema) (*Checker, error) {
	to := &migration.Config{DatastoreEngine: dscfg.PostgresEngine, DatastoreURI: url, Timeout: time.Minute, BatchSize: 1000}
	if err := migration.Run(ctx, to, migrate.Head); err != nil {
		return nil, err
	}
	pool := dscfg.DefaultReadConnPool()
	pool.MinOpenConns, pool.MaxOpenConns = connections, connections
	return open(ctx, s, dscfg.WithEngine(dscfg.PostgresEngine), dscfg.WithURI(url), dscfg.WithReadConnPool(*pool))
}

func open(ctx context.Context, s Schema, options ...dscfg.ConfigOption) (*Checker, error) {
	options = append(options,
		dscfg.SetBootstrapFileContents(map[string][]byte{"schema.yaml": s.bootstrap()}),
		dscfg.WithBootstrapTimeout(time.Minute),
		dscfg.WithBootstrapSchemaMode(mode),
		dscfg.WithEnableDatastoreMetrics(false),
	)
	ds, err := dscfg.NewDatastore(ctx, options...)
	if err != nil {
		return nil, err
	}
	permissions, err := embedded.NewPermissions(embedded.Config{Datastore: ds, SchemaMode: mode, SchemaCacheMaxCostBytes: 16 << 20})
	if err != nil {
		return nil, errors.Join(err, ds.Close())
	}
	return &Checker{ds, permissions}, nil
}

// Close ends the engine and its datastore.
func (c *Checker) Close() error { return errors.Join(c.permissions.Close(), c.datastore.Close()) }

// Write adds relationships, directly to the datastore.
func (c *Checker) Write(ctx context.Context, relationships []relation.Relationship, members []relation.Member) error {
	all := &source{make([]tuple.Relationship, 0, len(relationships)+len(members))}
	for _, r := range relationships {
		as := "grantee"
		if r.Owner {
			as = "owner"
		}
		all.add(tuple.ONR(typeIn(r.Image.Region), r.Image.ID, as), subject(r.Subject))
	}
	for _, m := range members {
		all.add(tuple.ONR("organization", m.Organization, "member"), tuple.ONR("account", m.Account, tuple.Ellipsis))
	}
	_, err := c.datastore.ReadWriteTx(ctx, func(ctx context.Context, tx datastore.ReadWriteTransaction) error {
		_, err := tx.BulkLoad(ctx, all)
		return err
	})
	return err
}

func subject(s relation.Subject) tuple.ObjectAndRelation {
	switch {
	case s.Account != "":
		return tuple.ONR("account", s.Account, tuple.Ellipsis)
	case s.Organization != "":
		return tuple.ONR("organization", s.Organization, "member")
	}
	return tuple.ONR("account", tuple.PublicWildcard, tuple.Ellipsis)
}

// A source gives relationships to load.
type source struct{ rest []tuple.Relationship }

func (s *source) add(resource, subject tuple.ObjectAndRelation) {
	s.rest = append(s.rest, tuple.Relationship{RelationshipReference: tuple.RelationshipReference{Resource: resource, Subject: subject}})
}

// Next returns the next relationship, nil after the last.
func (s *source) Next(context.Context) (*tuple.Relationship, error) {
	if len(s.rest) == 0 {
		return nil, nil
	}
	next := &s.rest[0]
	s.rest = s.rest[1:]
	return next, nil
}

// Allowed answers a question.
func (c *Checker) Allowed(ctx context.Context, q world.Question) (bool, error) {
	answer, err := c.permissions.Check(ctx, embedded.CheckRequest{
		ResourceType: typeIn(string(q.Region)), ResourceID: string(q.Image), Permission: "use",
		SubjectType: "account", SubjectID: string(q.Account),
	})
	return answer.HasPermission, err
}
