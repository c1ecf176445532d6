package exchange

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHTTP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path == "/refused" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		io.WriteString(w, r.Method+string(body))
		if r.URL.Path == "/chunked" {
			w.(http.Flusher).Flush()
			io.WriteString(w, "more")
		}
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	for _, request := range [][]byte{Get("/"), Post("/", `{"content":"x"}`), Post("/chunked", "{}")} {
		c, err := Dial("tcp", address, 2, request, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			if err := c.Step(i % 2); err != nil {
				t.Errorf("%s: %v", request, err)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if c.Step(0) == nil {
			t.Error("a closed connection was used")
		}
	}
	if _, err := Dial("tcp", address, 1, Get("/refused"), 0); err == nil {
		t.Error("a refusal was taken for an answer")
	}
}

func TestEcho(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		io.CopyN(conn, conn, 8)
	}()
	c, err := Dial("tcp", listener.Addr().String(), 1, []byte("ping"), 4)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 {
		if err := c.Step(0); err != nil {
			t.Error(err)
		}
	}
	if c.Step(0) == nil {
		t.Error("the server was gone")
	}
	if _, err := Dial("unix", "/nowhere", 1, nil, 1); err == nil {
		t.Error("connected to nobody")
	}
}
