package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/sample/sampletest"
	"github.com/weirgo/weir/bench/qos"
	"github.com/weirgo/weir/server/tenants"
)

// roleVariable makes the test binary act as a server.
const roleVariable = "WEIR_QOS_TEST_SERVER"

func TestMain(m *testing.M) { sampletest.Main(m, roleVariable, serve) }

// serve takes weir's flags, and streams numbers to who has a key of the file.
func serve(role string, args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	host, port, keyFile := flags.String("host", "", ""), flags.String("port", "", ""), flags.String("keys", "", "")
	for _, other := range []string{"m", "np", "c"} {
		flags.String(other, "", "")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if _, err := tenants.Open(*keyFile); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/v1/completions", func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			MaxTokens int `json:"max_tokens"`
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || role == "fails" || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
			http.Error(w, "no", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range asked.MaxTokens {
			fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\"%d\"}]}\n\n", i)
			_ = http.NewResponseController(w).Flush()
		}
		fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", asked.MaxTokens)
	})
	return sampletest.Serve(*host, *port, mux)
}

func TestMeasure(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sampletest.SetFlags(t, map[string]string{"server": self, "seconds": "1", "warm": "0.1", "tokens": "5", "flood": "3", "sequences": "2"})
	t.Setenv(roleVariable, "streams")
	r := sample.NewRecorder(qos.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	for _, name := range []string{"alone/first_token_p50_us", "alone/first_token_p99_us", "alone/requests", "beside/requests", "worst/p99_ratio"} {
		if got[name] <= 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	// What comes within a time may be nothing.
	for _, name := range []string{"flood/part", "flood/tokens_per_s", "weights/ratio", "weights/off", "weights/large_tokens", "weights/small_tokens"} {
		if n, ok := got[name]; !ok || n < 0 {
			t.Errorf("%s is %v", name, n)
		}
	}
	if got["errors"] != 0 || got["flood/part"] >= 1 {
		t.Errorf("measured %v", got)
	}
	t.Setenv(roleVariable, "fails")
	if err := measure(sample.NewRecorder(qos.Experiment)); err == nil || !strings.Contains(err.Error(), "failed") {
		t.Errorf("with a server that refuses: %v", err)
	}
}

func TestKeysAreAKeyFile(t *testing.T) {
	path, err := writeKeys(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file, err := tenants.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	weights := make(map[string]int)
	for _, tenant := range file.Table().All() {
		weights[tenant.Name+" "+tenant.Tier.String()] = tenant.Weight
	}
	if len(weights) != 4 || weights["large standard"] != 3*weights["small standard"] || weights["high priority"] == 0 || weights["low background"] == 0 {
		t.Errorf("%v", weights)
	}
}

func TestWithin(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	report := &load.Report{Generations: []load.Generation{
		{First: at(1), Last: at(3), Frames: 3, Arrivals: []time.Time{at(1), at(2), at(3)}, Tokens: 6, PromptTokens: 100},
		{First: at(5), Last: at(6), Frames: 2, Arrivals: []time.Time{at(5), at(6)}, Tokens: 2, PromptTokens: 10},
		{First: at(5), Last: at(6), Frames: 1, Arrivals: []time.Time{at(5)}, Tokens: 1, PromptTokens: 1, Err: errors.New("lost")},
		{},
	}}
	from, to := window(report)
	if !from.Equal(at(1)) || !to.Equal(at(6)) {
		t.Errorf("from %v to %v", from, to)
	}
	if n := within(report, at(2), at(5)); n != 4+10+1 {
		t.Errorf("%v tokens", n)
	}
}
