// Package front serves the API over HTTP: OpenAI's routes, Anthropic's, ollama's
// and llama-server's; and over gRPC, on the same port.
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
//	POST /v1/responses         POST /v1/embeddings
//	POST /v1/responses/input_tokens
//	GET  /v1/models            GET  /v1/models/{id}
//	POST /tokenize             POST /detokenize
//	POST /v1/messages          POST /v1/messages/count_tokens
//	POST /api/chat             POST /api/generate
//	POST /api/embed            POST /api/embeddings
//	GET  /api/tags             POST /api/show
//	GET  /api/ps               GET  /api/version
//	POST /completion           POST /infill
//	POST /apply-template       POST /chat/completions/input_tokens
//	POST /embeddings           GET  /models
//	GET  /props                GET  /slots
//	POST /v1/generate          (weir.v1's messages, application/x-protobuf)
//	POST /weir.v1.Inference/Generate, /weir.v1.Inference/Complete  (gRPC)
//	POST /grpc.health.v1.Health/Check                              (gRPC)
//	GET  /health               GET  /metrics
//	GET  /                     (a browser: the page; others: that the server runs)
//	GET  /ui/…
//
// A path says which dialect its client speaks, and so in which form failures are
// told, also on paths that are not served; /v1/models speaks Anthropic's where the
// header anthropic-version is sent. ollama's other routes, which make and move
// models, are refused, save for a pull of the model that is served.
//
// Other paths of OpenAI's API say what they are and that they are not served. Any
// model's name is the served one's, unless Config.StrictModel is set.
//
// Vertex AI's predictions, at a path of the operator's, are requests of other APIs,
// several at once: each passes as if it had come alone.
//
// llama-server's paths are also served without /v1 where it does so, and behind
// [LlamaServer].Prefix. What it can and this server cannot, such as adapters, is
// refused by name.
//
// gRPC is served by net/http's HTTP/2, with TLS or without: the server's Protocols say
// so. How a call ended is told in its trailer; the deadline that it names ends its
// generation. Keys are sent as metadata of the same names.
//
// A client may say in the header x-slo-tpot-ms how many milliseconds there are to be
// between two tokens of its answer at most. It is an objective that the generator
// paces others' prompts by. By x-slo-ttft-ms it says how many there are to be before the
// first one: if those who came before take longer, by the generator's estimate, it gets
// 429 with Retry-After at once; and of the same flow, what is due first comes first, and
// what has no such wish is due in ten seconds. x-request-timeout-ms is how long the answer
// is of use: then it ends, with 504 or the dialect's form in a stream, and is not begun if
// it still waits; of inputs for vectors and ranks, those that wait by then are dropped. x-gateway-inference-fairness-id names the flow that a request belongs
// to; a key's flows share what is the key's. x-gateway-inference-objective, if it is a
// tier's name, and the urgency of the header priority (RFC 9218: u=4 and 5 standard,
// 6 and 7 background) lower a request's tier, and never raise it.
//
// Each request has an id, X-Request-Id: the client's if it is short and of plain letters,
// else a new one. It is in the answer's header and in the log, and what became of the
// request is told to [Config].Recorders under it (package record), once, before the end
// of its answer is on its way.
//
// To who asks for it by "weir": {"explain": true}, in OpenAI's dialect, an answer says where
// its time went; with [Config].Scheduler also what the scheduler did to the engine's
// goroutine in its longest gap, which is appended by a goroutine of its own.
//
// /metrics has each of vLLM's metrics that there is something for, by our name (weir_*)
// and by its own, and llama-server's. The time between two tokens is that of each
// answer's own, as they are handed on to its client.
//
// What no client waits for is served in a group of goroutines for that
// ([Config].Service), which may have a quota: /metrics, the page, /slots, /props and
// /lora-adapters. Bodies of the background tier are decoded in another
// ([Config].Background), as far as the key and the header tell the tier.
//
// With keys configured, every route but those of health and what a browser gets at / asks
// for one, in Authorization, X-Api-Key or Api-Key. A key of [Config].Tenants (package
// tenants) has a name, by which it is counted, and what it may do: a request with a body
// is in flight from its header to its end, and counts the tokens of prompt and answer as
// they are known. Beyond a bound it gets 429 with Retry-After, before its body is read.
// Its tier and weight go with its requests (ask.Tenant); OpenAI's service_tier may lower
// the tier, and never raises it. OPTIONS is answered without one on each
// of these paths, HEAD where GET is; slashes at the end of a path or doubled change
// nothing. Pages of other origins are let in by [Origins] alone, and [Loopback] keeps
// out those that pass for this server's own by the name of their site.
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
// Errors quote little of what was sent. What a
// client may send is bounded by [Config]: body, log-probabilities. What all
// requests hold together is bounded too; beyond it is 503 with Retry-After. How many generations run and wait is the
// generator's; one too many gives 429 with Retry-After, which the generator knows best. What a key may do is its
// file's. Who has any key may read /metrics, and in it the names of all. One write to a client
// that does not read is bounded in time.
package front
