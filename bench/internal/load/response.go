package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

const (
	lineLimitBytes  = 1 << 20 // of a header line or an SSE line
	errorLimitBytes = 1 << 10 // kept of the body of an error response
)

// part is what the parser expects next.
type part uint8

const (
	partStatus part = iota
	partHeader
	partChunkSize
	partChunk      // left bytes of a chunk's data
	partChunkEnd   // the line end behind it
	partTrailer    // lines behind the last chunk, up to an empty one
	partLength     // left bytes of a body of known length
	partUntilClose // a body that the end of the connection ends
	partDone
)

// response takes one HTTP/1.1 response apart as its bytes come in. Feed it
// what a read returned; it calls frame with the data of each SSE event.
type response struct {
	frame func(data []byte) // valid until it returns

	next      part
	status    int
	left      int64
	length    int64 // of the body; -1: not given
	chunked   bool
	closes    bool // the server closes the connection after it
	events    bool // the body is an event stream
	protoLine []byte
	bodyLine  []byte
	message   []byte // the body's beginning, if it is no event stream
}

// reset makes ready for the next response on the connection.
func (r *response) reset() {
	*r = response{frame: r.frame, length: -1, protoLine: r.protoLine[:0], bodyLine: r.bodyLine[:0], message: r.message[:0]}
}

// done reports whether the response is complete.
func (r *response) done() bool { return r.next == partDone }

// feed takes the next bytes of the connection. Bytes after the response's end
// are an error, as no request is sent before the last one ended.
func (r *response) feed(b []byte) error {
	for len(b) > 0 {
		switch r.next {
		case partChunk, partLength:
			n := min(int64(len(b)), r.left)
			if err := r.body(b[:n]); err != nil {
				return err
			}
			b, r.left = b[n:], r.left-n
			if r.left == 0 && r.next == partChunk {
				r.next = partChunkEnd
			} else if r.left == 0 {
				r.next = partDone
			}
		case partUntilClose:
			return r.body(b)
		case partDone:
			return errors.New("bytes after the end of the response")
		default:
			line, rest, whole, err := takeLine(b, &r.protoLine)
			if err != nil || !whole {
				return err
			}
			b = rest
			if err := r.line(line); err != nil {
				return err
			}
			r.protoLine = r.protoLine[:0]
		}
	}
	return nil
}

// closed takes the end of the connection and reports whether the response was
// complete with it.
func (r *response) closed() bool {
	if r.next == partUntilClose {
		r.next = partDone
	}
	return r.done()
}

// takeLine returns the next line of b without its end, joined to what an
// earlier call kept, or keeps an incomplete one.
func takeLine(b []byte, kept *[]byte) (line, rest []byte, whole bool, err error) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		if len(*kept)+len(b) > lineLimitBytes {
			return nil, nil, false, fmt.Errorf("a line of more than %d bytes", lineLimitBytes)
		}
		*kept = append(*kept, b...)
		return nil, nil, false, nil
	}
	line, rest = b[:end], b[end+1:]
	if len(*kept) > 0 {
		*kept = append(*kept, line...)
		line = *kept
	}
	return bytes.TrimSuffix(line, []byte("\r")), rest, true, nil
}

// line takes a line of the protocol.
func (r *response) line(line []byte) error {
	switch r.next {
	case partStatus:
		return r.statusLine(line)
	case partHeader:
		if len(line) > 0 {
			return r.header(line)
		}
		return r.endOfHeader()
	case partChunkSize:
		text, _, _ := bytes.Cut(line, []byte(";"))
		size, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 16, 63)
		if err != nil || size < 0 {
			return fmt.Errorf("malformed chunk size %q", line)
		}
		r.left, r.next = size, partChunk
		if size == 0 {
			r.next = partTrailer
		}
	case partChunkEnd:
		if len(line) > 0 {
			return fmt.Errorf("malformed end of a chunk: %q", line)
		}
		r.next = partChunkSize
	case partTrailer:
		if len(line) == 0 {
			r.next = partDone
		}
	}
	return nil
}

func (r *response) statusLine(line []byte) error {
	rest, ok := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if !ok || len(rest) < 3 {
		return fmt.Errorf("malformed status line %q", line)
	}
	status, err := strconv.Atoi(string(rest[:3]))
	if err != nil || status < 100 {
		return fmt.Errorf("malformed status line %q", line)
	}
	r.status, r.next = status, partHeader
	return nil
}

func (r *response) header(line []byte) error {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return fmt.Errorf("malformed header %q", line)
	}
	value = bytes.TrimSpace(value)
	switch {
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		r.chunked = bytes.EqualFold(value, []byte("chunked"))
	case bytes.EqualFold(name, []byte("Content-Length")):
		length, err := strconv.ParseInt(string(value), 10, 63)
		if err != nil || length < 0 {
			return fmt.Errorf("malformed content length %q", value)
		}
		r.length = length
	case bytes.EqualFold(name, []byte("Connection")):
		r.closes = bytes.EqualFold(value, []byte("close"))
	case bytes.EqualFold(name, []byte("Content-Type")):
		r.events = bytes.HasPrefix(bytes.ToLower(value), []byte("text/event-stream"))
	}
	return nil
}

func (r *response) endOfHeader() error {
	switch {
	case r.status < 200: // an interim response; the real one follows
		frame, protoLine := r.frame, r.protoLine
		*r = response{frame: frame, length: -1, protoLine: protoLine, bodyLine: r.bodyLine, message: r.message}
	case r.chunked:
		r.next = partChunkSize
	case r.length == 0:
		r.next = partDone
	case r.length > 0:
		r.left, r.next = r.length, partLength
	default:
		r.closes, r.next = true, partUntilClose
	}
	return nil
}

// body takes bytes of the body.
func (r *response) body(b []byte) error {
	if !r.events {
		r.message = append(r.message, b[:min(len(b), errorLimitBytes-len(r.message))]...)
		return nil
	}
	for len(b) > 0 {
		line, rest, whole, err := takeLine(b, &r.bodyLine)
		if err != nil || !whole {
			return err
		}
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			r.frame(bytes.TrimPrefix(data, []byte(" ")))
		}
		r.bodyLine = r.bodyLine[:0]
		b = rest
	}
	return nil
}
