package server_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/local"
)

const (
	tokenizeHead = "POST /tokenize HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	chatHead     = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
)

// counted reports how many requests of a route have ended with a status.
func (s *service) counted(t *testing.T, path string, status int) int {
	t.Helper()
	_, _, text := s.do(t, http.MethodGet, "/metrics", "", nil)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "weir_http_requests_total{") && strings.Contains(line, `path="`+path+`"`) && strings.Contains(line, fmt.Sprintf("status=%q", strconv.Itoa(status))) {
			n, err := strconv.Atoi(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	return 0
}

// A body that does not arrive gets a status that says so, and that status is
// what is counted; never 200.
func TestBodyThatDoesNotArrive(t *testing.T) {
	const chunked, length = "Transfer-Encoding: chunked\r\n\r\n", "Content-Length: 100\r\n\r\n"
	tests := []struct {
		name, rest string
		end        func(*net.TCPConn) error // nil: nothing more comes
		status     int
		code       string
	}{
		{"stalled", length + `{"a`, nil, 408, "request_timeout"},
		{"never begun", length, nil, 408, "request_timeout"},
		{"stalled chunk", chunked + "5\r\n{\"a", nil, 408, "request_timeout"},
		{"stalled between chunks", chunked + "3\r\n{\"a\r\n", nil, 408, "request_timeout"},
		{"cut off", length + `{"a`, (*net.TCPConn).CloseWrite, 400, "invalid_body"},
		{"cut off before it begins", length, (*net.TCPConn).CloseWrite, 400, "invalid_body"},
		{"cut off chunk", chunked + "5\r\n{\"a", (*net.TCPConn).CloseWrite, 400, "invalid_body"},
		{"cut off between chunks", chunked + "2\r\n{}\r\n", (*net.TCPConn).CloseWrite, 400, "invalid_body"},
		{"a size that is none", chunked + "zz\r\n{}\r\n0\r\n\r\n", nil, 400, "invalid_body"},
		{"a size that is negative", chunked + "-2\r\n{}\r\n0\r\n\r\n", nil, 400, "invalid_body"},
		{"a size that overflows", chunked + "10000000000000002\r\n{}\r\n0\r\n\r\n", nil, 400, "invalid_body"},
		{"more than the chunk says", chunked + "2\r\n{}}\r\n0\r\n\r\n", nil, 400, "invalid_body"},
		{"a line end of its own", chunked + "2\n{}\r\n0\r\n\r\n", nil, 400, "invalid_body"},
		{"gzip that ends too early", "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08", nil, 400, "invalid_body"},
		{"gzip that stalls", "Content-Encoding: gzip\r\n" + length + "\x1f\x8b\x08", nil, 408, "request_timeout"},
		{"zstd that stalls", "Content-Encoding: zstd\r\n" + length + "\x28\xb5\x2f\xfd", nil, 408, "request_timeout"},
	}
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		patient := serveOn(t, backend, saying("abc"), engine.ContextConfig{}, local.Batching{}, nil)
		hasty := serveOver(t, backend, clients{readTimeout: 50 * time.Millisecond}, saying("abc"), engine.ContextConfig{}, local.Batching{}, nil)
		for _, test := range tests {
			s := patient
			if test.status == 408 {
				s = hasty
			}
			for path, head := range map[string]string{"/tokenize": tokenizeHead, "/v1/chat/completions": chatHead} {
				before := s.counted(t, path, test.status)
				c := s.connect(t)
				if _, err := io.WriteString(c, head+test.rest); err != nil {
					t.Fatal(err)
				}
				if test.end != nil {
					if err := test.end(c.Conn.(*net.TCPConn)); err != nil {
						t.Fatal(err)
					}
				}
				status, body := c.answer(t)
				if status != test.status || decodeError(t, body).Code != ofPath(path, test.code, status) {
					t.Errorf("%s, %s: status %d, %s; want %d, %s", test.name, path, status, body, test.status, test.code)
				}
				if strings.HasPrefix(test.name, "gzip that ends") {
					continue // all of it has arrived
				}
				if rest, err := io.ReadAll(c.lines); err != nil || len(rest) > 0 {
					t.Errorf("%s, %s: after the answer: %q, %v; want the connection's end", test.name, path, rest, err)
				}
				if n := s.counted(t, path, test.status) - before; n != 1 {
					t.Errorf("%s, %s: %d counted with status %d", test.name, path, n, test.status)
				}
				if n := s.counted(t, path, 200); n != 0 {
					t.Errorf("%s, %s: %d counted with status 200", test.name, path, n)
				}
			}
		}
	})
}

