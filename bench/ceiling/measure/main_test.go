package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/ceiling"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/sample/sampletest"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// roleVariable makes the test binary act as a server.
const roleVariable = "WEIR_CEILING_TEST_SERVER"

func TestMain(m *testing.M) { sampletest.Main(m, roleVariable, serve) }

// serve takes weir's flags and streams numbers, all streams in step.
func serve(role string, args []string) error {
	if role == "refuses" || args[0] != "serve" {
		return errors.New("no such model")
	}
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	host, port := flags.String("host", "", ""), flags.String("port", "", "")
	for _, other := range []string{"m", "np", "c", "t"} {
		flags.String(other, "", "")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/v1/completions", func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			MaxTokens int `json:"max_tokens"`
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || role == "fails" {
			http.Error(w, "no", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		pace := time.NewTicker(20 * time.Millisecond)
		defer pace.Stop()
		for i := range asked.MaxTokens {
			fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\"%d\"}]}\n\n", i)
			_ = http.NewResponseController(w).Flush()
			<-pace.C
		}
		fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}],\"usage\":{\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", asked.MaxTokens)
	})
	return sampletest.Serve(*host, *port, mux)
}

func TestServerArm(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sampletest.SetFlags(t, map[string]string{"server": self, "seconds": "0.1", "tokens": "50", "batches": "1,4"})
	t.Setenv(roleVariable, "streams")
	r := sample.NewRecorder(ceiling.Experiment)
	if err := measureServer(t.Context(), r, []int{1, 4}); err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	for _, size := range []string{"batch1/", "batch4/", "schema1/", "schema4/"} {
		for _, what := range []string{
			"tokens_per_s", "first_token_p50_us", "first_token_p99_us", "inter_token_p50_us", "inter_token_p99_us",
			"cpu_us_per_token", "client_cpu_us_per_token",
		} {
			if _, ok := got[size+what]; !ok {
				t.Errorf("%s was not measured, but %v", size+what, slices.Sorted(maps.Keys(got)))
			}
		}
	}
	if got["errors"] != 0 || got["batch1/tokens_per_s"] <= 0 || got["batch4/tokens_per_s"] <= 0 {
		t.Errorf("measured %v", got)
	}
}

func TestServerArmCountsErrors(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sampletest.SetFlags(t, map[string]string{"server": self, "seconds": "0", "tokens": "5", "batches": "3"})
	t.Setenv(roleVariable, "fails")
	r := sample.NewRecorder(ceiling.Experiment)
	if err := measureServer(t.Context(), r, []int{3}); err != nil {
		t.Fatal(err)
	}
	if got := r.Measurements(); got["errors"] != 12 || got["batch3/tokens_per_s"] != 0 {
		t.Errorf("measured %v", got)
	}
}

func TestServerThatDoesNotStart(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sampletest.SetFlags(t, map[string]string{"server": self})
	t.Setenv(roleVariable, "refuses")
	if _, err := startServer(t.Context()); err == nil || !strings.Contains(err.Error(), "it ended") {
		t.Errorf("error is %v", err)
	}
}

// TestLoopWave runs the loop over the strict test engine, which panics on a
// gap in positions or a row without logits.
func TestLoopWave(t *testing.T) {
	failing := false
	failure := errors.New("out of order")
	m := enginetest.New(enginetest.Options{LogitsFault: func(call int) error {
		if failing && call%8 == 5 {
			return failure
		}
		return nil
	}})
	llm, err := m.NewContext(engine.ContextConfig{MaxSequences: 8, ContextTokens: 8 * 128})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 8, 3} {
		w, err := loopWave(m, llm, size, 20)
		if err != nil || w.tokens != float64(size*19) || w.window <= 0 {
			t.Errorf("%d sequences: %+v, %v", size, w, err)
		}
	}
	failing = true
	if _, err := loopWave(m, llm, 8, 20); !errors.Is(err, failure) {
		t.Errorf("logits that fail: %v", err)
	}
	failing = false
	if w, err := loopWave(m, llm, 8, 20); err != nil || w.tokens != 8*19 {
		t.Errorf("after a failed wave: %+v, %v", w, err)
	}
	// What a wave leaves open keeps them from closing.
	if err := errors.Join(llm.Close(), m.Close()); err != nil {
		t.Error(err)
	}
}

func TestRate(t *testing.T) {
	waves := []wave{{100, time.Second}, {50, 500 * time.Millisecond}, {10, 500 * time.Millisecond}}
	if got := rate(waves); got != 80 {
		t.Errorf("rate is %v", got)
	}
	if got := rate(nil); got != 0 {
		t.Errorf("rate of nothing is %v", got)
	}
}
