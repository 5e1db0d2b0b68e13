// Package torture has the tests that make real sockets fail under the whole
// kit. It has nothing else.
//
// TestEveryFault is in the manner of curl's torture tests: of a set of
// exchanges, every single dial, read and write fails once, in every way that it
// can. TestSoak is one long storm: many calls at once, while the service, the
// connections and the callers do their worst. After each, the promises of the
// kit are held against what the caller, the kit, net/http and the server know
// of every call.
package torture
