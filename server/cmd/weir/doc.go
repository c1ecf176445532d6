// Weir is the inference server.
//
//	weir serve -m model.gguf    serve a model over OpenAI's HTTP API
//	weir top PID                what the goroutines of a running process wait for
//	weir doctor                 what this machine has, lacks, and what to do
//	weir models verify FILE     whether a model file can be served, and if not, why
//	weir trace FILE             what goroutines of a Go program waited for to run
//	weir keys hash              the SHA-256 of a key, for serve --keys
//	weir version                versions of Weir, its toolchain and its engine
//
// # Model
//
// serve takes the port first, so that a mistake there costs no time, and answers 503
// on it while it opens the engine library and loads the model; then it starts the
// batch loop and serves.
//
// A model file is checked, then tried in a child process, before this one hands it
// to the engine library (package trial; --no-verify: checked only), and watched as
// long as it is mapped: one that is cut short or written to ends the process with
// exit code 1, and its requests with an error each.
//
// SIGTERM and SIGINT end the process in stages. At once it is not ready any more; for
// --grace everything is served all the same, because who balances requests hears of it
// later. By default that is 5 seconds with --health-addr, and nothing without, where
// there is nobody to tell. Then it drains: new requests get 503, Retry-After and the end
// of their connection, running ones may end within --drain-timeout, then they are cut
// off. A second signal ends the process at once, and so does the first before it serves.
// Whatever it is at, a stuck engine for instance, the process has ended two seconds
// after the drain timeout. Nothing that it writes is waited for, and SIGPIPE is ignored.
//
// A terminal that hangs up (SIGHUP) drains too, save under nohup. With --keys it does
// not: SIGHUP has the key file read again. What runs goes on; keys that have gone are
// refused from then on, and a file that is wrong changes nothing but for a line in the
// log that says what to do. With --access-log it has that file opened again.
//
// --access-log writes a line of JSON for each request (package accesslog), and
// OpenTelemetry's variables (OTEL_EXPORTER_OTLP_ENDPOINT) have traces sent (package
// tracing). Nobody waits for either. With --flight the server follows the scheduler
// (package flight): what it did in the last seconds is a trace at /debug/flight.
//
// /health is for who sends requests: 200, or 503 with the reason while the model is
// loaded, the server drains, or a decode takes longer than --stuck-after.
// /health/live is for who restarts processes: 503 in the last case alone.
//
// With --health-addr there is a listener for who watches over the process alone (package
// probes): /readyz is as /health, and /livez, as well as /readyz, is 503 also of an
// engine that does not get on, within five seconds; one that is starved by others gets
// on. No full queue makes it unready: who comes too much gets 429.
//
// Threads of the engine, unless -t and -tb say how many, and GOMAXPROCS, unless the
// environment does, follow the CPU quota of the process's control groups and its
// affinity within a second.
//
// Connections go through package iouring, and streamed tokens through its
// fan-out, all streams' in one submission; through package net with --io=net and
// where the kernel does not offer what is needed.
//
// What nobody waits for runs behind all else: logs, traces, /metrics, the page and what
// there is to know of the server, each under a quota (--background-quota); and the
// parsing and tokenising of the background tier, without one. On stock Go this changes
// nothing, and a line of the log says so. group.go has the table.
//
// --host may name several addresses, and paths of sockets that end with .sock: there is a
// listener for each, all of one server, or none if one of them cannot be had.
//
// On addresses of its own machine, and without TLS, it is asked by browsers as
// localhost, by an address, or by a name that --host or --cors-origins names: pages
// must not reach it by making their own name mean that address. A proxy that speaks
// TLS to browsers, and programs, may ask by any name.
//
// serve takes llama-server's command lines, and its variables of the environment
// (LLAMA_ARG_CTX_SIZE), which flags go before. Each of its flags has a fate, in
// llamaFlags: it means the same here; it is so here in any case; it has no effect,
// and a line of warning; or it is refused with what to do instead, because clients
// would get something else.
//
// With --sleep-idle-seconds the model is unloaded while nobody asks for anything. What
// describes the server goes on to be answered; whoever asks for an answer, for tokens
// or for vectors waits until it is loaded again.
//
// In a container of Vertex AI, which says AIP_MODE=PREDICTION, it listens where
// AIP_HTTP_PORT says and answers predictions, of any of its requests, at
// AIP_PREDICT_ROUTE.
//
// GOGC and Go's memory limit are steered by package gctune (--gc-tune): more heap
// where collecting costs more than 2 % of the processors and the container, or the
// machine, has the memory. Where GOGC or GOMEMLIMIT is set in the environment, it
// counts.
//
// trace reads a Go execution trace (package schedtrace), of any program. With --limit it
// fails if a latency is above it: exit code 1, and a line for each.
//
// # Limits
//
// One model a process. Exit codes: 0 done, also when drained; 1 failed, also if the
// end had to go without something that hung; 2 used wrongly. A signal that ends the
// process at once is its status.
package main
