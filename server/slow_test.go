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

// A client that stops reading holds a sequence no longer than WriteTimeout.
func TestClientThatDoesNotReadIsDropped(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		s := serveOn(t, backend, enginetest.Options{Printable: true}, engine.ContextConfig{MaxSequences: 1, ContextTokens: 1 << 22}, local.Batching{},
			func(c *front.Config) { c.WriteTimeout = 100 * time.Millisecond })
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
	})
}
