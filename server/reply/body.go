package reply

// body is the carrier of a whole answer: it gathers. The emitter appends; the
// handler takes bytes once done is closed.
type body struct {
	bytes []byte
	done  chan struct{}
}

// Err implements Carrier: a handler that goes says so to its reply.
func (b *body) Err() error { return nil }

// Reserve implements Carrier.
func (b *body) Reserve() ([]byte, error) { return b.bytes, nil }

// Commit implements Carrier.
func (b *body) Commit(bytes []byte) error {
	b.bytes = bytes
	return nil
}

// Ready implements Carrier: a body is bounded by its request.
func (b *body) Ready() bool { return true }

// Close implements Carrier.
func (b *body) Close() error {
	close(b.done)
	return nil
}
