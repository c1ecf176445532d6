package front_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
)

// What an operator has given is served to who has a key, and else the path is unknown.
func TestDebugPaths(t *testing.T) {
	said := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
	}
	s := serve(t, &generatetest.Generator{}, func(c *front.Config) {
		c.Keys = []string{"k"}
		c.Slow, c.Flight = said("slow"), said("flight")
	})
	none := serve(t, &generatetest.Generator{}, nil)
	for path, want := range map[string]string{"/debug/slow": "slow", "/debug/flight": "flight"} {
		status, _, answer := s.do(t, http.MethodGet, path, "", map[string]string{"Authorization": "Bearer k"})
		if status != http.StatusOK || answer != want {
			t.Errorf("%s: status %d: %q", path, status, answer)
		}
		if status, _, _ := s.do(t, http.MethodGet, path, "", nil); status != http.StatusUnauthorized {
			t.Errorf("%s without a key: status %d", path, status)
		}
		if status, _, _ := none.do(t, http.MethodGet, path, "", nil); status != http.StatusNotFound {
			t.Errorf("%s where there is none: status %d", path, status)
		}
	}
}

// What the scheduler did is told to who asks where the time went, of an answer that is
// known to have had two tokens, and to nobody else.
func TestScheduler(t *testing.T) {
	events := threeTokens(ask.FinishLength)
	end := *events[len(events)-1].End
	end.Spent = &ask.Spent{Worst: ask.Gap{Token: 2, Parts: ask.Parts{Decode: 1e6}}}
	events[len(events)-1].End = &end
	change := func(c *front.Config) {
		c.Scheduler = func(dst []byte, gap *ask.Gap) []byte { return fmt.Appendf(dst, `"ms":%d`, gap.Sum()/1e6) }
	}
	inVirtualTime(t, &timed{events: events}, change, func(t *testing.T, h *front.Handler) {
		for _, more := range []string{`,"weir":{"explain":true}`, `,"weir":{"explain":true},"stream":true`, ``, `,"stream":true`} {
			answer := asked(t, h, "/v1/chat/completions", `{`+hello+more+`}`).Body.String()
			if got, want := strings.Contains(answer, `"scheduler":{"ms":1}`), strings.Contains(more, "explain"); got != want {
				t.Errorf("%s: told %v: %s", more, got, answer)
			}
		}
	})
}
