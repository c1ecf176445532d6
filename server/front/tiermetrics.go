package front

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/server/ask"
)

// tierFigures count tokens by tier, whoever's key it is.
type tierFigures struct {
	prompt, generated *prometheus.Desc
	spent             [ask.Tiers]struct{ prompt, generated atomic.Int64 }
}

// describe comes before all else.
func (f *tierFigures) describe(labels prometheus.Labels) {
	f.prompt = prometheus.NewDesc("weir_tier_prompt_tokens_total", "Tokens of prompts and inputs, whether computed or there already, by tier.", []string{"tier"}, labels)
	f.generated = prometheus.NewDesc("weir_tier_generated_tokens_total", "Tokens of answers, by tier.", []string{"tier"}, labels)
}

// spend counts.
func (f *tierFigures) spend(t ask.Tier, prompt, generated int) {
	s := &f.spent[t.Index()]
	if prompt > 0 {
		s.prompt.Add(int64(prompt))
	}
	if generated > 0 {
		s.generated.Add(int64(generated))
	}
}

// Describe implements prometheus.Collector.
func (f *tierFigures) Describe(out chan<- *prometheus.Desc) {
	out <- f.prompt
	out <- f.generated
}

// Collect implements prometheus.Collector.
func (f *tierFigures) Collect(out chan<- prometheus.Metric) {
	for i := range f.spent {
		s, tier := &f.spent[i], (ask.Tier(i) + ask.TierBackground).String()
		out <- prometheus.MustNewConstMetric(f.prompt, counter, float64(s.prompt.Load()), tier)
		out <- prometheus.MustNewConstMetric(f.generated, counter, float64(s.generated.Load()), tier)
	}
}
