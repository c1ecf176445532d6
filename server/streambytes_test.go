package server_test

import (
	"fmt"
	"net"
	"runtime"
	"testing"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/generate/local"
)

// What a stream holds, before its first token and between two others, is a few
// kilobytes, clients and made-up engine included, which are in this process too. A
// goroutine's stack and the HTTP server's buffers alone would be more than twice that.
func TestStreamsHoldLittle(t *testing.T) {
	requireRing(t)
	const streams, mostBytes = 200, 12 << 10
	gate := make(chan struct{})
	s := serveOn(t, iouring.BackendURing, enginetest.Options{Printable: true, Gate: gate},
		engine.ContextConfig{MaxSequences: streams, ContextTokens: streams * 4096}, local.Batching{}, nil)
	used := func() int64 {
		runtime.GC()
		runtime.GC() // pools give up what they hold at the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	var held int64
	bounded := func(before int64) func(local.Stats) bool {
		return func(local.Stats) bool {
			held = (used() - before) / streams
			return held <= mostBytes
		}
	}
	before := used()
	for i := range streams {
		conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		connection{Conn: conn}.ask(t, fmt.Sprintf(`{"prompt":"x%d","stream":true}`, i))
	}
	s.wait(t, "all requests", func(st local.Stats) bool { return st.Active+st.Waiting == streams })
	s.wait(t, "those who wait to hold little", bounded(before))
	t.Logf("%d bytes a stream that waits", held)
	for range 6 { // a step may have been under way before the last request came
		gate <- struct{}{}
	}
	s.wait(t, "those who stream to hold little", bounded(before))
	t.Logf("%d bytes a stream between two tokens", held)
	close(gate)
}
