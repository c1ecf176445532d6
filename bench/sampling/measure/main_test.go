package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/internal/sample"
	experiment "github.com/weirgo/weir/bench/sampling"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/gguf"
)

func TestModelIsMadeOnce(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "models")
	path, err := modelOf(folder, 400)
	if err != nil {
		t.Fatal(err)
	}
	file, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	stored, _ := file.Metadata.Get("tokenizer.ggml.tokens")
	if texts, _ := stored.([]string); len(texts) != 400 || texts[399] != "▁w399" {
		t.Errorf("%d tokens", len(texts))
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := modelOf(folder, 400); err != nil || again != path {
		t.Fatalf("%s, %v", again, err)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("written again: %v", err)
	}
	if _, err := modelOf(path, 400); err == nil {
		t.Error("made in a folder that is a file")
	}
}

// TestLoop runs the loop over the strict test engine, which panics on a gap in
// positions.
func TestLoop(t *testing.T) {
	model := enginetest.New(enginetest.Options{})
	context, err := model.NewContext(engine.ContextConfig{MaxSequences: streams, ContextTokens: streams * 64})
	if err != nil {
		t.Fatal(err)
	}
	l := &loop{model: model, context: context, first: 'a'}
	for _, n := range []int{1, streams, 2} {
		if wall, err := l.run(n, 20); err != nil || wall <= 0 {
			t.Errorf("%d sequences: %v, %v", n, wall, err)
		}
	}
	if err := l.close(); err != nil {
		t.Error(err)
	}
}

func TestRecord(t *testing.T) {
	r := sample.NewRecorder(experiment.Experiment)
	m := &waves{took: make(map[string]took)}
	for name, us := range map[string]int{
		"loop 1": 100, "server 1": 110, "loop 4": 50, "server 4": 70, "logprobs 0": 77, "logprobs 5": 84,
		"three": 60, "beside default": 80, "beside all": 100,
	} {
		for range 2 {
			m.add(name, took{tokens: 10, wall: time.Duration(10*us) * time.Microsecond, cpu: time.Duration(us) * time.Millisecond, cpuTokens: 1000})
		}
	}
	all := worst{kept: math.Inf(1), keptOfAlone: math.Inf(1)}
	m.record(r, "2048/", &all)
	got := r.Measurements()
	for name, want := range map[string]float64{
		"2048/overhead_1_us": 10, "2048/overhead_4_us": 20, "2048/cpu_us_per_token": 70, "2048/logprobs_0_cost": 1.1,
		"2048/logprobs_5_cpu_cost": 1.2, "2048/kept_beside_all": 0.8, "2048/kept_of_alone": 0.6,
	} {
		if math.Abs(got[name]-want) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if want := (worst{kept: 0.8, keptOfAlone: 0.6, logprobs0: 1.1, logprobs5: 1.2, overhead: 20}); math.Abs(all.overhead-want.overhead) > 1e-9 ||
		all.kept != want.kept || all.keptOfAlone != want.keptOfAlone || all.logprobs0 != want.logprobs0 || all.logprobs5 != want.logprobs5 {
		t.Errorf("worst %+v, want %+v", all, want)
	}
}
