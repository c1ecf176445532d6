// Package flood sends the same request over many connections, the next one on
// each once the last is answered, from one goroutine and one epoll set.
//
//	f, err := flood.Open(address, 64, exchange.Get("/metrics"), http.StatusOK)
//	defer f.Close()
//	answered, spent, err := f.Run(3 * time.Second)
//
// # Model
//
// A client that shares the processors with what it measures must not take them:
// a ready socket costs one read, and an answer is looked at for its status and
// its end alone. An answer of another status counts as failed, and the flood goes
// on.
//
// # Limits
//
// Plain HTTP/1.1 with keep-alive over IPv4, on Linux. The end of a chunked answer
// is told by its last bytes, "0\r\n\r\n", so no chunk may end in "0\r\n": none of
// JSON or of metrics does.
package flood
