package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/bench/contest"
	"github.com/imageshare/sharing/bench/world"
	"github.com/imageshare/sharing/bench/zanzibar/openfga"
	"github.com/imageshare/sharing/bench/zanzibar/relation"
	"github.com/imageshare/sharing/bench/zanzibar/spicedb"
	"github.com/imageshare/sharing/internal/pgtest"
	"github.com/imageshare/sharing/memstore"
)

// The work runs: all give the answers that are asked for, or else it fails.
func TestRun(t *testing.T) {
	server, err := pgtest.New() // to skip the test where there is none
	pgtest.Check(t, err)
	server.Remove()
	rows, err := run(t.Context(), contest.Tiny)
	if err != nil {
		t.Fatal(err)
	}
	if want := 4*6 + 2*4*5; len(rows) != want { // kinds and contestants, in memory; callers, kinds and contestants, on Postgres
		t.Errorf("%d rows, want %d", len(rows), want)
	}
}

type organizations map[sharing.AccountID][]sharing.OrganizationID

func (o organizations) Organizations(_ context.Context, account sharing.AccountID) ([]sharing.OrganizationID, error) {
	return o[account], nil
}

// The peers allow what this library does, also where an image is shared with an organisation or with everyone, in each region.
func TestAgreement(t *testing.T) {
	ctx := t.Context()
	engine, err := sharing.New(memstore.New(), sharing.WithDirectory(organizations{"ann": {"crew"}, "bob": {"crew", "club"}}))
	if err != nil {
		t.Fatal(err)
	}
	members := []relation.Member{{Organization: "crew", Account: "ann"}, {Organization: "crew", Account: "bob"}, {Organization: "club", Account: "bob"}}
	var images []sharing.ImageID
	var all []relation.Relationship
	for i, grantees := range [][]sharing.Grantee{
		nil, {sharing.Account("ann")}, {sharing.Organization("crew")}, {sharing.Organization("club"), sharing.Account("dan")}, {sharing.Everyone},
	} {
		img, err := engine.Register(ctx, "owner", sharing.ImageSpec{Region: world.Region(i % 2)})
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, img.ID)
		there := relation.Image{Region: string(img.Region), ID: string(img.ID)}
		all = append(all, relation.Relationship{Image: there, Owner: true, Subject: relation.Subject{Account: "owner"}})
		for _, g := range grantees {
			if _, err := engine.Share(ctx, "owner", img.ID, g); err != nil {
				t.Fatal(err)
			}
			var subject relation.Subject
			if account, ok := g.Account(); ok {
				subject.Account = string(account)
			} else if organization, ok := g.Organization(); ok {
				subject.Organization = string(organization)
			}
			all = append(all, relation.Relationship{Image: there, Subject: subject})
		}
	}
	peers := peers(t, all, members)
	allowed := 0
	for _, img := range append(images, "none") {
		for _, account := range []sharing.AccountID{"owner", "ann", "bob", "dan", "eve"} {
			for i := range 3 {
				q := world.Question{Account: account, Image: img, Region: world.Region(i)}
				want := engine.CanUse(ctx, q.Account, q.Image, q.Region) == nil
				if want {
					allowed++
				}
				for name, ask := range peers {
					if got, err := ask(ctx, q); err != nil || got != want {
						t.Errorf("%s answers %+v by %v, %v; this library by %v", name, q, got, err, want)
					}
				}
			}
		}
	}
	if want := 1 + 2 + 3 + 3 + 5; allowed != want {
		t.Errorf("%d questions are answered yes, want %d", allowed, want)
	}
}

// peers returns those that know organisations and everyone, each twice, in memory and on Postgres, holding the relationships.
func peers(t *testing.T, all []relation.Relationship, members []relation.Member) map[string]func(context.Context, world.Question) (bool, error) {
	t.Helper()
	ctx, server := t.Context(), pgtest.Start(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	peers := make(map[string]func(context.Context, world.Question) (bool, error))
	for where, url := range map[string]string{"in memory": "", "on Postgres": address(server, "postgres")} {
		store := openfga.Memory()
		s, err := spicedb.Memory(ctx, spicedb.Grantees)
		if url != "" {
			must(err)
			must(s.Close())
			must(execute(ctx, server, "postgres", "CREATE DATABASE spicedb"))
			store, err = openfga.Postgres(url, 4)
			must(err)
			s, err = spicedb.Postgres(ctx, address(server, "spicedb"), 4, spicedb.Grantees)
		}
		must(err)
		o, err := openfga.New(ctx, store)
		must(err)
		t.Cleanup(func() { must(o.Close()); must(s.Close()) })
		must(o.Write(ctx, all, members))
		must(s.Write(ctx, all, members))
		c, err := o.Checker(ctx, openfga.Grantees, false)
		must(err)
		peers[fmt.Sprintf("%s %s", nameOpenFGA, where)] = c.Allowed
		peers[fmt.Sprintf("%s %s", nameSpiceDB, where)] = s.Allowed
	}
	return peers
}
