package reply

// Answer is the encoder of a whole answer. The body is Head, and then all that
// was appended.
type Answer interface {
	Encoder
	// Head is asked for after the end.
	Head() []byte
	// HeldBytes is what the encoder keeps to make Head of.
	HeldBytes() int
}

// Memory bounds what answers gather.
type Memory interface {
	// Hold says that an answer holds n bytes now; the error, an *ask.Fault,
	// that it may not.
	Hold(n int) error
}

// body is the carrier of a whole answer: it gathers. The emitter appends; the
// handler takes the parts once done is closed.
type body struct {
	answer Answer
	memory Memory
	parts  [][]byte
	held   int // capacity of parts
	done   chan struct{}
}

// Parts of a body are made larger from one to the next, up to partBytes: nothing
// is copied as the body grows, and no more than one is empty.
const (
	firstPartBytes = 2 << 10
	partBytes      = 64 << 10
)

// Err implements Carrier: a handler that goes says so to its reply.
func (b *body) Err() error { return nil }

// Reserve implements Carrier.
func (b *body) Reserve() ([]byte, error) {
	size := firstPartBytes
	if n := len(b.parts); n > 0 {
		last := b.parts[n-1]
		if cap(last)-len(last) >= frameBytes {
			return last, nil
		}
		size = min(2*cap(last), partBytes)
	}
	if err := b.memory.Hold(b.held + size + b.answer.HeldBytes()); err != nil {
		return nil, err
	}
	b.held += size
	part := make([]byte, 0, size)
	b.parts = append(b.parts, part)
	return part, nil
}

// Commit implements Carrier. One event may have overshot.
func (b *body) Commit(bytes []byte) error {
	last := &b.parts[len(b.parts)-1]
	b.held += cap(bytes) - cap(*last)
	*last = bytes
	return b.memory.Hold(b.held + b.answer.HeldBytes())
}

// Ready implements Carrier: a body is bounded by its request.
func (b *body) Ready() bool { return true }

// Close implements Carrier.
func (b *body) Close() error {
	close(b.done)
	return nil
}
