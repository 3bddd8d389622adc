// Package sharingtest judges whether a system keeps the rules of image sharing.
//
// It provides three things:
//
//   - [Model], the rules as a program: plain maps and loops, slow and obvious, written from the text of the rules alone
//     and not from the engine. Every answer of a system is compared with the model's.
//   - [Run], a suite of random tests. Each test makes random calls, compares every answer with the model's, and after
//     every few calls compares all that each account can see.
//   - [Explore], a search through all states that a small world can reach. It tries each of a set of calls in every
//     state, and after each compares all that each account can see.
//
// [Alphabets] lists the searches: each is a few calls, and a world in which these calls lead to finitely many states.
// This package's own tests search the engine in a short form. The full form prints how many states there are:
//
//	go test ./sharingtest -run Exhaustive -exhaustive.full -timeout 0 -v
//
// The flags -rapid.checks and -rapid.steps make more random calls.
//
// Any system can be judged, not only the engine of package sharing, if it can be put behind the interface [System]: for
// instance a client of an HTTP service. A system is given as an [Open], a function that makes an empty one.
// One line judges the engine on a store of your own:
//
//	sharingtest.Run(t, sharingtest.Engine(func(sharingtest.TB) sharing.Store { return mystore.New() }))
//
// A system that lacks some features is judged on the others:
//
//	sharingtest.Run(t, open, sharingtest.Organizations, sharingtest.Acceptance)
//
// # A client of a service
//
// The client turns the service's answers back into those of the methods, and its errors into errors that [errors.Is]
// finds as the sentinels of package sharing, and [errors.As] as a [*sharing.Refusal]. A type whose Unwrap returns both
// does that. [Setup.Options] are the options of the engine behind the service.
//
// The suite also makes calls with bad input, which must be [sharing.ErrInvalid]. Some of it the client has to refuse
// itself, since it would not arrive as it is: an empty identifier in a path, text that is no UTF-8, which JSON repairs,
// and a status without a name, which can't be written as JSON.
//
// A service that keeps the errors of its directory and its grantee check to itself lacks [Failures]; one without a
// dry run, tokens or a log leaves those parts of its [Subject] nil.
package sharingtest
