package front_test

import (
	"io"
	"net/http"
	"testing"

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
