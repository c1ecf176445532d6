package front

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/weirgo/weir/server/ask"
)

// acceptedEncodings is the header Accept-Encoding of an answer (RFC 9110,
// section 12.5.3).
const acceptedEncodings = "gzip, deflate, zstd"

// decompress gives what a body says, however it is encoded. What it takes for
// that counts against held until it is closed.
func decompress(body io.Reader, header http.Header, held *memory) (io.ReadCloser, string, error) {
	encoding := strings.ToLower(strings.TrimSpace(strings.Join(header["Content-Encoding"], ",")))
	switch encoding {
	case "", "identity":
		return io.NopCloser(body), "it is", nil
	case "gzip", "x-gzip":
		return &gzipBody{from: body}, "gzip", nil
	case "deflate":
		return &deflateBody{from: bufio.NewReaderSize(body, deflateBufferBytes)}, "deflate", nil
	case "zstd":
		return &zstdBody{from: bufio.NewReaderSize(body, zstd.HeaderMaxSize), window: account{memory: held}}, "zstd", nil
	}
	return nil, "", &ask.Fault{
		Kind:   ask.EncodingUnsupported,
		What:   "the body's encoding " + strconv.Quote(ask.Clip(encoding, ask.QuotedBytes)) + " is not supported",
		Remedy: "send " + acceptedEncodings + ", or no Content-Encoding",
	}
}

// gzipBody reads the header of a gzip file where the rest is read.
type gzipBody struct {
	from io.Reader
	gzip *gzip.Reader
}

func (z *gzipBody) Read(p []byte) (n int, err error) {
	if z.gzip == nil {
		if z.gzip, err = gzip.NewReader(z.from); err != nil {
			z.gzip = nil
			return 0, noEOF(err)
		}
	}
	return z.gzip.Read(p)
}

func (z *gzipBody) Close() error { return nil }

// deflateBufferBytes is what is read of a deflate body at once.
const deflateBufferBytes = 4 << 10

// deflateBody is in the zlib format, as RFC 9110 says (section 8.4.1.2), or in the
// one within it, which some clients send.
type deflateBody struct {
	from    *bufio.Reader
	deflate io.Reader
}

func (z *deflateBody) Read(p []byte) (n int, err error) {
	if z.deflate == nil {
		if err := z.begin(); err != nil {
			return 0, noEOF(err)
		}
	}
	return z.deflate.Read(p)
}

func (z *deflateBody) begin() error {
	begin, err := z.from.Peek(2)
	if err != nil {
		return err
	}
	if header := uint(begin[0])<<8 | uint(begin[1]); begin[0]&0x0f != 8 || header%31 != 0 { // RFC 1950, section 2.2
		z.deflate = flate.NewReader(z.from)
		return nil
	}
	zlib, err := zlib.NewReader(z.from)
	if err != nil {
		return err
	}
	z.deflate = zlib
	return nil
}

func (z *deflateBody) Close() error { return nil }

// noEOF is an error where something had to be.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

const (
	// zstdWindowBytes is the largest window of a zstd body, and what RFC 9659
	// asks a reader to have.
	zstdWindowBytes = 8 << 20
	// zstdBytes is what a decoder takes beside it, about.
	zstdBytes = 256 << 10
)

// zstdBody has a decoder as large as the first frame says; later ones may not be
// larger.
type zstdBody struct {
	from   *bufio.Reader
	window account
	zstd   *zstd.Decoder
}

func (z *zstdBody) Read(p []byte) (int, error) {
	if z.zstd == nil {
		if err := z.begin(); err != nil {
			return 0, noEOF(err)
		}
	}
	return z.zstd.Read(p)
}

func (z *zstdBody) begin() error {
	begin, err := z.from.Peek(zstd.HeaderMaxSize)
	if err != nil && err != io.EOF {
		return err
	}
	var header zstd.Header
	if err := header.Decode(begin); err != nil {
		return err
	}
	size := header.WindowSize
	switch {
	case header.Skippable:
		size = zstdWindowBytes // another frame follows
	case header.SingleSegment:
		size = header.FrameContentSize
	}
	if size > zstdWindowBytes {
		return errors.New("front: read zstd: the window is too large")
	}
	size = max(size, zstd.MinWindowSize)
	if err := z.window.hold(int64(size) + zstdBytes); err != nil {
		return err
	}
	z.zstd, err = zstd.NewReader(z.from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(size))
	return err
}

func (z *zstdBody) Close() error {
	if z.zstd != nil {
		z.zstd.Close()
	}
	z.window.free()
	return nil
}
