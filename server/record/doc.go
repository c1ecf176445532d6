// Package record is what became of a request, told once when it is over, for who
// writes it down: an access log, traces.
//
// Package front makes a [Request] of each exchange and hands it to the [Recorder]s
// that it was given. It has sizes, times and names, and never what a client has
// sent: no prompt, no answer, no key.
//
// # Limits
//
// A path and a model's name are what a client sent, cut to a few hundred bytes:
// who writes them down escapes them. The times that the generator tells (queue,
// prompt, decode) are 0 for a request that ended before it did.
package record
