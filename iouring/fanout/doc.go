// Package fanout streams HTTP responses by the thousand from one goroutine.
//
// # Model
//
// A [FanOut] has streams. [FanOut.Open], in a handler, sends the header and takes
// the response out of the HTTP server; from there any goroutine may feed it, and
// one may feed all:
//
//	for each stream that is Ready {
//		b, err := stream.Reserve()
//		if err == nil {
//			err = stream.Commit(append(b, "data: token\n\n"...))
//		}
//	}
//	fan.Flush()
//
// [FanOut.OpenLater] takes the response out before anything is known of it: the header
// goes out with the first frame, or another answer in its place.
//
// Reserve gives the stream's own buffer out to be appended to, so a frame is
// copied once between where it is made and the socket. Flush sends a few streams'
// frames itself and those of many in one submission of the process's ring. While
// a send is on its way, what is committed gathers in a second buffer; both are lent,
// and a stream that has caught up has none.
//
// Nothing here waits for a client. One that reads slowly has its stream stop being
// Ready; one that does not take what waits for it within DropAfter is dropped. The entry (package mailbox) given to Open is posted when a stream is
// Ready again and when it has ended, so that its source looks at nothing else.
//
// Everything that a ring cannot send on (TLS, HTTP/2, HTTP/1.0, connections of
// other listeners, kernels without io_uring) is the same to the source: the
// handler's goroutine, in [Stream.Serve], writes the frames through net/http.
//
// # Limits
//
// Responses have status 200 and no length, but for those of [Stream.Answer]. The streams of a ring are not counted
// by http.Server.Shutdown: use [FanOut.Wait] or [FanOut.Close] too. Every buffer
// is bounded by [Config]. One goroutine at a time adds frames to a stream. On the
// ordinary path over HTTP/1 a connection keeps the write deadline of its last
// stream: handlers that share it set their own, or the server has a WriteTimeout.
package fanout
