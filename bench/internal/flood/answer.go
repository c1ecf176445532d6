package flood

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// conn is one connection, and what is known of the answer under way.
type conn struct {
	fd     int
	unsent []byte // of the request
	full   bool   // the socket takes no more of it for now
	busy   bool   // a request is under way

	header []byte // what has come of it
	inBody bool   // the header is whole
	good   bool   // the status is the one wanted
	left   int    // bytes of the body that are to come; -1: it is chunked
	tail   []byte // the last bytes of a chunked body
}

// maxHeaderBytes bounds the header of an answer.
const maxHeaderBytes = 64 << 10

// lastChunk ends a chunked body.
var lastChunk = []byte("0\r\n\r\n")

// begin makes the connection ready for the answer to a request.
func (c *conn) begin(request []byte) {
	c.unsent, c.busy, c.inBody = request, true, false
	c.header, c.tail = c.header[:0], c.tail[:0]
}

// take reads more of the answer. An answer whose status line begins with begins
// is good.
func (c *conn) take(data, begins []byte) (good, done bool, err error) {
	if !c.inBody {
		c.header = append(c.header, data...)
		header, body, whole := bytes.Cut(c.header, []byte("\r\n\r\n"))
		if !whole {
			if len(c.header) > maxHeaderBytes {
				return false, false, errors.New("flood: the header of an answer does not end")
			}
			return false, false, nil
		}
		c.good = bytes.HasPrefix(header, begins)
		if c.left, err = bodyLength(header); err != nil {
			return false, false, err
		}
		c.inBody, data = true, body
	}
	if c.left < 0 {
		c.tail = append(c.tail, data[max(0, len(data)-len(lastChunk)):]...)
		c.tail = c.tail[max(0, len(c.tail)-len(lastChunk)):]
		done = bytes.Equal(c.tail, lastChunk)
	} else {
		if c.left -= len(data); c.left < 0 {
			return false, false, errors.New("flood: bytes after an answer")
		}
		done = c.left == 0
	}
	c.busy = !done
	return c.good, done, nil
}

// bodyLength is how long the body behind a header is, -1 if it is chunked.
func bodyLength(header []byte) (int, error) {
	header = bytes.ToLower(header)
	if bytes.Contains(header, []byte("\r\ntransfer-encoding: chunked")) {
		return -1, nil
	}
	_, rest, found := bytes.Cut(header, []byte("\r\ncontent-length: "))
	line, _, _ := bytes.Cut(rest, []byte("\r\n"))
	length, err := strconv.Atoi(string(line))
	if !found || err != nil || length < 0 {
		return 0, fmt.Errorf("flood: an answer without a length: %.200q", header)
	}
	return length, nil
}
