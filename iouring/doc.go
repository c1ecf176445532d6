// Package iouring accepts connections that Linux io_uring can take over for
// streaming, behind the types of package net.
//
// # Model
//
// A request on a connection is one read and one write by the goroutine that
// wants them: nothing is cheaper than Go's own netpoller, which wakes the very
// thread that will run the reader. So [Listen] and [Conn] leave both to package
// net. What a ring is for is many small writes at once, and waiting without a
// goroutine:
//
//   - Package fanout takes responses out of the HTTP server and sends the frames
//     of all of them in one submission. It borrows the connection ([Conn.Lend]):
//     the ring notices that the client has gone, and keeps what it sends ahead.
//   - A connection whose stream has ended waits on the ring for its next request,
//     without a goroutine, and only then comes out of [Listener.Accept] again.
//   - Package file keeps many large reads of files in flight.
//
// [Probe] says what the kernel offers, [Check] what stands against its use. Where
// io_uring is absent, forbidden or switched off, or a limit of the process is too
// low for a ring, streams go through net/http, files through pread, and one log
// line a process says why and what to do; WEIR_IO=net asks for that. A ring that
// breaks later fails its streams; those that come after go through net/http.
//
//	listener, err := iouring.Listen("tcp", ":8080")
//	server := &http.Server{Handler: handler, ConnContext: iouring.ConnContext}
//	err = server.Serve(listener)
//
// # Limits
//
// Linux on 64-bit machines; io_uring needs Linux 6.1. Stream sockets only: tcp,
// tcp4, tcp6, unix. Without ConnContext no stream leaves the HTTP server.
//
// The rooms, none of which imports one above it: fanout and file; this package;
// internal/ring (a ring and its thread); internal/probe and internal/sys (the
// kernel's ABI).
package iouring
