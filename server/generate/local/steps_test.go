package local

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/server/batch"
)

// What a step was is in the metrics, if it came to something; who listened before
// still hears of all.
func TestStepMetrics(t *testing.T) {
	heard := 0
	s := newSteps("tiny")
	observe := s.observer(func(batch.Step) { heard++ })
	for _, did := range []batch.Step{
		{DecodeRows: 3, PromptRows: 10, Duration: 4 * time.Millisecond, Took: 5 * time.Millisecond},
		{DecodeRows: 1, Duration: 2 * time.Millisecond, Took: 2 * time.Millisecond},
		{DecodeRows: 9, PromptRows: 9, Duration: time.Hour, Err: errors.New("failed")},
	} {
		observe(did)
	}
	if n := testing.AllocsPerRun(10, func() { observe(batch.Step{}) }); n != 0 {
		t.Errorf("observing a step allocates %v times", n)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(s)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"weir_step_seconds": .007, "weir_step_decode_seconds": .006, "weir_step_decode_rows": 4, "weir_step_prompt_tokens": 10, "weir_iteration_tokens_total": 14,
	}
	for _, f := range families {
		h := f.Metric[0].Histogram
		if h.GetSampleCount() != 2 || h.GetSampleSum() != want[f.GetName()] {
			t.Errorf("%s: %v", f.GetName(), h)
		}
		delete(want, f.GetName())
	}
	if len(want) > 0 || heard != 14 {
		t.Errorf("missing %v; %d heard of", want, heard)
	}
}
