package server_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/local"
)

// A client that stops reading holds a sequence no longer than WriteTimeout,
// whatever its frames' size: little of them is taken before it shows.
func TestClientThatDoesNotReadIsDropped(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		for _, frameBytes := range []int{200, 6000, 60000} {
			doesNotRead(t, backend, frameBytes)
		}
	})
}

func doesNotRead(t *testing.T, backend iouring.Backend, frameBytes int) {
	s := serveOn(t, backend, enginetest.Options{Printable: true}, engine.ContextConfig{MaxSequences: 1, ContextTokens: 1 << 22}, local.Batching{},
		func(c *front.Config) {
			c.WriteTimeout, c.Fingerprint = 100*time.Millisecond, strings.Repeat("x", frameBytes) // which every frame has
		})
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	body := `{"prompt":"x","stream":true,"temperature":0}`
	fmt.Fprintf(conn, "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	s.wait(t, "a running generation", func(st local.Stats) bool { return st.Active == 1 })
	s.wait(t, "the freed sequence", func(st local.Stats) bool {
		return st.Active == 0 && st.KVTokens == 0 && st.Finished[ask.FinishAborted] == 1
	})
	const (
		mostBytes = 1 << 20 // kernels took four times that
		ahead     = 300     // tokens that wait in the generation, spelled by nobody
	)
	if took := (int(s.generator.Stats().CompletionTokens) - ahead) * frameBytes; took > mostBytes {
		t.Errorf("frames of %d bytes: %d bytes were taken", frameBytes, took)
	}
}
