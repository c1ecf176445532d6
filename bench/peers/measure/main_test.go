package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/sample/sampletest"
	"github.com/weirgo/weir/bench/peers"
)

// TestPeer measures a server that a flag names.
func TestPeer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Model     string
			MaxTokens int `json:"max_tokens"`
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Model != "tiny" || r.URL.Path != "/v1/completions" {
			t.Errorf("%s: %+v, %v", r.URL, asked, err)
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for range asked.MaxTokens {
			fmt.Fprint(w, "data: {\"choices\":[{\"text\":\"a\"}]}\n\n")
		}
		fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}],\"usage\":{\"completion_tokens\":%d}}\n\n", asked.MaxTokens)
		fmt.Fprint(w, "data: [DONE]\n\n")
	}))
	defer server.Close()
	sampletest.SetFlags(t, map[string]string{
		"arm": "llama-server", "llama-server": server.URL, "llama-server-model": "tiny", "llama-server-pid": strconv.Itoa(os.Getpid()),
		"streams": "1", "tokens": "16", "seconds": "0",
	})
	r := sample.NewRecorder(peers.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	if got["errors"] != 0 || got["streams1/tokens_per_s"] <= 0 || got["streams1/first_token_p50_us"] <= 0 {
		t.Errorf("measured %v", got)
	}
	if _, ok := got["streams1/cpu_us_per_token"]; !ok {
		t.Error("no CPU time of a process that was named")
	}
}

func TestPeersAreNamed(t *testing.T) {
	for arm, want := range map[string]string{
		"server": "no flag names a peer", "kronk": "no flag names a kronk", "llama-server": "no flag names a llama-server",
	} {
		sampletest.SetFlags(t, map[string]string{"arm": arm})
		if err := named(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q in it", arm, err, want)
		}
	}
	sampletest.SetFlags(t, map[string]string{"arm": "server", "kronk": "http://localhost:1/v1/chat/completions"})
	if err := named(); err != nil {
		t.Error(err)
	}
	if to, err := known["kronk"].target(); err != nil || to.url != "http://localhost:1/v1/chat/completions" {
		t.Errorf("%+v, %v", to, err)
	}
	sampletest.SetFlags(t, map[string]string{"arm": "vllm"})
	if err := measure(sample.NewRecorder(peers.Experiment)); err == nil {
		t.Error("an arm that there is not was taken")
	}
}
