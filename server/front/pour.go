package front

import (
	"net/http"

	"github.com/weirgo/weir/server/ask"
)

// pour writes an answer of status 200 as it is made, so that it never is there
// as a whole. Its maker appends to buffer and calls send between two parts.
type pour struct {
	x      *exchange
	to     sending
	buffer []byte
	begun  bool
	err    error // the client takes nothing more
}

func (x *exchange) pour(w http.ResponseWriter, begin string) *pour {
	return &pour{x: x, to: sending{x: x, w: w}, buffer: []byte(begin)}
}

// pourBytes is what is sent at once: the HTTP server's own buffer is smaller.
const pourBytes = 32 << 10

// send sends what there is, if that is enough, and reports whether the client
// still takes anything.
func (p *pour) send() bool {
	if len(p.buffer) < pourBytes {
		return true
	}
	p.flush()
	return p.err == nil
}

// end sends the rest.
func (p *pour) end() {
	p.flush()
	if p.err != nil {
		panic(http.ErrAbortHandler) // what is out must not look complete
	}
}

// fail is for what cannot be told by a status any more.
func (p *pour) fail(err error) error {
	if p.begun {
		p.x.log(ask.Failed(err))
		panic(http.ErrAbortHandler)
	}
	return err
}

func (p *pour) flush() {
	if p.err != nil {
		return
	}
	if !p.begun {
		p.begun = true
		p.x.account(http.StatusOK)
		p.x.client.answer(nil)
		p.to.w.Header().Set("Content-Type", "application/json")
	}
	p.err = p.to.write(p.buffer)
	p.buffer = p.buffer[:0]
}
