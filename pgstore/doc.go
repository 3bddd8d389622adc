// Package pgstore keeps the state of an engine of package sharing in a Postgres database.
//
//	store, err := pgstore.Open(ctx, "postgres://sharing@localhost/sharing")
//	if err != nil { … }
//	defer store.Close()
//	engine, err := sharing.New(store)
//
// Any number of programs may open one database, and behave as one.
//
// A call that only reads mostly makes one request to the server, and a call that changes something makes two:
// the first locks and reads what the decision depends on, the second writes and commits.
// See docs/stores/postgres.md for why that is strictly serialisable, and for how to operate the database.
package pgstore
