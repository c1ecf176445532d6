// Package api serves OpenAI's HTTP API, and the few of llama-server's routes
// that its users rely on, over one model and one batch loop.
//
// # Model
//
// A request passes once through: route and method, key, decode and check
// (package openai), prompt to tokens, Submit to the loop. Then the handler's
// goroutine reads the generation, turns each wake's tokens into text and gives
// them to a sink: the sink of a stream appends SSE frames to one buffer and
// writes it once a wake, the sink of a single response gathers and marshals at
// the end. A client that goes away ends its request's context, which ends the
// generation and frees its sequence.
//
// With [Config.FanOut] the handler's goroutine stays with a stream only until
// its first output. Then the stream leaves the HTTP server, and one goroutine,
// the emitter, reads what a step of the engine gave to all streams, appends
// each one's frames to its own buffer, and sends them all in one submission. A
// client that does not keep up gathers frames, then its generation pauses, then
// it is dropped. At the end of a stream its connection goes back for the next
// request. TLS, HTTP/2 and whatever is not io_uring's take the same way, but
// their handlers stay to write.
//
//	POST /v1/chat/completions  POST /v1/completions
//	GET  /v1/models            GET  /v1/models/{id}
//	POST /tokenize             POST /detokenize
//	GET  /health               GET  /metrics
//
// With keys configured, every route but /health asks for one.
//
//	handler, err := api.New(api.Config{Loop: loop, Model: model, Template: template, ModelID: "tiny"})
//	...
//	server := &http.Server{Handler: handler}
//	...
//	handler.Drain() // no new generations; /health says 503
//	server.Shutdown(ctx)
//	handler.Wait(ctx) // streams that have left the server
//	handler.Close()
//
// # Limits
//
// Errors are OpenAI's error object. What a client may send is bounded by
// [Config]: body, stop strings, log-probabilities. How many generations run
// and wait is the loop's; one too many gives 429 with Retry-After. One write to
// a client that does not read is bounded in time.
package api
