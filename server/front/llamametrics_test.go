package front_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestLlamaMetrics(t *testing.T) {
	s := serveModel(t, newModel("abc"), nil)
	if status, _, body := s.post(t, "/completion", `{"prompt":"xy"}`); status != http.StatusOK {
		t.Fatal(body)
	}
	_, _, metrics := s.do(t, http.MethodGet, "/metrics", "", nil)
	for _, want := range []string{
		"llamacpp:prompt_tokens_total 3", "llamacpp:tokens_predicted_total 3", "llamacpp:prompt_seconds_total 1e-09", "llamacpp:tokens_predicted_seconds_total 1e-09",
		"llamacpp:prompt_tokens_seconds 3e+09", "llamacpp:predicted_tokens_seconds 3e+09", "llamacpp:n_tokens_max 6",
		"llamacpp:requests_processing 1", "llamacpp:requests_deferred 2", "llamacpp:n_decode_total 10", "llamacpp:n_busy_slots_per_decode 2.5",
	} {
		if !strings.Contains(metrics, "\n"+want+"\n") {
			t.Errorf("no %s, but\n%s", want, linesWith(metrics, "llamacpp:"))
		}
	}
	// What nothing has ended of since has no pace; what is counted stays.
	_, _, metrics = s.do(t, http.MethodGet, "/metrics", "", nil)
	for _, want := range []string{"llamacpp:prompt_tokens_seconds 0", "llamacpp:predicted_tokens_seconds 0", "llamacpp:tokens_predicted_total 3"} {
		if !strings.Contains(metrics, "\n"+want+"\n") {
			t.Errorf("no %s, but\n%s", want, linesWith(metrics, "llamacpp:"))
		}
	}
}
