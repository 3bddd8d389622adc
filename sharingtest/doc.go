// Package sharingtest judges whether a system keeps the rules of image sharing.
//
// It holds three things:
//
//   - [Model], the rules as a program: plain maps and loops, slow and obvious, made from the text of the rules and
//     from nothing of the engine. It is what an answer is compared with.
//   - [Run], a suite of random tests. Each makes random calls, compares every answer with the model's, and after each
//     call compares all that each account can see.
//   - [Explore], a search through all states that a small world can reach, in which every call is tried in every state.
//
// The searches are those of [Alphabets]: each is a few calls, and a world in which they lead to finitely many states.
// In this package's own tests the engine is searched in a short form. The full form prints how many states there are:
//
//	go test ./sharingtest -run Exhaustive -exhaustive.full -timeout 0 -v
//
// More random calls are made with the flags -rapid.checks and -rapid.steps.
//
// Any system can be judged, not only the engine of package sharing: whatever can be put behind the interface [System],
// for instance a client of an HTTP service. It is given as an [Open], a function that makes an empty one.
// The engine on a store of one's own is judged in one line:
//
//	sharingtest.Run(t, sharingtest.Engine(func(sharingtest.TB) sharing.Store { return mystore.New() }))
//
// A system that lacks a feature is judged on the rest:
//
//	sharingtest.Run(t, open, sharingtest.Organizations, sharingtest.Acceptance)
package sharingtest
