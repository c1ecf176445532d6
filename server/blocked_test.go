package server_test

import (
	"net"
	"testing"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/local"
)

// A client that has read nothing for so long that its generation waits goes: no step is
// made for it any more.
func TestClientGoesWhileItsWriteIsBlocked(t *testing.T) {
	const ring = 16
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		s := serveOn(t, backend, enginetest.Options{Printable: true}, engine.ContextConfig{MaxSequences: 1, ContextTokens: 1 << 22}, local.Batching{RingTokens: ring},
			func(c *front.Config) { c.Streams.PauseBytes, c.Streams.LimitBytes = 8<<10, 64<<10 })
		c := s.connect(t)
		if err := c.Conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		c.ask(t, `{"prompt":"x","stream":true,"temperature":0}`)
		tokens := uint64(0)
		s.wait(t, "a generation that waits for good", func(st local.Stats) bool { // sockets' buffers grow for a while
			same := st.Paused == 1 && st.CompletionTokens == tokens
			tokens = st.CompletionTokens
			return same
		})
		if err := c.Conn.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		s.wait(t, "the freed sequence", func(st local.Stats) bool {
			return st.Active == 0 && st.KVTokens == 0 && st.Finished[ask.FinishAborted] == 1
		})
		// What was on its way meanwhile, if the buffers had some room yet, is bounded by
		// them and not by the context.
		if made := s.generator.Stats().CompletionTokens; made > tokens+1<<16 {
			t.Errorf("%d tokens when it was blocked, %d in the end", tokens, made)
		}
	})
}
