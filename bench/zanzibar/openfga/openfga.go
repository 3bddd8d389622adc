// Package openfga embeds OpenFGA as a library, to answer whether an account may use an image.
//
// Each region has its own store, which is what OpenFGA calls a set of relationships: an image lives in one
// region, and so do its shares. OpenFGA's memory datastore reads all relationships of a store at every check,
// so there a check becomes as many times faster as there are regions; on Postgres it makes no difference.
package openfga

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"github.com/openfga/language/pkg/go/transformer"
	"github.com/openfga/openfga/pkg/server"
	"github.com/openfga/openfga/pkg/server/config"
	"github.com/openfga/openfga/pkg/storage"
	"github.com/openfga/openfga/pkg/storage/memory"
	"github.com/openfga/openfga/pkg/storage/migrate"
	"github.com/openfga/openfga/pkg/storage/postgres"
	"github.com/openfga/openfga/pkg/storage/sqlcommon"
	"github.com/openfga/openfga/pkg/tuple"

	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/bench/zanzibar/relation"
)

// A Model says with whom an image can be shared.
type Model string

// The models. The first allows what this library does; the second is the least that answers W1's questions, and faster.
const (
	Grantees Model = `model
  schema 1.1
type account
type organization
  relations
    define member: [account]
type image
  relations
    define owner: [account]
    define grantee: [account, account:*, organization#member]
    define use: owner or grantee
`
	Accounts Model = `model
  schema 1.1
type account
type image
  relations
    define owner: [account]
    define grantee: [account]
    define use: owner or grantee
`
)

// chunk is how many relationships are written at a time, in place of OpenFGA's 100.
const chunk = 1000

// Memory returns OpenFGA's memory datastore, empty.
func Memory() storage.OpenFGADatastore { return memory.New(memory.WithMaxTuplesPerWrite(chunk)) }

// Postgres makes OpenFGA's tables in a database, if they are not there, and returns its datastore on it.
func Postgres(url string, connections int) (storage.OpenFGADatastore, error) {
	err := migrate.RunMigrations(migrate.MigrationConfig{Engine: "postgres", URI: url, Timeout: time.Minute, PingTimeout: time.Minute})
	if err != nil {
		return nil, err
	}
	return postgres.New(url, sqlcommon.NewConfig(
		sqlcommon.WithMaxTuplesPerWrite(chunk), sqlcommon.WithMaxOpenConns(connections), sqlcommon.WithMinOpenConns(connections)))
}

// A World is the relationships that OpenFGA holds, on one of its datastores.
type World struct {
	datastore storage.OpenFGADatastore
	stores    map[string]string // by region, the ID
	servers   []*server.Server
}

// New returns an empty world on a datastore.
func New(ctx context.Context, datastore storage.OpenFGADatastore) (*World, error) {
	w := &World{datastore: datastore, stores: make(map[string]string)}
	for i := range world.Regions {
		made, err := datastore.CreateStore(ctx, &openfgav1.Store{Id: ulid.Make().String(), Name: string(world.Region(i))})
		if err != nil {
			return nil, err
		}
		w.stores[made.GetName()] = made.GetId()
	}
	return w, nil
}

// Close ends the checkers and the datastore.
func (w *World) Close() error {
	for _, s := range w.servers {
		s.Close()
	}
	w.datastore.Close()
	return nil
}

// Write adds relationships, directly to the datastore.
func (w *World) Write(ctx context.Context, relationships []relation.Relationship, members []relation.Member) error {
	writes := make(map[string][]*openfgav1.TupleKey) // by region
	for _, r := range relationships {
		as := "grantee"
		if r.Owner {
			as = "owner"
		}
		writes[r.Image.Region] = append(writes[r.Image.Region], tuple.NewTupleKey("image:"+r.Image.ID, as, subject(r.Subject)))
	}
	for region, id := range w.stores {
		for _, m := range members {
			writes[region] = append(writes[region], tuple.NewTupleKey("organization:"+m.Organization, "member", "account:"+m.Account))
		}
		for some := range slices.Chunk(writes[region], chunk) {
			if err := w.datastore.Write(ctx, id, nil, some); err != nil {
				return fmt.Errorf("filling %s: %w", region, err)
			}
		}
	}
	return nil
}

func subject(s relation.Subject) string {
	switch {
	case s.Account != "":
		return "account:" + s.Account
	case s.Organization != "":
		return "organization:" + s.Organization + "#member"
	}
	return "account:*"
}

// A Checker is an OpenFGA server, without a socket, that judges a world by a model.
type Checker struct {
	server *server.Server
	stores map[string]string
	models map[string]string // by region, the ID of the model as its store has it
}

// Checker starts a server, which ends with the world. With cache the server keeps answers, for
// OpenFGA's default of ten seconds.
func (w *World) Checker(ctx context.Context, m Model, cache bool) (*Checker, error) {
	model, err := transformer.TransformDSLToProto(string(m))
	if err != nil {
		return nil, err
	}
	s, err := server.NewServerWithOpts(
		server.WithDatastore(w.datastore),
		server.WithExperimentals(config.ExperimentalWeightedGraphCheck), // the new way to check, which is the faster one
		server.WithCheckQueryCacheEnabled(cache),
		server.WithCheckCacheLimit(1<<20),
	)
	if err != nil {
		return nil, err
	}
	w.servers = append(w.servers, s)
	c := &Checker{s, w.stores, make(map[string]string)}
	for region, id := range w.stores {
		written, err := s.WriteAuthorizationModel(ctx, &openfgav1.WriteAuthorizationModelRequest{
			StoreId: id, SchemaVersion: model.GetSchemaVersion(), TypeDefinitions: model.GetTypeDefinitions(),
		})
		if err != nil {
			return nil, err
		}
		c.models[region] = written.GetAuthorizationModelId()
	}
	return c, nil
}

// Allowed answers a question.
func (c *Checker) Allowed(ctx context.Context, q world.Question) (bool, error) {
	answer, err := c.server.Check(ctx, &openfgav1.CheckRequest{
		StoreId:              c.stores[string(q.Region)],
		AuthorizationModelId: c.models[string(q.Region)],
		TupleKey:             tuple.NewCheckRequestTupleKey("image:"+string(q.Image), "use", "account:"+string(q.Account)),
	})
	return answer.GetAllowed(), err
}
