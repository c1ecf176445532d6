// Package reply brings what is generated to those who asked for it.
//
// # Model
//
// One goroutine, the [Emitter], reads every generation, streamed or whole. A
// feed names to it what has something to look at: a generation with events, a
// carrier whose client has caught up or gone. It takes the events, has the
// dialect's [Encoder] append them to the buffer of the response's [Carrier], and
// sends what all of them have with one flush. It never waits for a client.
//
//	generate.Stream ─┐                      ┌─ Carrier: a stream of package fanout, over
//	                 ├─ feed → Emitter ─────┤           io_uring, TLS, HTTP/2, package net
//	Carrier ─────────┘                      └─ Carrier: the body of a whole answer
//
// The handler of a streamed request waits for the first event, because only then
// is it known whether the answer is a status or a stream; then it opens the
// stream, attaches it, and leaves it to the emitter.
//
//	reply := emitter.Start(reply.Generation{Events: events, Encoder: encoder, Observer: observer})
//	if err := reply.First(ctx); err != nil { … a status … }
//	w.Header().Set(…)
//	err = reply.Stream(w, r)
//
// A client that does not keep up gathers bytes in its carrier, then is not ready:
// its generation is left unread and pauses. One that is gone ends its
// generation. The end is observed before its last bytes leave, so that whoever
// has seen an answer finds it counted.
//
// # Limits
//
// One emitter's goroutine encodes for all. What is dear for one event, such as
// log-probabilities over a vocabulary, gets a goroutine of its own that runs the
// same code over a feed of its own.
package reply
