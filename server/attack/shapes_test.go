package attack_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// shape is a way to speak HTTP, or not to.
type shape struct {
	name    string
	send    string
	half    bool  // then close this end for writing
	answers []int // statuses of the first answer that will do; 0: the connection ends without one
	later   []int // statuses of what follows on the same connection
}

const (
	hosted   = " HTTP/1.1\r\nHost: x\r\n"
	typed    = hosted + "Content-Type: application/json\r\n"
	question = `{"content":"Hi"}`
)

var refused = []int{0, 400} // the connection may be closed on what is no HTTP

// shapes are sent whole, byte by byte, and cut at random.
var shapes = []shape{
	{name: "nothing", half: true, answers: []int{0}},
	{name: "line breaks", send: "\r\n\r\n\r\n", half: true, answers: refused},
	{name: "TLS", send: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\xaa", 300), half: true, answers: refused},
	{name: "zeros", send: strings.Repeat("\x00", 5000), half: true, answers: refused},
	{name: "HTTP/0.9", send: "GET /health\r\n\r\n", half: true, answers: refused},
	{name: "HTTP/1.0", send: "GET /health HTTP/1.0\r\n\r\n", answers: []int{200}},
	{name: "HTTP/1.2", send: "GET /health HTTP/1.2\r\nHost: x\r\n\r\n", answers: []int{0, 200, 400, 505}},
	{name: "HTTP/2.0", send: "GET /health HTTP/2.0\r\nHost: x\r\n\r\n", half: true, answers: []int{0, 400, 505}},
	{name: "HTTP/2 preface", send: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", half: true, answers: []int{0, 400, 505}},
	{name: "upgrade to HTTP/2", send: "GET /health" + hosted + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n", answers: []int{200}},
	{name: "upgrade to WebSocket", send: "GET /v1/chat/completions" + hosted + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", answers: []int{405}},
	{name: "no host", send: "GET /health HTTP/1.1\r\n\r\n", answers: []int{400}},
	{name: "two hosts", send: "GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", answers: []int{400}},
	{name: "bad host", send: "GET /health HTTP/1.1\r\nHost: a b\r\n\r\n", answers: []int{400}},
	{name: "bare line feeds", send: "GET /health HTTP/1.1\nHost: x\n\n", half: true, answers: refused},
	{name: "folded header", send: "GET /health" + hosted + "X: a\r\n b\r\n\r\n", half: true, answers: refused},
	{name: "space before colon", send: "GET /health" + hosted + "X : a\r\n\r\n", answers: []int{400}},
	{name: "no colon", send: "GET /health" + hosted + "X\r\n\r\n", answers: []int{400}},
	{name: "zero in name", send: "GET /health" + hosted + "X\x00Y: a\r\n\r\n", answers: []int{400}},
	{name: "zero in value", send: "GET /health" + hosted + "X: a\x00b\r\n\r\n", answers: []int{400}},
	{name: "large header", send: "GET /health" + hosted + "X: " + strings.Repeat("a", 100<<10) + "\r\n\r\n", answers: []int{431}},
	{name: "many headers", send: "GET /health" + hosted + strings.Repeat("X: a\r\n", 20000) + "\r\n", answers: []int{431}},
	{name: "long path", send: "GET /" + strings.Repeat("a", 40<<10) + hosted + "\r\n", answers: []int{404, 414, 431}},
	{name: "path with escapes", send: "GET /%00%ff/../../%2e%2e/etc/passwd" + hosted + "\r\n", answers: []int{301, 307, 400, 404}},
	{name: "bad escape", send: "GET /%zz" + hosted + "\r\n", answers: []int{400}},
	{name: "absolute", send: "GET http://y/health" + hosted + "\r\n", answers: []int{200}},
	{name: "star", send: "OPTIONS *" + hosted + "\r\n", answers: []int{200, 400, 404, 405}},
	{name: "connect", send: "CONNECT y:443" + hosted + "\r\n", answers: []int{400, 404, 405}},
	{name: "odd method", send: "G@T /health" + hosted + "\r\n", answers: []int{400, 405}},
	{name: "long method", send: strings.Repeat("A", 10000) + " /health" + hosted + "\r\n", answers: []int{400, 405, 431}},
	{name: "head", send: "HEAD /health" + hosted + "\r\n", answers: []int{200}},
	{name: "unknown expectation", send: "POST /tokenize" + typed + "Expect: coffee\r\nContent-Length: 16\r\n\r\n" + question, answers: []int{417}},
	{name: "expectation", send: "POST /tokenize" + typed + "Expect: 100-continue\r\nContent-Length: 16\r\n\r\n" + question, answers: []int{200}},

	{name: "half closed", send: "POST /tokenize" + typed + "Content-Length: 16\r\n\r\n" + question, half: true, answers: []int{200}},
	{name: "half closed generation", send: requestText("POST", completionPath, `{"prompt":"Hi","max_tokens":2}`), half: true, answers: []int{200}},
	{name: "half closed stream", send: requestText("POST", completionPath, `{"prompt":"Hi","max_tokens":2,"stream":true}`), half: true, answers: []int{200}},
	{name: "no body", send: "POST /tokenize" + typed + "\r\n", answers: []int{400, 411}},
	{name: "empty body", send: "POST /tokenize" + typed + "Content-Length: 0\r\n\r\n", answers: []int{400}},
	{name: "cut body", send: "POST /tokenize" + typed + "Content-Length: 100\r\n\r\n" + question, half: true, answers: []int{0, 400, 408}},
	{name: "stalled body", send: "POST /tokenize" + typed + "Content-Length: 100\r\n\r\n" + question, answers: []int{0, 400, 408}},
	{name: "stalled generation", send: "POST " + chatPath + typed + "Content-Length: 100\r\n\r\n" + `{"mes`, answers: []int{0, 400, 408}},
	{name: "two lengths", send: "POST /tokenize" + typed + "Content-Length: 16\r\nContent-Length: 17\r\n\r\n" + question, answers: []int{400}},
	{name: "negative length", send: "POST /tokenize" + typed + "Content-Length: -1\r\n\r\n", answers: []int{400}},
	{name: "signed length", send: "POST /tokenize" + typed + "Content-Length: +16\r\n\r\n" + question, answers: []int{400}},
	{name: "endless length", send: "POST /tokenize" + typed + "Content-Length: 99999999999999999999\r\n\r\n", answers: []int{400}},
	{name: "huge length", send: "POST /tokenize" + typed + "Content-Length: 9223372036854775807\r\n\r\n" + question, half: true, answers: []int{0, 400, 408, 413}},
	{name: "chunks", send: "POST /tokenize" + typed + "Transfer-Encoding: chunked\r\n\r\n8;a=b\r\n" + question[:8] + "\r\n8\r\n" + question[8:] + "\r\n0\r\nX: y\r\n\r\n", answers: []int{200}},
	{name: "cut chunks", send: "POST /tokenize" + typed + "Transfer-Encoding: chunked\r\n\r\n8\r\n" + question[:8], half: true, answers: []int{0, 400, 408}},
	{name: "stalled chunks", send: "POST /tokenize" + typed + "Transfer-Encoding: chunked\r\n\r\n10\r\n" + question + "\r\n", answers: []int{0, 400, 408}},
	{name: "bad chunk size", send: "POST /tokenize" + typed + "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + question, half: true, answers: refused},
	{name: "negative chunk", send: "POST /tokenize" + typed + "Transfer-Encoding: chunked\r\n\r\n-8\r\n" + question, half: true, answers: refused},
	{name: "huge chunk", send: "POST /tokenize" + typed + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + question, half: true, answers: []int{0, 400, 408, 413}},
	{name: "overflowing chunk", send: "POST /tokenize" + typed + "Transfer-Encoding: chunked\r\n\r\n1ffffffffffffffff\r\n" + question, half: true, answers: refused},
	{name: "endless chunk line", send: "POST /tokenize" + typed + "Transfer-Encoding: chunked\r\n\r\n8;" + strings.Repeat("a", 20000) + "\r\n", half: true, answers: []int{0, 400, 431}},
	{name: "chunk without break", send: "POST /tokenize" + typed + "Transfer-Encoding: chunked\r\n\r\n10\r\n" + question + "0\r\n\r\n", half: true, answers: refused},
	{name: "length and chunks", send: "POST /tokenize" + typed + "Content-Length: 16\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" + question + "\r\n0\r\n\r\n", half: true, answers: refused},
	{name: "unknown coding", send: "POST /tokenize" + typed + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", half: true, answers: []int{0, 400, 501}},
	{name: "no gzip", send: "POST /tokenize" + typed + "Content-Encoding: gzip\r\nContent-Length: 16\r\n\r\n" + question, answers: []int{400, 415}},
	{name: "unknown encoding", send: "POST /tokenize" + typed + "Content-Encoding: br\r\nContent-Length: 16\r\n\r\n" + question, answers: []int{400, 415}},

	{name: "one after another", send: strings.Repeat("POST /tokenize"+typed+"Content-Length: 16\r\n\r\n"+question, 20), answers: []int{200}, later: slices.Repeat([]int{200}, 19)},
	{name: "streams after another", send: strings.Repeat(requestText("POST", completionPath, `{"prompt":"Hi","max_tokens":2,"stream":true}`), 5), answers: []int{200}, later: slices.Repeat([]int{200}, 4)},
	{name: "garbage behind", send: "POST /tokenize" + typed + "Content-Length: 16\r\n\r\n" + question + "garbage\r\n\r\n", answers: []int{200}, later: []int{400}},
	{name: "error, then well", send: "POST /tokenize" + typed + "Content-Length: 1\r\n\r\n{" + requestText("POST", "/tokenize", question), answers: []int{400}, later: []int{200}},
}

func TestShapes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *target) {
		t.Logf("%d shapes, -seed=%d", len(shapes), *seedFlag)
		var all sync.WaitGroup
		for i, sh := range shapes {
			for _, longest := range []int{len(sh.send) + 1, 1, 40} {
				all.Go(func() {
					random := rand.New(rand.NewPCG(*seedFlag, uint64(1000*i+longest)))
					if err := s.try(sh, random, longest); err != nil {
						t.Errorf("%s, in pieces of up to %d bytes: %v", sh.name, longest, err)
					}
				})
			}
		}
		all.Wait()
	})
}

// mostPieces keeps what is sent byte by byte from taking minutes: beyond it
// comes the rest.
const mostPieces = 3000

// try sends a shape in pieces and reads the answers.
func (s *target) try(sh shape, random *rand.Rand, longest int) error {
	conn, err := s.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	sent := make(chan struct{})
	go func() { // the server may answer, and close, before it has all
		defer close(sent)
		rest := sh.send
		for pieces := 0; rest != ""; pieces++ {
			n := min(len(rest), 1+random.IntN(longest))
			if pieces == mostPieces {
				n = len(rest)
			}
			if _, err := io.WriteString(conn, rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
		if sh.half {
			_ = conn.CloseWrite()
		}
	}()
	err = sh.read(conn)
	_ = conn.Close()
	<-sent
	return err
}

// read checks the answers.
func (sh *shape) read(conn net.Conn) error {
	reader := bufio.NewReader(conn)
	for i, statuses := range append([][]int{sh.answers}, singles(sh.later)...) {
		status, err := readAnswer(reader, sh.send)
		if err != nil || !slices.Contains(statuses, status) {
			return fmt.Errorf("answer %d has status %d, %v; want one of %v", i, status, err, statuses)
		}
	}
	return nil
}

func singles(statuses []int) [][]int {
	var all [][]int
	for _, status := range statuses {
		all = append(all, []int{status})
	}
	return all
}

// readAnswer reads one answer, and checks it where there is one: 0 is none.
func readAnswer(reader *bufio.Reader, request string) (status int, err error) {
	method, rest, _ := strings.Cut(request, " ")
	path, _, _ := strings.Cut(rest, " ")
	for {
		response, err := http.ReadResponse(reader, &http.Request{Method: method})
		if timedOut, ok := errors.AsType[net.Error](err); ok && timedOut.Timeout() {
			return 0, err
		}
		if err != nil {
			return 0, nil
		}
		answer, err := io.ReadAll(response.Body)
		switch {
		case errors.Is(err, syscall.ECONNRESET):
			return response.StatusCode, nil // the server had closed while this end was still sending
		case err != nil:
			return response.StatusCode, err
		case response.StatusCode == http.StatusContinue:
			continue
		case method == "HEAD" || path == "*" || response.StatusCode < 400 && response.StatusCode != http.StatusOK:
			return response.StatusCode, nil
		case response.StatusCode == http.StatusNotImplemented, response.StatusCode == http.StatusHTTPVersionNotSupported:
			return response.StatusCode, nil // net/http's words for what it does not speak
		}
		return response.StatusCode, checkAnswer(path, response, answer)
	}
}
