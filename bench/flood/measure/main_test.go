package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/flood"
	"github.com/weirgo/weir/bench/internal/experiment"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/sample/sampletest"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
	"github.com/weirgo/weir/server/wire/openai"
)

// roleVariable makes the test binary act as a server.
const roleVariable = "WEIR_FLOOD_TEST_SERVER"

func TestMain(m *testing.M) { sampletest.Main(m, roleVariable, serve) }

// complete streams until it has made the tokens or its client is gone.
func complete(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		MaxTokens int `json:"max_tokens"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range asked.MaxTokens {
		fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\"%d\"}]}\n\n", i)
		if http.NewResponseController(w).Flush() != nil || r.Context().Err() != nil {
			return
		}
		<-tick.C
	}
	fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}],\"usage\":{\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", asked.MaxTokens)
}

// answer reads the request and answers it with a status.
func answer(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "{}")
	}
}

// serve takes weir's flags.
func serve(_ string, args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	host, port := flags.String("host", "", ""), flags.String("port", "", "")
	level := flags.String("log-level", "info", "")
	for _, other := range []string{"m", "np", "c", "t"} {
		flags.String(other, "", "")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, r *http.Request) {
		if *level == "debug" {
			fmt.Fprintln(os.Stderr, "a line of the log")
		}
	})
	mux.HandleFunc("/v1/completions", complete)
	mux.HandleFunc("/v1/chat/completions", answer(http.StatusBadRequest))
	mux.HandleFunc("/tokenize", answer(http.StatusOK))
	mux.HandleFunc("/metrics", answer(http.StatusServiceUnavailable)) // failures are counted
	return sampletest.Serve(*host, *port, mux)
}

// measured runs the program for some floods of the test binary as the server.
func measured(t *testing.T, floods string) map[string]float64 {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sampletest.SetFlags(t, map[string]string{
		"server": self, "floods": floods, "streams": "2", "connections": "3", "seconds": "1", "lead": "0.3", "body": "4096",
	})
	t.Setenv(roleVariable, "yes")
	r := sample.NewRecorder(flood.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	return r.Measurements()
}

func TestMeasure(t *testing.T) {
	got := measured(t, "tokenize,refused,debug")
	if got["errors"] != 0 {
		t.Errorf("%v requests failed", got["errors"])
	}
	if err := flood.Experiment.Derive(experiment.Round{"weir": got}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"alone/tokens_per_s", "alone/inter_token_p99_us", "alone/server_cpu_share", "tokenize/client_cpu_share",
		"tokenize/answered_per_s", "refused/answered_per_s", "debug/answered_per_s", "debug/kept", "refused/inter_token_p99_vs_alone",
	} {
		if got[name] <= 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
}

func TestFailuresAreCounted(t *testing.T) {
	if got := measured(t, "metrics"); got["errors"] == 0 || got["metrics/answered_per_s"] != 0 || got["metrics/tokens_per_s"] <= 0 {
		t.Errorf("scrapes failed, measured %v", got)
	}
}

// TestRefusedBodiesAreReadToTheirEnd: what is wrong with one is its last message.
func TestRefusedBodiesAreReadToTheirEnd(t *testing.T) {
	sampletest.SetFlags(t, map[string]string{"body": "8192"})
	message, err := refusedRequest()
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	var request openai.ChatRequest
	if err := wire.Decode(body, &request); err != nil {
		t.Fatal(err)
	}
	_, err = request.Ask(openai.Defaults{})
	want := fmt.Sprintf("messages[%d].role", len(request.Messages)-1)
	if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != ask.InvalidValue || f.Param != want || len(body) < 7000 {
		t.Errorf("%d bytes are refused for %+v, want %s", len(body), err, want)
	}
}

func TestBadFlags(t *testing.T) {
	for name, value := range map[string]string{"floods": "rain", "streams": "0", "sequence-context": "64", "lead": "0"} {
		t.Run(name, func(t *testing.T) {
			sampletest.SetFlags(t, map[string]string{name: value})
			if err := measure(sample.NewRecorder(flood.Experiment)); err == nil {
				t.Errorf("-%s=%s was taken", name, value)
			}
		})
	}
}

func TestDeriveNeedsWhatIsAlone(t *testing.T) {
	if err := flood.Experiment.Derive(experiment.Round{"weir": {"tokenize/tokens_per_s": 1}}); err == nil || !strings.Contains(err.Error(), "alone") {
		t.Errorf("without the streams alone: %v", err)
	}
}
