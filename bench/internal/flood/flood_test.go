package flood

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/internal/exchange"
)

// serve answers like a server, and returns its address.
func serve(t *testing.T, handler http.HandlerFunc) string {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// TestRun: each connection asks again when it is answered, whole requests are sent,
// and the end of answers with a length and of chunked ones is seen.
func TestRun(t *testing.T) {
	const n = 3
	for name, c := range map[string]struct{ body, answer int }{
		"small": {64, 10}, "chunked": {64, 300_000}, "large": {1 << 20, 0},
	} {
		t.Run(name, func(t *testing.T) {
			enough := make(chan struct{}, 1<<16)
			address := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil || len(body) != c.body || r.URL.Path != "/of" {
					t.Errorf("%s, %d bytes, %v", r.URL, len(body), err)
				}
				_, _ = io.WriteString(w, strings.Repeat("a", c.answer))
				enough <- struct{}{}
			})
			f, err := Open(address, n, exchange.Post("/of", strings.Repeat("x", c.body)), http.StatusOK)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			answered, spent, err := f.Run(20 * time.Millisecond)
			if err != nil || spent < 20*time.Millisecond || int64(answered) > f.Answered() || f.Failed() != 0 {
				t.Errorf("%d of %d answers in %v, %d failed, %v", answered, f.Answered(), spent, f.Failed(), err)
			}
			if served := len(enough); f.Answered() != int64(served) || served < n {
				t.Errorf("%d answers, the server gave %d", f.Answered(), served)
			}
		})
	}
}

func TestOtherStatusesFail(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusBadRequest) })
	for status, good := range map[int]bool{http.StatusOK: false, http.StatusBadRequest: true} {
		f, err := Open(address, 2, exchange.Get("/"), status)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = f.Run(time.Millisecond)
		if err != nil || good != (f.Answered() > 0) || good != (f.Failed() == 0) || good != (f.Failure() == "") {
			t.Errorf("%d: %d answered, %d failed: %q, %v", status, f.Answered(), f.Failed(), f.Failure(), err)
		}
		if !good && !strings.Contains(f.Failure(), "400 Bad Request") {
			t.Errorf("the failure is %q", f.Failure())
		}
		f.Close()
	}
}

func TestClosedConnectionsAreErrors(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close") })
	f, err := Open(address, 2, exchange.Get("/"), http.StatusOK)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, _, err := f.Run(time.Minute); err == nil {
		t.Error("a server that closes connections is not noticed")
	}
	if _, err := Open("nowhere", 1, nil, http.StatusOK); err == nil {
		t.Error("an address without a port was taken")
	}
}

// TestTake reads answers in one piece and byte by byte.
func TestTake(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, c := range []struct {
		answer           string
		good, done, fail bool
	}{
		{ok + "Content-Length: 3\r\n\r\nabc", true, true, false},
		{ok + "content-length: 0\r\nA: b\r\n\r\n", true, true, false},
		{ok + "Content-Length: 3\r\n\r\nab", true, false, false},
		{ok + "Content-Length: 3\r\n\r\nabcd", true, false, true},
		{ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", true, true, false},
		{ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", true, false, false},
		{ok + "\r\nabc", false, false, true},
		{ok + "Content-Le", false, false, false},
		{"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", false, true, false},
		{ok + strings.Repeat("x", maxHeaderBytes), false, false, true},
	} {
		for _, size := range []int{len(c.answer), 1} {
			var one conn
			one.begin(nil)
			var good, done bool
			var err error
			for rest := c.answer; rest != "" && err == nil; rest = rest[min(size, len(rest)):] {
				good, done, err = one.take([]byte(rest[:min(size, len(rest))]), []byte("HTTP/1.1 200 "))
			}
			if (err != nil) != c.fail || !c.fail && (good != c.good || done != c.done || one.busy == c.done) {
				t.Errorf("%.60q by %d: good %v, done %v, %v", c.answer, size, good, done, err)
			}
		}
	}
}
