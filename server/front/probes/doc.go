// Package probes answers who watches over the process, on a listener of its own: what
// clients send, and how many there are, cannot be in the way of a probe.
//
//	/livez, /healthz  200 while a new process would not do better, else 503
//	/readyz           200 while requests are welcome, else 503
//
// Answers are a line of plain text: "ok", or why not and what to do. Nobody needs a
// key, and nothing else is told.
//
//	listener, err := probes.Listen(ctx, "127.0.0.1:9090")
//	...
//	server, err := probes.Serve(listener, probes.Config{Live: generator.Live, Ready: ready})
//	...
//	defer server.Close()
//
// The goroutines are in a group of class latency: on our toolchain they run before all
// that computes, and their sockets are looked at while every processor is busy.
//
// # Limits
//
// A full queue of requests does not make a server unready: who comes too much is told
// so, with a time to come again, while one that vanished from its balancer would pass
// its load to the others until they all vanish. 64 connections at once, each of one
// request and two seconds.
package probes
