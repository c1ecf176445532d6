package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/internal/experiment"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/sample/sampletest"
	"github.com/weirgo/weir/bench/slo"
)

// roleVariable makes the test binary act as a server.
const roleVariable = "WEIR_SLO_TEST_SERVER"

func TestMain(m *testing.M) { sampletest.Main(m, roleVariable, serve) }

// scripted answers like a server: a word is a token, prompts take no time, and a gap is
// late if there is an objective of less than 20 ms.
type scripted struct{ prompts, gaps, late atomic.Int64 }

func (s *scripted) complete(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Prompt    string
		MaxTokens int `json:"max_tokens"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	s.prompts.Add(int64(len(strings.Fields(asked.Prompt))))
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	w.Header().Set("Content-Type", "text/event-stream")
	tpot := r.Header.Get("X-Slo-Tpot-Ms")
	for i := range asked.MaxTokens {
		fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\"%d\"}]}\n\n", i)
		if http.NewResponseController(w).Flush() != nil || r.Context().Err() != nil {
			return
		}
		if tpot != "" && i > 0 {
			s.gaps.Add(1)
			if len(tpot) < len("20.000000") {
				s.late.Add(1)
			}
		}
		<-tick.C
	}
	fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}],\"usage\":{\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", asked.MaxTokens)
}

func (s *scripted) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/v1/completions", s.complete)
	mux.HandleFunc("/tokenize", func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Content string }
		_ = json.NewDecoder(r.Body).Decode(&asked)
		_ = json.NewEncoder(w).Encode(map[string][]int{"tokens": make([]int, len(strings.Fields(asked.Content)))})
	})
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		for name, n := range map[string]*atomic.Int64{promptsMetric: &s.prompts, gapsMetric: &s.gaps, lateMetric: &s.late} {
			fmt.Fprintf(w, "# TYPE %s counter\n%s{model_name=\"tiny\"} %d\n", name, name, n.Load())
		}
	})
	return mux
}

// serve takes weir's flags.
func serve(_ string, args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	host, port := flags.String("host", "", ""), flags.String("port", "", "")
	for _, other := range []string{"m", "np", "c", "t", "prefill-tokens"} {
		flags.String(other, "", "")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	return sampletest.Serve(*host, *port, new(scripted).handler())
}

func TestMeasure(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sampletest.SetFlags(t, map[string]string{
		"server": self, "factors": "1,900", "streams": "2", "prompt-tokens": "50", "alone-seconds": "1", "lead-seconds": "0.2", "seconds": "1",
	})
	t.Setenv(roleVariable, "yes")
	r := sample.NewRecorder(slo.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	if err := slo.Experiment.Derive(experiment.Round{"weir": got}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"alone/gap_p50_us", "unlimited/prompt_tokens_per_s", "x1/objective_us", "x900/kept", "x900/of_room", "x900/server_within"} {
		if got[name] <= 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	if got["errors"] != 0 || got["x900/within"] != 1 || got["prompt_tokens"] > 50 || got["prompt_tokens"] < 30 || got["least/within"] != min(got["x1/within"], 1) {
		t.Errorf("measured %v", got)
	}
}

func TestCountsNeedTheirMetrics(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if _, err := fetch(t.Context(), http.MethodGet, server.URL+"/metrics", nil); err == nil {
		t.Error("404, and no error")
	}
	own := httptest.NewServer(new(scripted).handler())
	defer own.Close()
	if _, err := promptOf(t.Context(), own.URL, 8); err == nil || !strings.Contains(err.Error(), "shorter than a sentence") {
		t.Errorf("%v", err)
	}
}
