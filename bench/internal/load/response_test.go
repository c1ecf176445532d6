package load

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"

var responses = []struct {
	name, wire string
	frames     []string
	status     int
	message    string
	closes     bool
}{
	{
		name:   "stream",
		wire:   streamHead + "b\r\ndata: one\n\n\r\n16;x=1\r\ndata: two\n\ndata:[x]\n\n\r\n0\r\nTrailer: t\r\n\r\n",
		frames: []string{"one", "two", "[x]"}, status: 200,
	},
	{
		name:   "frame over several chunks",
		wire:   streamHead + "4\r\ndata\r\n4\r\n: ab\r\n3\r\ncd\n\r\n1\r\n\n\r\n0\r\n\r\n",
		frames: []string{"abcd"}, status: 200,
	},
	{
		name:   "comments and other fields",
		wire:   streamHead + "1c\r\n: ping\n\nevent: x\ndata: y\n\n\r\n\r\n0\r\n\r\n",
		frames: []string{"y"}, status: 200,
	},
	{
		name:   "error with a length",
		wire:   "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 4\r\nConnection: close\r\n\r\nbusy",
		status: 429, message: "busy", closes: true,
	},
	{
		name: "empty body", wire: "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", status: 204,
	},
	{
		name: "interim response", wire: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
		status: 200, message: "x",
	},
}

// TestResponseInPieces feeds each response whole, byte by byte, and cut at
// each place.
func TestResponseInPieces(t *testing.T) {
	for _, test := range responses {
		feeds := [][][]byte{slices.Collect(slices.Chunk([]byte(test.wire), len(test.wire))), slices.Collect(slices.Chunk([]byte(test.wire), 1))}
		for cut := 1; cut < len(test.wire); cut++ {
			feeds = append(feeds, [][]byte{[]byte(test.wire[:cut]), []byte(test.wire[cut:])})
		}
		for _, pieces := range feeds {
			var frames []string
			r := response{frame: func(data []byte) { frames = append(frames, string(data)) }}
			r.reset()
			for i, piece := range pieces {
				if r.done() {
					t.Fatalf("%s: done before piece %d of %d", test.name, i, len(pieces))
				}
				if err := r.feed(bytes.Clone(piece)); err != nil {
					t.Fatalf("%s: %v", test.name, err)
				}
			}
			if !r.done() || !slices.Equal(frames, test.frames) || r.status != test.status ||
				string(r.message) != test.message || r.closes != test.closes {
				t.Fatalf("%s in %d pieces: done %v, frames %q, %+v", test.name, len(pieces), r.done(), frames, r)
			}
		}
	}
}

func TestResponseUntilClose(t *testing.T) {
	r := response{frame: func([]byte) {}}
	r.reset()
	if err := r.feed([]byte("HTTP/1.1 500 Oops\r\n\r\nit broke")); err != nil {
		t.Fatal(err)
	}
	if r.done() || !r.closed() || string(r.message) != "it broke" || !r.closes {
		t.Errorf("response is %+v", r)
	}
}

func TestResponseIsReusedClean(t *testing.T) {
	var frames int
	r := response{frame: func([]byte) { frames++ }}
	for range 3 {
		for _, test := range responses {
			r.reset()
			if err := r.feed([]byte(test.wire)); err != nil || !r.done() || string(r.message) != test.message {
				t.Fatalf("%s: %v, %+v", test.name, err, r)
			}
		}
	}
	if frames != 3*5 {
		t.Errorf("%d frames", frames)
	}
}

func TestMalformedResponses(t *testing.T) {
	for name, wire := range map[string]string{
		"another protocol": "SSH-2.0-OpenSSH\r\n",
		"old protocol":     "HTTP/1.0 200 OK\r\n",
		"no status":        "HTTP/1.1 abc\r\n",
		"no header":        "HTTP/1.1 200 OK\r\nnonsense\r\n",
		"negative length":  "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n",
		"chunk size":       streamHead + "zz\r\n",
		"negative chunk":   streamHead + "-1\r\n",
		"chunk too long":   streamHead + "1\r\nab\r\n",
		"more than asked":  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy",
		"endless line":     "HTTP/1.1 200 OK\r\n" + strings.Repeat("x", lineLimitBytes+1),
	} {
		r := response{frame: func([]byte) {}}
		r.reset()
		if err := r.feed([]byte(wire)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// FuzzResponse: whatever comes in, there is no panic, and the result does not
// depend on how reads cut the bytes.
func FuzzResponse(f *testing.F) {
	for _, test := range responses {
		f.Add([]byte(test.wire), 7)
	}
	f.Fuzz(func(t *testing.T, wire []byte, size int) {
		parse := func(size int) (frames []string, done, failed bool) {
			r := response{frame: func(data []byte) { frames = append(frames, string(data)) }}
			r.reset()
			for piece := range slices.Chunk(wire, size) {
				if err := r.feed(piece); err != nil {
					return frames, false, true
				}
			}
			return frames, r.done(), false
		}
		if len(wire) == 0 || size < 1 || size > len(wire) {
			return
		}
		frames, done, failed := parse(len(wire))
		piecewise, doneToo, failedToo := parse(size)
		if done != doneToo || failed != failedToo || !failed && !slices.Equal(frames, piecewise) {
			t.Errorf("whole: %q %v %v; pieces of %d: %q %v %v", frames, done, failed, size, piecewise, doneToo, failedToo)
		}
	})
}
