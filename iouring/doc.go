// Package iouring serves connections, streams and files through Linux io_uring,
// behind the types of package net, and through package net where io_uring is
// not to be had.
//
// # Model
//
// A ring is an io_uring (DEFER_TASKRUN, SINGLE_ISSUER) and the goroutine,
// locked to its thread, that owns it. Others hand it tasks through a lock-free
// queue and wake it once for any number of them; it prepares submissions, enters
// the kernel once for all, and works off the completions. A process has one for
// connections and streams, while it has any, and one for each FileReader. Their
// goroutines are in a latency group named "iouring" (package ggroup).
//
// What a ring is for follows from what it costs: a hop between threads to reach
// it and one to come back, against which it saves a system call for each of the
// things that go in one submission, and a goroutine for each that only waits.
//
//   - A request on a connection is one read and one write by the goroutine that
//     wants them: [Listen] and [Dial] leave those on Go's own netpoller, which
//     wakes the very thread that will run the reader. ([ReceiveMultishot] gives
//     them to a ring instead: one multishot accept a listener, one multishot
//     receive a connection, provided buffers.)
//   - Streaming is thousands of small writes at once: [FanOut] takes responses
//     out of the HTTP server, keeps neither goroutine nor buffer for them, and
//     sends all their frames in one submission. A multishot receive notices that
//     a client has gone and keeps what it pipelines.
//   - A connection whose stream has ended waits on the ring for its next
//     request and only then comes out of [Listener.Accept] again.
//   - [FileReader] keeps many large reads in flight into an [Arena] of huge
//     pages.
//
// # Limits
//
// Linux on 64-bit machines; the io_uring path needs Linux 6.1 (see [Probe] and
// [Features.List]). Stream sockets only: tcp, tcp4, tcp6, unix. Every queue and
// buffer is bounded, by [FanOutConfig], [FileReaderConfig] and the options of
// [Listen]. Under TLS, HTTP/2 and HTTP/1.0 streams are written through net/http.
// A hijacked stream is no longer counted by http.Server.Shutdown: close the
// FanOut too.
package iouring
