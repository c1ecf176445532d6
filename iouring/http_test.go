package iouring

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// serveHTTP runs handler on a listener with the options.
func serveHTTP(t testing.TB, network string, handler http.Handler, opts ...Option) (*http.Server, *Listener) {
	t.Helper()
	srv := &http.Server{Handler: handler}
	return srv, serve(t, network, srv, opts...)
}

func serve(t testing.TB, network string, srv *http.Server, opts ...Option) *Listener {
	t.Helper()
	ln := listen(t, network, opts...)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	t.Cleanup(func() {
		_ = srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return ln
}

// client speaks HTTP to ln through package net, so that only the server's side
// is under test.
func client(t testing.TB, ln *Listener) *http.Client {
	t.Helper()
	tr := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, ln.Addr().Network(), ln.Addr().String())
		},
		ExpectContinueTimeout: time.Minute, // so that only a real 100 lets the body go
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func echo(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(w, r.Body)
}

func TestHTTPKeepAlive(t *testing.T) {
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
		var conns sync.Map
		_, ln := serveHTTP(t, network, http.HandlerFunc(echo), opts...)
		c := client(t, ln)
		c.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			conn, err := d.DialContext(ctx, ln.Addr().Network(), ln.Addr().String())
			conns.Store(conn, true)
			return conn, err
		}
		for i := range 50 {
			want := fmt.Sprintf("body %d", i)
			res, err := c.Post("http://x/", "text/plain", strings.NewReader(want))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err != nil || string(got) != want {
				t.Fatalf("got %q, %v; want %q", got, err, want)
			}
		}
		n := 0
		conns.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			t.Errorf("50 requests took %d connections, want 1", n)
		}
	})
}

func TestHTTPPipelining(t *testing.T) {
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
		_, ln := serveHTTP(t, network, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.URL.Path)
		}), opts...)
		c := dialRaw(t, ln)
		var all strings.Builder
		for i := range 20 {
			fmt.Fprintf(&all, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i)
		}
		if _, err := io.WriteString(c, all.String()); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(c)
		for i := range 20 {
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := io.ReadAll(res.Body); string(got) != fmt.Sprintf("/%d", i) {
				t.Fatalf("response %d is %q", i, got)
			}
		}
	})
}

func TestHTTPExpectContinue(t *testing.T) {
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
		_, ln := serveHTTP(t, network, http.HandlerFunc(echo), opts...)
		req, err := http.NewRequest("PUT", "http://x/", strings.NewReader("after the 100"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Expect", "100-continue")
		res, err := client(t, ln).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if got, _ := io.ReadAll(res.Body); string(got) != "after the 100" {
			t.Fatalf("got %q", got)
		}
	})
}

func TestHTTPHijackKeepsBufferedBytes(t *testing.T) {
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
		_, ln := serveHTTP(t, network, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			line, err := rw.ReadString('\n')
			fmt.Fprintf(conn, "%s|%v\n", strings.TrimSpace(line), err)
		}), opts...)
		c := dialRaw(t, ln)
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\nhello\n")
		if got, err := bufio.NewReader(c).ReadString('\n'); err != nil || got != "hello|<nil>\n" {
			t.Fatalf("got %q, %v", got, err)
		}
	})
}

func TestHTTPLargeBodies(t *testing.T) {
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
		_, ln := serveHTTP(t, network, http.HandlerFunc(echo), opts...)
		body := make([]byte, 8<<20)
		rand.New(rand.NewSource(1)).Read(body)
		res, err := client(t, ln).Post("http://x/", "application/octet-stream", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("8 MiB came back as %d bytes, %v", len(got), err)
		}
	})
}

func TestHTTPSlowReaderAndWriter(t *testing.T) {
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
		const size = 4 << 20
		_, ln := serveHTTP(t, network, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			w.Header().Set("X-Got", fmt.Sprint(n))
			_, _ = w.Write(make([]byte, size))
		}), opts...)
		c := dialRaw(t, ln)
		_, _ = fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 300\r\n\r\n")
		for range 300 { // a byte at a time
			if _, err := c.Write([]byte{'.'}); err != nil {
				t.Fatal(err)
			}
		}
		res, err := http.ReadResponse(bufio.NewReaderSize(c, 64), nil)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{res.Body}, make([]byte, 4099))
		if err != nil || n != size || res.Header.Get("X-Got") != "300" {
			t.Fatalf("%d bytes, %v, server got %s", n, err, res.Header.Get("X-Got"))
		}
	})
}

func TestHTTPClientResetEndsRequest(t *testing.T) {
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
		ended := make(chan error, 1)
		_, ln := serveHTTP(t, network, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			ended <- r.Context().Err()
		}), opts...)
		c := dialRaw(t, ln)
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		if tc, ok := c.(*net.TCPConn); ok {
			_ = tc.SetLinger(0) // RST
		}
		_ = c.Close()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("the request lives on after its client reset the connection")
		}
	})
}

func TestHTTPGracefulShutdown(t *testing.T) {
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
		begun, release := make(chan bool), make(chan bool)
		srv, ln := serveHTTP(t, network, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(begun)
			<-release
			_, _ = io.WriteString(w, "whole")
		}), opts...)
		type answer struct {
			body []byte
			err  error
		}
		got := make(chan answer, 1)
		c := client(t, ln)
		go func() {
			res, err := c.Get("http://x/")
			if err != nil {
				got <- answer{nil, err}
				return
			}
			defer res.Body.Close()
			b, err := io.ReadAll(res.Body)
			got <- answer{b, err}
		}()
		<-begun
		down := make(chan error, 1)
		go func() { down <- srv.Shutdown(context.Background()) }()
		for { // refused as soon as the listener is closed
			conn, err := net.Dial(ln.Addr().Network(), ln.Addr().String())
			if err != nil {
				break
			}
			_ = conn.Close()
		}
		close(release)
		if a := <-got; a.err != nil || string(a.body) != "whole" {
			t.Fatalf("request under way: %q, %v", a.body, a.err)
		}
		if err := <-down; err != nil {
			t.Fatal(err)
		}
	})
}

func TestHTTP2Cleartext(t *testing.T) {
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
		ln := listen(t, network, opts...)
		var protocols http.Protocols
		protocols.SetUnencryptedHTTP2(true)
		srv := &http.Server{Protocols: &protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.Proto+" ")
			_, _ = io.Copy(w, r.Body)
		})}
		go func() { _ = srv.Serve(ln) }()
		t.Cleanup(func() { _ = srv.Close() })
		c := client(t, ln)
		c.Transport.(*http.Transport).Protocols = &protocols
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				body := strings.Repeat(fmt.Sprint(i), 5000)
				res, err := c.Post("http://x/", "text/plain", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				defer res.Body.Close()
				if got, err := io.ReadAll(res.Body); string(got) != "HTTP/2.0 "+body {
					t.Errorf("%d bytes of %d, %v", len(got), len(body), err)
				}
			})
		}
		wg.Wait()
	})
}

func TestHTTPOverTLS(t *testing.T) {
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
		ln := listen(t, network, opts...)
		srv := httptest.NewUnstartedServer(http.HandlerFunc(echo))
		_ = srv.Listener.Close()
		srv.Listener = ln
		srv.StartTLS()
		defer srv.Close()
		c := client(t, ln)
		c.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
		body := strings.Repeat("secret ", 50_000)
		res, err := c.Post("https://x/", "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if got, err := io.ReadAll(res.Body); string(got) != body {
			t.Fatalf("%d bytes of %d, %v", len(got), len(body), err)
		}
	})
}
