package main

import (
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/generate/local"
)

// described is a model that has metadata alone.
type described struct {
	engine.Model
	metadata map[string]string
}

func (d described) Metadata(key string) (string, bool) {
	value, ok := d.metadata[key]
	return value, ok
}

func TestCacheTokenBytes(t *testing.T) {
	for _, c := range []struct {
		name     string
		metadata map[string]string
		want     int64
	}{
		{"grouped heads", map[string]string{
			"general.architecture": "llama", "llama.block_count": "32", "llama.embedding_length": "4096",
			"llama.attention.head_count": "32", "llama.attention.head_count_kv": "8",
		}, 32 * 8 * 256 * 2},
		{"as many heads", map[string]string{
			"general.architecture": "gpt", "gpt.block_count": "2", "gpt.embedding_length": "64", "gpt.attention.head_count": "4",
		}, 2 * 4 * 32 * 2},
		{"lengths given", map[string]string{
			"general.architecture": "q", "q.block_count": "2", "q.attention.head_count": "4", "q.attention.head_count_kv": "1",
			"q.attention.key_length": "10", "q.attention.value_length": "20",
		}, 2 * 1 * 30 * 2},
		{"a list of heads", map[string]string{
			"general.architecture": "q", "q.block_count": "2", "q.attention.head_count": "[4, 2]",
		}, 0},
		{"nothing", nil, 0},
	} {
		if got := cacheTokenBytes(described{metadata: c.metadata}); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, got, c.want)
		}
	}
}

func TestCacheWatch(t *testing.T) {
	var stats local.Stats
	watch := cacheWatch(10, func() local.Stats { return stats })
	if got := watch(); got.UsedBytes != 0 || got.HitRate != 0 {
		t.Errorf("at first: %+v", got)
	}
	stats = local.Stats{KVTokens: 40, PromptTokens: 25, CompletionTokens: 75}
	if got := watch(); got.UsedBytes != 400 || got.HitRate != 0.75 {
		t.Errorf("working: %+v", got)
	}
	if got := watch(); got.HitRate != 0.75 {
		t.Errorf("idle: %+v", got)
	}
	stats.PromptTokens += 100
	if got := watch(); got.HitRate != 0 {
		t.Errorf("prompts alone: %+v", got)
	}
}

// The environment counts, and what is steered shows in the metrics.
func TestTuning(t *testing.T) {
	for _, c := range []struct {
		name, policy string
		env          []string
		want, not    []string // in the metrics
	}{
		{"default", "auto", []string{"GOGC=", "GOMEMLIMIT="}, []string{"weir_gc_gogc_steered 1", "weir_gc_memory_limit_steered 1"}, []string{"go_gc_gomemlimit_bytes 9.2"}},
		{"article", "article", []string{"GOGC=50", "GOMEMLIMIT="}, []string{"weir_gc_gogc_steered 0", "weir_gc_memory_limit_steered 1", "go_gc_gogc_percent 50"}, nil},
		{"all chosen", "auto", []string{"GOGC=50", "GOMEMLIMIT=off"}, []string{"weir_gc_gogc_steered 0", "weir_gc_memory_limit_steered 0", "go_gc_gomemlimit_bytes 9.2"}, nil},
		{"off", "off", []string{"GOGC=", "GOMEMLIMIT="}, []string{"go_gc_gogc_percent 100", "go_gc_gomemlimit_bytes 9.2"}, []string{"weir_gc_"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), binary, "serve", "-m", llamatest.Model(t), "--port", "0", "--gc-tune", c.policy)
			command.Env = append(environment(withLibrary(t)), c.env...)
			p, _ := watchStart(t, command, func(string) bool { return true })
			response, err := p.do(http.MethodGet, "/metrics", "", "")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range c.want {
				if !strings.Contains(string(text), line) {
					t.Errorf("the metrics lack %q", line)
				}
			}
			for _, line := range c.not {
				if strings.Contains(string(text), line) {
					t.Errorf("the metrics have %q", line)
				}
			}
			p.signal(syscall.SIGTERM)
			code, log := p.wait()
			if said := strings.Contains(log, "steering the garbage collector"); code != exitDone || said != (c.policy != "off") {
				t.Errorf("exit code %d, log: %s", code, log)
			}
		})
	}
}