// Over HTTP/2 a stream's body may stall as well.
func TestBodyThatStallsOverHTTP2(t *testing.T) {
	s := serveOver(t, iouring.BackendNet, clients{secure: true, readTimeout: 50 * time.Millisecond}, saying("abc"), engine.ContextConfig{}, local.Batching{}, nil)
	// A connection on which something has come back is kept: the time of its
	// beginning, 50 ms here as for a body, may be too short.
	client := s.server.Client()
	defer client.CloseIdleConnections()
	for begins := time.Now(); ; {
		response, err := client.Get(s.url + "/health")
		if err == nil {
			response.Body.Close()
			break
		}
		if time.Since(begins) > time.Minute {
			t.Fatal(err)
		}
	}
	body, rest := io.Pipe()
	defer rest.Close()
	go func() { _, _ = io.WriteString(rest, `{"a`) }()
	request, err := http.NewRequest(http.MethodPost, s.url+"/tokenize", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if response.ProtoMajor != 2 || response.StatusCode != http.StatusRequestTimeout || err != nil || !strings.Contains(string(answer), "did not arrive in time") {
		t.Errorf("%s, status %d, %q, %v", response.Proto, response.StatusCode, answer, err)
	}
}

// Nobody can be told who has broken the connection off; it is counted so.
func TestBodyBrokenOff(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		s := serveOn(t, backend, saying("abc"), engine.ContextConfig{}, local.Batching{}, nil)
		c := s.connect(t)
		if _, err := io.WriteString(c, tokenizeHead+"Content-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		if err := c.Conn.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		s.wait(t, "the request's end", func(local.Stats) bool { return s.counted(t, "/tokenize", 499) == 1 })
		if n := s.counted(t, "/tokenize", 200); n != 0 {
			t.Errorf("%d counted with status 200", n)
		}
	})
}

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

func zstandard(text string) string {
	z, _ := zstd.NewWriter(nil)
	return string(z.EncodeAll([]byte(text), nil))
}

func TestBodyEncodings(t *testing.T) {
	const limit, text = 10000, `{"content":"ab"}`
	zeros := `{"content":"` + strings.Repeat("0", 100<<20) + `"}`
	s := serve(t, enginetest.Options{}, engine.ContextConfig{}, local.Batching{}, func(c *front.Config) { c.BodyBytes = limit })
	for _, test := range []struct {
		name, encoding, body string
		status               int
		want                 string
	}{
		{"none", "", text, 200, `"tokens":[`},
		{"identity", "identity", text, 200, `"tokens":[`},
		{"gzip", "gzip", gzipped(text), 200, `"tokens":[`},
		{"gzip in two parts", "GZIP", gzipped(text[:5]) + gzipped(text[5:]), 200, `"tokens":[`},
		{"zstd", "zstd", zstandard(text), 200, `"tokens":[`},
		{"gzip that is none", "gzip", text, 400, "cannot be read as gzip"},
		{"empty gzip", "gzip", "", 400, "cannot be read as gzip"},
		{"gzip with a wrong sum", "gzip", gzipped(text)[:len(gzipped(text))-8] + "12345678", 400, "cannot be read as gzip"},
		{"zstd that is none", "zstd", text, 400, "cannot be read as zstd"},
		{"gzip that is not announced", "", gzipped(text), 400, "malformed JSON"},
		{"large gzip", "gzip", gzipped(zeros[:limit+1]), 413, "larger than 10000 bytes"},
		{"gzip bomb", "gzip", gzipped(zeros[:9<<20]), 413, "larger than 10000 bytes"},
		{"zstd bomb", "zstd", zstandard(zeros), 413, "larger than 10000 bytes"},
		{"brotli", "br", text, 415, `encoding \"br\" is not supported: send gzip, deflate, zstd`},
		{"twice", "gzip, gzip", gzipped(gzipped(text)), 415, `encoding \"gzip, gzip\" is not supported`},
		{"deflate that is none", "deflate", text, 400, "cannot be read as deflate"},
	} {
		status, header, body := s.do(t, http.MethodPost, "/tokenize", test.body, map[string]string{"Content-Type": "application/json", "Content-Encoding": test.encoding})
		if status != test.status || !strings.Contains(body, test.want) {
			t.Errorf("%s: status %d, %s; want %d, %s", test.name, status, body, test.status, test.want)
		}
		if accepted := header.Get("Accept-Encoding"); (accepted != "") != (status == 415) {
			t.Errorf("%s: status %d, Accept-Encoding %q", test.name, status, accepted)
		}
	}
}
