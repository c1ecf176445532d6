// Package front serves the API over HTTP: OpenAI's routes, and the few of
// llama-server's that its users rely on.
//
// # Model
//
// A request passes once through: route and method, key, body. Its dialect
// (package wire) makes an ask.Request of the body; a generate.Generator submits
// it; package reply brings the answer out, streamed or whole. What a request
// became is accounted for before the last bytes of its answer leave. The front
// knows no engine: whoever can generate can be served.
//
//	POST /v1/chat/completions  POST /v1/completions
//	GET  /v1/models            GET  /v1/models/{id}
//	POST /tokenize             POST /detokenize
//	GET  /health               GET  /metrics
//
// With keys configured, every route but /health asks for one.
//
//	handler, err := front.New(front.Config{Generator: generator})
//	...
//	server := &http.Server{Handler: handler, ConnContext: front.ConnContext}
//	err = server.Serve(front.Strict(listener))
//	...
//	handler.Drain() // no new generations; /health says 503
//	server.Shutdown(ctx)
//	handler.Wait(ctx) // streams that have left the server
//	handler.Close()
//
// A request whose body does not arrive gets 408 or 400. A client that ends its
// sending after its request gets its answer; one that has gone ends its work: who
// ends the sending is sent something meaningless, and a reset tells.
//
// # Limits
//
// Errors are OpenAI's error object, and quote little of what was sent. What a
// client may send is bounded by [Config]: body, log-probabilities. What all
// requests hold together is bounded too; beyond it is 503 with Retry-After. How many generations run and wait is the
// generator's; one too many gives 429 with Retry-After. One write to a client
// that does not read is bounded in time.
package front
