// Package pgstore keeps the state of an engine of package sharing in a Postgres database.
//
//	store, err := pgstore.Open(ctx, "postgres://sharing@localhost/sharing")
//	if err != nil { … }
//	defer store.Close()
//	engine, err := sharing.New(store)
//
// Any number of programs may open one database, and behave as one.
//
// A call that only reads makes one request to the server, mostly, and a call that changes something two:
// the first takes the locks of what the decision depends on and reads it, the second writes and commits.
// Why that is strictly serialisable, and how to operate the database, is told in docs/stores/postgres.md.
package pgstore
