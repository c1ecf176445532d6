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
// Only with the first event is it known whether the answer to a streamed request is a
// status or a stream. Where the connection can leave the HTTP server, its handler does
// not wait for that: it leaves connection and header to the emitter, which begins the
// stream, or has the observer, a [Refuser], make another answer. Elsewhere the handler
// waits for the first event, opens the stream, attaches it, and leaves it to the emitter.
//
//	generation := reply.Generation{Events: events, Encoder: encoder, Observer: observer}
//	w.Header().Set(…)
//	if emitter.Leaves(r) {
//		left, err := emitter.Leave(w, r, generation)
//		if left || err != nil { … }
//	}
//	reply := emitter.Start(generation)
//	if err := reply.First(ctx); err != nil { … a status … }
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
