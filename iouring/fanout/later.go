package fanout

import (
	"net/http"
	"strconv"
	"time"

	"github.com/weirgo/weir/sched/mailbox"
)

// Leaves reports whether the response to a request can leave the HTTP server.
func (f *FanOut) Leaves(r *http.Request) bool {
	c, err := f.carrier(r)
	return c != nil && err == nil
}

// OpenLater is OpenProbed for a response of which nothing is known yet. Where a ring
// can take the connection over, the stream leaves the HTTP server at once, and nothing
// is sent: the header, which is the stream's from here on, goes out with status 200 in
// front of what Reserve is first called for, or of the end, unless Answer comes before
// that. Who waits so needs no goroutine,
// and its handler need not call Serve. Elsewhere it returns nil and has touched
// nothing.
func (f *FanOut) OpenLater(w http.ResponseWriter, r *http.Request, told *mailbox.Entry, probe []byte) (*Stream, error) {
	c, err := f.carrier(r)
	if c == nil || err != nil {
		return nil, err
	}
	if probe == nil {
		probe = f.config.Probe
	}
	s := &Stream{fan: f, told: told, probe: probe, header: w.Header()}
	if err := f.register(s); err != nil {
		return nil, err
	}
	err = s.openLater(c, w, r)
	if err == nil && s.loan == nil {
		f.remove(s)
		return nil, nil
	}
	if err != nil {
		f.remove(s)
		return nil, err
	}
	if err := s.nowOpen(); err != nil {
		return nil, err
	}
	s.leaves = nothingLeaves // the handler may go as it likes
	return s, nil
}

// head is the status line and the header of a response, in front of what framing says.
func (s *Stream) head(b []byte, status int) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(append(b, ' '), http.StatusText(status)...)
	b = append(b, "\r\n"...)
	fields := bytesWriter{b}
	_ = s.header.Write(&fields) // which does not fail
	b = append(fields.b, "Date: "...)
	b = append(time.Now().UTC().AppendFormat(b, http.TimeFormat), "\r\n"...)
	if !s.keep && s.header.Get("Connection") == "" {
		b = append(b, "Connection: close\r\n"...)
	}
	return b
}

// bytesWriter appends.
type bytesWriter struct{ b []byte }

func (w *bytesWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

// WriteString implements io.StringWriter.
func (w *bytesWriter) WriteString(p string) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

// appendHead appends the head of a stream, if that is to come yet; mu is held.
func (s *Stream) appendHead(b []byte) []byte {
	if s.header == nil {
		return b
	}
	b = append(s.head(b, http.StatusOK), "Transfer-Encoding: chunked\r\n\r\n"...)
	s.header = nil
	return b
}

// Header is that of a stream from OpenLater, until it begins; then it is nil. It belongs
// to who adds frames.
func (s *Stream) Header() http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.header
}

// Answer sends a whole response instead of the stream, with what the header says by
// now, and ends it in order. It is for streams from OpenLater that have not begun, in the
// place of Reserve, and panics for others. The error says that the client gets nothing.
func (s *Stream) Answer(status int, body []byte) error {
	s.mu.Lock()
	if err := s.refusal(); err != nil {
		s.mu.Unlock()
		return err
	}
	if s.header == nil || s.out {
		s.mu.Unlock()
		panic("fanout: Answer to a stream that has begun")
	}
	b := append(s.head(s.pending, status), "Content-Length: "...)
	b = append(strconv.AppendInt(b, int64(len(body)), 10), "\r\n\r\n"...)
	s.pending, s.header, s.finishing = append(b, body...), nil, true
	s.watch()
	mark := s.markDirty()
	s.mu.Unlock()
	s.announce(mark)
	s.fan.lane.post()
	return nil
}
