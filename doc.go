// Package sharing decides who may see, use and capture the machine images that the accounts of a cloud platform
// share with one another. It enforces regions and limits, and defines exactly what an unshare or a delete takes away.
// It is a library to embed, on top of a store of your choice:
//
//	engine, err := sharing.New(memstore.New())
//	image, err := engine.Register(ctx, "acme", sharing.ImageSpec{Name: "web", Region: "eu-1"})
//	shares, err := engine.Share(ctx, "acme", image.ID, sharing.Account("bob"))
//	instance, err := engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"})
//
// # Terms
//
// An account owns images. An [Image] is a bootable system disk in one region. Its owner makes a [Share] of it with a
// [Grantee]: another account, an organisation, or everyone. The owner, and every account that an accepted share
// reaches, may use the image: launch an [Instance], whose system disk is made from the image; replace the system disk
// of an instance that the account owns; and reinitialise an instance, which puts its system disk back to the image
// that it was made from. An instance can be captured into a new image, and an owner can copy an image to another
// region. An image's lineage is the chain of images that it was made from.
//
// Only owners share. When the owner unshares, disables or deletes the image, when the grantee leaves or rejects the
// share, or when the share expires, the grantee's instances keep running but can no longer be reinitialised.
//
// docs/RULES.md states all this as rules, numbered R1 to R29; errors, tests and comments refer to them by number.
// The first of the rules are a cloud vendor's answers to frequent questions about shared images, called the FAQ here.
//
// # The life of a call
//
// Every call that an account makes takes the same five steps:
//
//  1. Check the input. Arguments that are wrong in themselves are [ErrInvalid].
//  2. Load. A transaction of the [Store] reads everything that the decision needs, at one instant: the image, the
//     shares of it that reach the actor, counts, and the actor's trust policy. A check, and nearly every change, needs
//     a single read.
//  3. Decide. A rule is a function of what was loaded: it returns a [Refusal], or the events that the call produces.
//     [Engine.CanUse], [Engine.DryRun] and [Engine.UnshareImpact] use the same functions, so they can't disagree with
//     the call. A decision that needs an answer from the [Directory] or the grantee check ends the transaction; the
//     engine asks, and then decides again in a new transaction.
//  4. Store. Each [Event] is applied to the state and appended to the log in the same transaction.
//     Nothing else writes state, so replaying the log reproduces the state ([Replay]).
//  5. Return. If the store can't tell whether it committed, the engine looks for the call's operation in the event log.
//
// A call therefore takes effect at one instant or not at all. Nothing is remembered between calls: once an unshare
// has returned, it is in force for every engine on the store.
//
// # Errors
//
// When a rule refuses a call, the error is a [*Refusal], found with [errors.As]; its kind, such as [ErrShareLimit],
// is found with [errors.Is]. A refusal names the rule and says in one sentence what would make the call succeed, but
// tells the actor nothing that it may not know: an image that the actor does not see is refused exactly like one that
// never existed. Bad input is [ErrInvalid], which names the field. docs/HOWTO.md maps all errors to HTTP statuses.
//
// # Stores
//
// Package memstore keeps the state in memory. The modules sqlitestore, pgstore and etcdstore, next to this one, keep
// it in a file, in Postgres and in etcd. Package storetest is the conformance suite for a store of your own.
//
// # Examples
//
// Every function and every method of [Engine] has an example. In most of them, must and check stand in for the error
// handling of a real program: must returns its first argument, and both end the program if there is an error.
package sharing
