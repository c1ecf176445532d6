package attack_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestSilentClients has clients say nothing, half of something, or read
// nothing of what they asked for: others are served all the while, and SIGTERM
// ends the server with all of them there.
func TestSilentClients(t *testing.T) {
	t.Parallel()
	each := times(3*sequences, sequences)
	endless := requestText("POST", chatPath, `{"messages":[{"role":"user","content":"Hi"}],"max_tokens":480,"ignore_eos":true,"stream":true,"logprobs":true,"top_logprobs":20}`)
	onEach(t, func(t *testing.T, s *target) {
		var silent []net.Conn
		hang := func(request string, n int) {
			for range n {
				conn, err := s.dial()
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = conn.Close() })
				_ = conn.SetReadBuffer(4096)
				if _, err := io.WriteString(conn, request); err != nil {
					t.Fatal(err)
				}
				silent = append(silent, conn)
			}
		}
		hang("", 8*each)
		hang("GET /health HT", each)
		hang("GET /health"+hosted+"X: ", each)
		hang("POST "+chatPath+typed+"Content-Length: 8000000\r\n\r\n"+`{"messages":[`, each)
		hang(endless, each)
		for range times(50, 5) {
			for _, body := range realBodies {
				if status, _, err := s.post(body.path, body.text); err != nil || status != http.StatusOK {
					t.Errorf("beside silent clients: status %d, %v", status, err)
				}
			}
		}
		for _, conn := range silent {
			_ = conn.Close()
		}
		s.comesToRest(t)
		hang("", each)
		hang(endless, each)
		s.ends(t)
	})
}

// TestAbortedPrompts gives up on long prompts while they are read, wait, are
// tokenized or decoded.
func TestAbortedPrompts(t *testing.T) {
	t.Parallel()
	count := times(2000, 60)
	onBoth(t, func(t *testing.T, s *target) {
		random := rand.New(rand.NewPCG(*seedFlag, 3))
		t.Logf("%d prompts, -seed=%d", count, *seedFlag)
		var all sync.WaitGroup
		requests := make(chan breakOff)
		for range 4 * sequences {
			all.Go(func() {
				for b := range requests {
					if err := b.do(s); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range count {
			words := 1 + random.IntN(contextTokens-20)
			if random.IntN(20) == 0 {
				words = 1 << random.IntN(18) // far beyond the context
			}
			text := fmt.Sprintf(`{"prompt":"%s","max_tokens":16,"stream":%v}`, strings.Repeat("the ", words), random.IntN(2) == 0)
			requests <- breakOff{requestText("POST", completionPath, text), random.IntN(2) * random.IntN(600), random.IntN(2) == 0}
		}
		close(requests)
		all.Wait()
	})
}
