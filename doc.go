// Package sharing decides who may see, use and capture the machine images that accounts of
// a cloud platform share with one another. It keeps to regions and limits, and defines what
// an unshare or a delete takes away. It is a library to embed, on a store of your choice:
//
//	engine, err := sharing.New(memstore.New())
//	image, err := engine.Register(ctx, "acme", sharing.ImageSpec{Name: "web", Region: "eu-1"})
//	shares, err := engine.Share(ctx, "acme", image.ID, sharing.Account("bob"))
//	instance, err := engine.Launch(ctx, "bob", sharing.LaunchSpec{Image: image.ID, Region: "eu-1"})
//
// # The words
//
// An account owns images. An [Image] is a bootable system disk in one region. Its owner makes a [Share]
// of it with a [Grantee]: another account, an organisation or everyone. Whoever owns the image, or is
// reached by an accepted share, may use it: launch an [Instance], whose system disk is made from the
// image; replace the disk of an instance that it has; and reinitialise an instance, which puts its disk
// back to the image that it was made from. An instance can be captured into a new image, and an owner
// can copy an image to another region. An image's lineage is the chain of images that it was made from.
//
// Only owners share. When the owner unshares, disables or deletes the image, the grantee leaves or
// rejects the share, or it expires, the grantee's instances run on, but can't be reinitialised any more.
//
// All this is stated as rules, R1 to R29, which docs/RULES.md lists; errors, tests and comments name them by number.
// The first of them are a cloud's answers to frequent questions about shared images, which are called the FAQ here.
//
// # The life of a call
//
// Every call of an account takes the same five steps:
//
//  1. Check the input. What is wrong with the arguments alone is [ErrInvalid].
//  2. Load. A transaction of the [Store] reads all that the decision needs, at one instant: the image, what of it reaches
//     the actor, counts, the actor's trust policy. A check, and nearly every change, needs a single read.
//  3. Decide. A rule is a function of what was loaded: it answers with a [Refusal], or with the events that the call brings about.
//     [Engine.CanUse], [Engine.DryRun] and [Engine.UnshareImpact] ask the same functions, and so can't disagree with the call.
//     A decision that needs the [Directory] or the grantee check ends the transaction, asks, and is made anew.
//  4. Store. Each [Event] is applied to the state, and appended to the log, in the same transaction.
//     Nothing else writes state, so that replaying the log gives the state ([Replay]).
//  5. Return. When the store can't tell whether it committed, the engine asks the event log for the call's operation.
//
// So a call takes effect at one instant, or not at all, and nothing is remembered between calls: an unshare
// that has returned is in force, for every engine on the store.
//
// # Errors
//
// A rule's refusal is a [*Refusal], found by [errors.As]; its kind, such as [ErrShareLimit], by
// [errors.Is]. It names the rule, and says in one sentence what would make the call succeed, but nothing
// that the actor may not know: an image that the actor does not see and one that never existed are refused
// alike. Bad input is [ErrInvalid], which names the field. docs/HOWTO.md maps all of them to HTTP statuses.
//
// # Stores
//
// Package memstore keeps the state in memory. The modules sqlitestore, pgstore and etcdstore, beside this one,
// keep it in a file, in Postgres and in etcd. Package storetest is the conformance suite for a store of your own.
//
// # Examples
//
// Every method has an example. In most of them must and check stand for the error handling of a real program:
// must returns its first argument, and both end the program if there is an error.
package sharing
