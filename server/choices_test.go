package server_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/generate/local"
)

// Several answers to one request are decoded together, more than there are
// sequences too, and are what each is alone.
func TestSeveralAnswers(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		s := serveOn(t, backend, enginetest.Options{Printable: true}, engine.ContextConfig{MaxSequences: 2}, local.Batching{}, nil)
		for _, stream := range []string{"false", "true"} {
			_, _, body := s.post(t, "/v1/completions",
				`{"prompt":["ab","cd","ef"],"n":2,"max_tokens":5,"temperature":0,"stream":`+stream+`,"stream_options":{"include_usage":true}}`)
			for choice := range 6 {
				if got := strings.Count(body, fmt.Sprintf(`{"index":%d,`, choice)); got == 0 {
					t.Errorf("stream %s: no answer %d in %s", stream, choice, body)
				}
			}
			if got := strings.Count(body, `"finish_reason":"length"`); got != 6 {
				t.Errorf("stream %s: %d answers end, not 6: %s", stream, got, body)
			}
			if !strings.Contains(body, `"completion_tokens":30`) {
				t.Errorf("stream %s: %s", stream, body)
			}
		}
		s.wait(t, "an idle engine", func(st local.Stats) bool { return st.Active == 0 && st.KVTokens == 0 })
	})
}

// A client that goes takes all its answers with it: those that run and those that
// wait.
func TestDisconnectFreesAllAnswers(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		for _, stream := range []string{"true", "false"} {
			fake := enginetest.Options{Printable: true, Delay: func(*engine.Batch) time.Duration { return time.Millisecond }}
			s := serveOn(t, backend, fake, engine.ContextConfig{ContextTokens: 1 << 20, MaxSequences: 2}, local.Batching{}, nil)
			ctx, cancel := context.WithCancel(t.Context())
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/chat/completions",
				strings.NewReader(`{`+hello+`,"n":5,"stream":`+stream+`}`))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				if response, err := http.DefaultClient.Do(request); err == nil {
					lines := bufio.NewScanner(response.Body)
					for lines.Scan() {
						continue
					}
					response.Body.Close()
				}
			}()
			s.wait(t, "running and waiting answers", func(st local.Stats) bool { return st.Active == 2 && st.Waiting == 3 && st.CompletionTokens > 3 })
			cancel()
			<-gone
			s.wait(t, "freed sequences", func(st local.Stats) bool { return st.Active == 0 && st.Waiting == 0 && st.KVTokens == 0 })
		}
	})
}
