package front

import (
	"cmp"
	"errors"
	"io"
	"math/rand"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	head    = "POST / HTTP/1.1\r\nHost: x\r\n"
	chunked = head + "Transfer-Encoding: chunked\r\n\r\n"
)

var framings = []struct {
	name, accepted, rest string // rest is refused from its first byte
	err                  error
}{
	{"no body", head + "\r\n", "", nil},
	{"body", head + "Content-Length: 5\r\n\r\na\nb\x00\r", "", nil},
	{"body of nothing", head + "content-LENGTH:0\r\n\r\n", "", nil},
	{"bodies in a row", strings.Repeat(head+"Content-Length: \t2 \r\n\r\n\n ", 3), "", nil},
	{"chunks", chunked + "2\r\n\n\n\r\n0A;x=\"y\"\r\n0123456789\r\n0\r\nA: b\r\n\r\n" + head + "\r\n", "", nil},
	{"the same length twice", head + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx" + head, "", nil},
	{"bare LF in the request line", "GET / HTTP/1.1", "\n\r\n", errLineEnd},
	{"bare LF in the header", head + "A: b", "\nC: d\r\n\r\n", errLineEnd},
	{"bare LF at the header's end", head, "\n", errLineEnd},
	{"bare CR", head + "A: b\r", "c: d\r\n\r\n", errLineEnd},
	{"bare LF in the second request", head + "Content-Length: 1\r\n\r\nxGET / HTTP/1.1\r\nA: b", "\n\r\n", errLineEnd},
	{"obs-fold", head + "A: b\r\n", " c\r\n\r\n", errFold},
	{"obs-fold with a tab", head + "A: b\r\n", "\tc\r\n\r\n", errFold},
	{"a header that begins with a blank", "GET / HTTP/1.1\r\n", " A: b\r\n", errFold},
	{"obs-fold in a trailer", chunked + "0\r\nA: b\r\n", " c\r\n\r\n", errFold},
	{"NUL", head + "A: ", "\x00\r\n", errControlBytes},
	{"both lengths", head + "Content-Length: 3\r\nTransfer-Encoding", ": chunked\r\n\r\n0\r\n\r\n", errTwoLengths},
	{"both lengths, turned", head + "TRANSFER-encoding: chunked\r\ncontent-length", ": 3\r\n\r\n0\r\n\r\n", errTwoLengths},
	{"chunks over HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding", ": chunked\r\n\r\n0\r\n\r\n", errTwoLengths},
	{"lengths that differ", head + "Content-Length: 1\r\nContent-Length: 2\r", "\n\r\nxx", errLength},
	{"a length that is none", head + "Content-Length: ", "x\r\n\r\n", errLength},
	{"a length with a sign", head + "Content-Length: ", "+1\r\n\r\n", errLength},
	{"a list of lengths", head + "Content-Length: 1", ", 1\r\n\r\n", errLength},
	{"a length in two", head + "Content-Length: 1 ", "1\r\n\r\n", errLength},
	{"no length", head + "Content-Length: \r", "\n\r\n", errLength},
	{"a length that overflows", head + "Content-Length: 922337203685477580", "99\r\n\r\n", errLength},
	{"no chunk size", chunked + "\r", "\n", errChunk},
	{"a chunk size that is none", chunked, "x\r\n", errChunk},
	{"a chunk size that overflows", chunked + "7fffffffffffffff", "0\r\n", errChunk},
	{"a chunk that is longer", chunked + "1\r\nx", "y\r\n", errChunk},
	{"bare LF behind a chunk's size", chunked + "1", "\nx\r\n", errLineEnd},
	{"bare LF behind a chunk", chunked + "1\r\nx", "\n0\r\n\r\n", errLineEnd},
	{"bare LF behind the last chunk", chunked + "0\r\n", "\n", errLineEnd},
}

// However the bytes come, the same ones are refused.
func TestFraming(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for _, test := range framings {
		for range 200 {
			var f framing
			var err error
			accepted, rest := 0, test.accepted+test.rest
			for len(rest) > 0 && err == nil {
				n, some := 0, 1+rng.Intn(min(len(rest), 40))
				n, err = f.scan([]byte(rest[:some]))
				accepted, rest = accepted+n, rest[some:]
			}
			if !errors.Is(err, test.err) || accepted != len(test.accepted) {
				t.Errorf("%s: %d bytes accepted of %d, %v; want %v", test.name, accepted, len(test.accepted), err, test.err)
				break
			}
		}
	}
}

// A connection that begins with the preface of HTTP/2, however it comes, is left as
// it is from there; one that sends it later, or almost, is not.
func TestPrefaceOfHTTP2(t *testing.T) {
	const frames = "\x00\x00\x00\x04\x00\x00\x00\x00\x00\n \n"
	for _, test := range []struct {
		sent  string
		http2 bool
		err   error
	}{
		{preface + frames, true, nil},
		{preface, true, nil},
		{preface[:len(preface)-1], false, nil},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\n" + frames, false, errLineEnd},
		{head + "\r\n" + preface + frames, false, errControlBytes},
		{"PRI * HTTP/1.1\r\n\r\n" + preface + frames, false, errControlBytes},
	} {
		for piece := 1; piece <= len(test.sent); piece++ {
			var s strictness
			from := iotest.OneByteReader(strings.NewReader(test.sent))
			if piece > 1 {
				from = strings.NewReader(test.sent)
			}
			var read []byte
			var err error
			for p := make([]byte, piece); err == nil; {
				var n int
				n, err = s.read(from, p)
				read = append(read, p[:n]...)
			}
			if s.http2 != test.http2 || !strings.HasPrefix(test.sent, string(read)) {
				t.Fatalf("%q in pieces of %d: %q is read, HTTP/2 %v", test.sent, piece, read, s.http2)
			}
			if want := cmp.Or(test.err, io.EOF); !errors.Is(err, want) || want == io.EOF && string(read) != test.sent {
				t.Fatalf("%q in pieces of %d: %q, %v", test.sent, piece, read, err)
			}
		}
	}
}

func TestFramingAllocatesNothing(t *testing.T) {
	request := []byte(head + "Content-Length: 5\r\n\r\nabcde")
	var f framing
	if n := testing.AllocsPerRun(100, func() { _, _ = f.scan(request) }); n != 0 {
		t.Errorf("%v allocations a request", n)
	}
}

func FuzzFraming(f *testing.F) {
	for _, test := range framings {
		f.Add([]byte(test.accepted+test.rest), 7)
	}
	f.Fuzz(func(t *testing.T, p []byte, at int) {
		var whole, parts framing
		n, err := whole.scan(p)
		at = min(max(at, 0), len(p))
		m, again := parts.scan(p[:at])
		if again == nil {
			var more int
			more, again = parts.scan(p[at:])
			m += more
		}
		if n != m || err != again || n < 0 || n > len(p) {
			t.Errorf("%q: %d, %v at once; %d, %v in two, cut at %d", p, n, err, m, again, at)
		}
	})
}
