package front_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
)

// pipes is a listener whose connections are pipes, in virtual time.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// The deadline of one answer's writing neither cuts generating short nor reaches
// into the next answer on the connection.
func TestKeptConnectionOutlivesWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = time.Second
		gate := make(chan struct{})
		g := &generatetest.Generator{Reply: "abc", Gate: gate}
		handler, err := front.New(front.Config{
			Generator: g, WriteTimeout: timeout, Log: slog.New(slog.DiscardHandler),
			Streams: fanout.Config{Backend: iouring.BackendNet}, // a ring lives in real time
		})
		if err != nil {
			t.Fatal(err)
		}
		server, listener := &http.Server{Handler: handler}, make(pipes)
		go server.Serve(listener)
		dials := 0
		client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			dials++
			near, far := net.Pipe()
			listener <- far
			return near, nil
		}}}
		for _, test := range []struct {
			method, path, body string
			status             int
		}{
			{http.MethodGet, "/health", "", 200},
			{http.MethodGet, "/nothing", "", 404},
			{http.MethodPost, "/v1/chat/completions", `{` + hello + `}`, 200},
			{http.MethodPost, "/v1/chat/completions", `{` + hello + `,"stream":true}`, 200},
			{http.MethodPost, "/v1/chat/completions", `{}`, 400},
			{http.MethodGet, "/metrics", "", 200},
		} {
			request, err := http.NewRequest(test.method, "http://x"+test.path, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			if test.status == 200 && test.method == http.MethodPost {
				go func() {
					for range len(g.Reply) + 1 { // tokens and the end, slower than the timeout
						<-time.After(2 * timeout)
						gate <- struct{}{}
					}
				}()
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatalf("%s: %v", test.path, err)
			}
			answer, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || response.StatusCode != test.status || len(answer) == 0 {
				t.Errorf("%s: status %d, %q, %v", test.path, response.StatusCode, answer, err)
			}
			<-time.After(2 * timeout)
		}
		if dials != 1 {
			t.Errorf("%d connections", dials)
		}
		client.CloseIdleConnections()
		close(listener)
		server.Close()
		handler.Close()
		synctest.Wait()
	})
}
