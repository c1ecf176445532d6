package fanout

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// bodyRestBytes is how much of a request's unread body Open discards to keep the
// connection for another request.
const bodyRestBytes = 256 << 10

// open begins the response, on a ring or on the ordinary path.
func (s *Stream) open(w http.ResponseWriter, r *http.Request) error {
	c, err := s.fan.carrier(r)
	if err != nil {
		return err
	}
	limit := time.Now().Add(s.fan.config.DropAfter)
	rest, err := s.discardRest(w, r, limit)
	if err != nil {
		return err
	}
	if c != nil {
		return s.openRing(c, w, r, limit, rest)
	}
	return s.openOrdinary(w, r, limit)
}

// discardRest reads what is left of an HTTP/1 request's body. rest says that there is
// more than is worth it, and that the connection ends with the response.
func (s *Stream) discardRest(w http.ResponseWriter, r *http.Request, limit time.Time) (rest bool, err error) {
	if r.ProtoMajor != 1 || r.Body == nil || r.Body == http.NoBody {
		return false, nil
	}
	if rest, err = discardBody(w, r, limit); rest {
		w.Header().Set("Connection", "close")
	}
	return rest, err
}

// discardBody reads what is left of the request's body; rest says that there is
// more than is worth it. After an error the read deadline stays: net/http, which
// would read the body itself, does not wait then.
func discardBody(w http.ResponseWriter, r *http.Request, limit time.Time) (rest bool, err error) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(limit) // not every writer can
	n, err := io.CopyN(io.Discard, r.Body, bodyRestBytes)
	switch tooLarge := new(http.MaxBytesError); {
	case n == bodyRestBytes, errors.Is(err, http.ErrBodyReadAfterClose), errors.As(err, &tooLarge):
		rest = true
	case err != io.EOF:
		return false, fmt.Errorf("fanout: read the rest of the request: %w", err)
	}
	_ = rc.SetReadDeadline(time.Time{})
	return rest, nil
}

// begin sends the header, to a client that may not read. A stream has no length.
func (s *Stream) begin(w http.ResponseWriter, rc *http.ResponseController, limit time.Time) error {
	w.Header().Del("Content-Length")
	_ = rc.SetWriteDeadline(limit) // not every writer can
	w.WriteHeader(http.StatusOK)
	return rc.Flush()
}

// nowOpen ends Open. A stream that was ended meanwhile is broken off, and Open
// fails with the reason.
func (s *Stream) nowOpen() error {
	s.mu.Lock()
	s.opened = true // with the look at ended: either we or end break it off
	ended, err := s.ended, s.err
	s.mu.Unlock()
	switch {
	case s.loan == nil && ended:
		s.ordinary.interrupt()
	case s.loan == nil:
		s.ordinary.unserved()
	case ended:
		s.breakOff(nil, false)
	}
	return err
}
