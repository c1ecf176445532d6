package front

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// receive reads a request's body and decodes it into request. The exchange holds
// the memory until it is let go.
func (h *Handler) receive(x *exchange, w http.ResponseWriter, q *http.Request, request any) error {
	body, err := h.receiveBody(x, w, q)
	if err != nil {
		return err
	}
	if err := x.input.hold(wire.DecodedBytes(body)); err != nil {
		return err
	}
	if x.mostTier() == ask.TierBackground {
		return within(h.cfg.Background, func() error { return wire.Decode(body, request) })
	}
	return wire.Decode(body, request)
}

// receiveBody reads a request's body whole, so that what goes wrong on its way is
// not taken for what is wrong in it.
func (h *Handler) receiveBody(x *exchange, w http.ResponseWriter, q *http.Request) ([]byte, error) {
	sent := &arrival{from: q.Body}
	body, err := h.readBody(&x.input, sent, q)
	if err != nil {
		// Who is still sending would not read the answer: the rest is let come.
		_, _ = io.Copy(io.Discard, sent)
		if f := h.arrivalFault(sent.err, q); f != nil {
			err = f
			if q.ProtoMajor == 1 {
				w.Header().Set("Connection", "close") // nobody knows where the next request would begin
			}
		}
		return nil, err
	}
	return body, nil
}

// arrival notes what went wrong with a body's arrival, whoever reads it.
type arrival struct {
	from io.Reader
	err  error // not io.EOF
}

func (a *arrival) Read(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	n, err := a.from.Read(p)
	if err != nil && err != io.EOF {
		a.err = err
	}
	return n, err
}

// readBody reads a body, decompressed.
func (h *Handler) readBody(memory *account, sent io.Reader, q *http.Request) ([]byte, error) {
	plain, encoding, err := decompress(sent, q.Header, memory.memory)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	body, err := memory.read(plain, q.ContentLength, h.cfg.BodyBytes)
	if _, ok := errors.AsType[*ask.Fault](err); ok || err == nil {
		return body, err
	}
	if err == errOverLimit {
		return nil, h.bodyTooLarge()
	}
	return nil, &ask.Fault{
		Kind: ask.BodyBroken, What: "the body cannot be read as " + encoding, Remedy: "encode it as the header Content-Encoding says",
	}
}

// arrivalFault says what became of a body that did not arrive; nil if it did.
func (h *Handler) arrivalFault(err error, q *http.Request) *ask.Fault {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return h.bodyTooLarge()
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &ask.Fault{Kind: ask.BodyLate, What: "the request body did not arrive in time", Remedy: "send it faster, or ask the operator for a longer --timeout"}
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, net.ErrClosed), q.ProtoMajor > 1 && q.Context().Err() != nil:
		return ask.GivenUp(err) // nobody is there to be told
	}
	return &ask.Fault{Kind: ask.BodyBroken, What: "the request body ends too early or is malformed", Remedy: "send all of what Content-Length or its chunks announce"}
}

func (h *Handler) bodyTooLarge() *ask.Fault {
	return &ask.Fault{Kind: ask.BodyTooLarge, What: fmt.Sprintf("the request body is larger than %d bytes", h.cfg.BodyBytes), Remedy: "send a shorter one"}
}
