package front

import (
	"bytes"
	"errors"
	"math"
)

// framing follows the requests on a connection byte by byte (RFC 9112), only as
// far as it takes to know where the next one begins, and refuses
//
//   - a line of a header that does not end in CR LF, and a CR elsewhere
//     (section 2.2);
//   - a line that continues the one before it (obs-fold, section 5.2);
//   - Content-Length with Transfer-Encoding, or that is no number, or two that
//     differ, and Transfer-Encoding over HTTP/1.0 (sections 6.1 to 6.3);
//   - chunks whose sizes cannot be told (section 7.1).
//
// All else is net/http's to judge.
//
//	part       what comes                             then
//	startLine  the request line                       header
//	header     lines up to an empty one               body, size, startLine
//	body       left bytes                             startLine
//	size       the line with a chunk's size           data, trailer
//	data       left bytes                             dataEnd
//	dataEnd    the line's end behind them             size
//	trailer    lines up to an empty one               startLine
type framing struct {
	part   part
	cr     bool  // the byte before was a CR
	inLine int   // bytes of this line so far
	left   int64 // of body or data; of a size, what its digits say so far

	name      [len("transfer-encoding")]byte // of this header field, in small letters
	value     bool                           // behind its colon
	field     field
	length    int64 // Content-Length
	hasLength bool
	digits    bool  // of a number there was one
	ended     bool  // and a blank behind it
	seen      int64 // of this Content-Length
	transfer  bool  // there is a Transfer-Encoding
	minor     byte  // the request line's last byte
	extension bool  // behind a chunk's size
}

type part uint8

const (
	startLine part = iota
	header
	body
	size
	data
	dataEnd
	trailer
)

type field uint8

const (
	otherField field = iota
	lengthField
	transferField
)

var (
	errLineEnd      = errors.New("front: a line does not end in CR LF")
	errFold         = errors.New("front: a header line continues another")
	errLength       = errors.New("front: Content-Length is no number, or is given twice")
	errTwoLengths   = errors.New("front: Content-Length and Transfer-Encoding, or the latter over HTTP/1.0")
	errChunk        = errors.New("front: a chunk has no size")
	errControlBytes = errors.New("front: a header holds NUL")
)

// scan looks at what comes next. The error is for what follows the bytes that it
// accepts.
func (f *framing) scan(p []byte) (accepted int, err error) {
	for i := 0; i < len(p); {
		if f.part == body || f.part == data {
			n := min(f.left, int64(len(p)-i))
			f.left -= n
			i += int(n)
			if f.left == 0 {
				f.next()
			}
			continue
		}
		if err := f.step(p[i]); err != nil {
			return i, err
		}
		i++
	}
	return len(p), nil
}

// next begins the part after a body or a chunk's data.
func (f *framing) next() {
	if f.part == data {
		f.begin(dataEnd)
		return
	}
	f.begin(startLine)
}

func (f *framing) begin(p part) {
	f.part, f.inLine, f.cr, f.left = p, 0, false, 0
	f.digits, f.extension = false, false
	if p == startLine {
		f.hasLength, f.transfer, f.field, f.value = false, false, otherField, false
	}
}

// step takes a byte of a line.
func (f *framing) step(c byte) error {
	switch {
	case c == '\n':
		if !f.cr {
			return errLineEnd
		}
		f.cr = false
		return f.endLine()
	case f.cr:
		return errLineEnd
	case c == '\r':
		f.cr = true
		return nil
	case c == 0:
		return errControlBytes
	}
	f.inLine++
	switch f.part {
	case startLine:
		f.minor = c
	case header, trailer:
		return f.headerByte(c)
	case size:
		return f.sizeByte(c)
	case dataEnd:
		return errChunk
	}
	return nil
}

// headerByte takes a byte of a header line.
func (f *framing) headerByte(c byte) error {
	switch {
	case f.inLine == 1 && (c == ' ' || c == '\t'):
		return errFold
	case f.part == trailer:
		return nil
	case f.value:
		if f.field == lengthField {
			return f.lengthByte(c)
		}
		return nil
	case c == ':':
		return f.endName()
	}
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	if f.inLine <= len(f.name) {
		f.name[f.inLine-1] = c
	}
	return nil
}

// endName is at the colon.
func (f *framing) endName() error {
	f.value, f.field = true, otherField
	n := f.inLine - 1
	switch {
	case n == len("content-length") && bytes.Equal(f.name[:n], []byte("content-length")):
		f.field, f.seen, f.digits, f.ended = lengthField, 0, false, false
	case n == len(f.name) && bytes.Equal(f.name[:], []byte("transfer-encoding")):
		f.field, f.transfer = transferField, true
		if f.minor == '0' {
			return errTwoLengths
		}
	}
	if f.transfer && (f.hasLength || f.field == lengthField) {
		return errTwoLengths
	}
	return nil
}

// lengthByte takes a byte of a Content-Length.
func (f *framing) lengthByte(c byte) error {
	switch {
	case c == ' ' || c == '\t':
		f.ended = f.digits
		return nil
	case c < '0' || c > '9' || f.ended || f.seen > (math.MaxInt64-9)/10:
		return errLength
	}
	f.seen, f.digits = 10*f.seen+int64(c-'0'), true
	return nil
}

// sizeByte takes a byte of the line with a chunk's size.
func (f *framing) sizeByte(c byte) error {
	var digit byte
	switch {
	case f.extension:
		return nil
	case c >= '0' && c <= '9':
		digit = c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		digit = c | 0x20 - 'a' + 10
	case f.digits && (c == ';' || c == ' ' || c == '\t'):
		f.extension = true
		return nil
	default:
		return errChunk
	}
	if f.left > math.MaxInt64>>4 {
		return errChunk
	}
	f.left, f.digits = f.left<<4|int64(digit), true
	return nil
}

// endLine ends a line, and with an empty one a header or a trailer.
func (f *framing) endLine() error {
	empty := f.inLine == 0
	f.inLine, f.value = 0, false
	switch f.part {
	case startLine:
		f.part = header
	case header:
		if empty {
			f.endHeader()
			return nil
		}
		if f.field == lengthField {
			if !f.digits || f.hasLength && f.length != f.seen {
				return errLength
			}
			f.length, f.hasLength = f.seen, true
		}
		f.field = otherField
	case trailer:
		if empty {
			f.begin(startLine)
		}
	case dataEnd:
		f.begin(size)
	case size:
		return f.endSize()
	}
	return nil
}

// endHeader finds what the body is.
func (f *framing) endHeader() {
	switch {
	case f.transfer:
		f.begin(size)
	case f.hasLength && f.length > 0:
		f.begin(body)
		f.left = f.length
	default:
		f.begin(startLine)
	}
}

// endSize begins a chunk's data, or the trailer.
func (f *framing) endSize() error {
	left := f.left
	switch {
	case !f.digits:
		return errChunk
	case left == 0:
		f.begin(trailer)
		return nil
	}
	f.begin(data)
	f.left = left
	return nil
}
