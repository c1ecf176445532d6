package front

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
)

// llamaFigures are llama-server's metrics by their names, for what draws by those.
// Tokens and times are those of generations that have ended.
type llamaFigures struct {
	watcher                generate.Watcher // or nil
	prompt, promptNs       atomic.Int64
	cached                 atomic.Int64 // of prompts, not computed again
	answer, answerNs       atomic.Int64
	most                   atomic.Int64
	promptPace, answerPace pace
}

// pace is tokens and the time that they took, of the generations that have ended
// since somebody looked.
type pace struct{ tokens, ns atomic.Int64 }

func (p *pace) add(tokens, ns int64) {
	p.tokens.Add(tokens)
	p.ns.Add(ns)
}

// take is tokens a second, and begins anew.
func (p *pace) take() float64 {
	ns := float64(p.ns.Swap(0))
	return share(float64(p.tokens.Swap(0)), ns/1e9)
}

// finished counts a generation.
func (f *llamaFigures) finished(end *ask.End) {
	computed := int64(end.PromptTokens - end.CachedTokens)
	f.prompt.Add(computed)
	f.promptNs.Add(end.PrefillNs)
	f.cached.Add(int64(end.CachedTokens))
	f.answer.Add(int64(end.CompletionTokens))
	f.answerNs.Add(end.DecodeNs)
	for tokens := int64(end.PromptTokens + end.CompletionTokens); ; {
		most := f.most.Load()
		if tokens <= most || f.most.CompareAndSwap(most, tokens) {
			break
		}
	}
	f.promptPace.add(computed, end.PrefillNs)
	f.answerPace.add(int64(end.CompletionTokens), end.DecodeNs)
}

// llamaFigure is one metric.
type llamaFigure struct {
	about *prometheus.Desc
	kind  prometheus.ValueType
	value func(f *llamaFigures, l generate.Load) float64
}

func llamaDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("llamacpp:"+name, help, nil, nil)
}

func seconds(ns *atomic.Int64) float64 { return float64(ns.Load()) / 1e9 }

// share is a part of what may be none.
func share(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return part / whole
}

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

var llamaFigureList = []llamaFigure{
	{llamaDesc("prompt_tokens_total", "Number of prompt tokens processed."), counter, func(f *llamaFigures, l generate.Load) float64 {
		return float64(f.prompt.Load()) + float64(l.Embedded)
	}},
	{llamaDesc("prompt_tokens_cached_total", "Number of prompt tokens that were in the cache already."), counter, func(f *llamaFigures, _ generate.Load) float64 { return float64(f.cached.Load()) }},
	{llamaDesc("prompt_seconds_total", "Prompt process time."), counter, func(f *llamaFigures, _ generate.Load) float64 { return seconds(&f.promptNs) }},
	{llamaDesc("tokens_predicted_total", "Number of generation tokens processed."), counter, func(f *llamaFigures, _ generate.Load) float64 { return float64(f.answer.Load()) }},
	{llamaDesc("tokens_predicted_seconds_total", "Predict process time."), counter, func(f *llamaFigures, _ generate.Load) float64 { return seconds(&f.answerNs) }},
	{llamaDesc("prompt_tokens_seconds", "Prompt throughput of what has ended since the last look, in tokens/s."), gauge, func(f *llamaFigures, _ generate.Load) float64 { return f.promptPace.take() }},
	{llamaDesc("predicted_tokens_seconds", "Generation throughput of what has ended since the last look, in tokens/s."), gauge, func(f *llamaFigures, _ generate.Load) float64 { return f.answerPace.take() }},
	{llamaDesc("n_tokens_max", "Largest observed number of tokens of a request."), counter, func(f *llamaFigures, _ generate.Load) float64 { return float64(f.most.Load()) }},
	{llamaDesc("requests_processing", "Number of requests processing."), gauge, func(_ *llamaFigures, l generate.Load) float64 { return float64(l.Busy) }},
	{llamaDesc("requests_deferred", "Number of requests deferred."), gauge, func(_ *llamaFigures, l generate.Load) float64 { return float64(l.Waiting) }},
	{llamaDesc("n_decode_total", "Total number of decodes."), counter, func(_ *llamaFigures, l generate.Load) float64 { return float64(l.Decodes) }},
	{llamaDesc("spec_decode_num_draft_tokens_total", "Number of tokens drafted."), counter, func(_ *llamaFigures, l generate.Load) float64 { return float64(l.Drafted) }},
	{llamaDesc("spec_decode_num_accepted_tokens_total", "Number of drafted tokens accepted."), counter, func(_ *llamaFigures, l generate.Load) float64 { return float64(l.Accepted) }},
	{llamaDesc("spec_decode_num_drafts_total", "Number of drafts."), counter, func(_ *llamaFigures, l generate.Load) float64 { return float64(l.Drafts) }},
	{llamaDesc("n_busy_slots_per_decode", "Average number of tokens generated per decode."), gauge, func(_ *llamaFigures, l generate.Load) float64 {
		return share(float64(l.Generated), float64(l.Decodes))
	}},
}

// Describe implements prometheus.Collector.
func (f *llamaFigures) Describe(out chan<- *prometheus.Desc) {
	for _, figure := range llamaFigureList {
		out <- figure.about
	}
}

// Collect implements prometheus.Collector.
func (f *llamaFigures) Collect(out chan<- prometheus.Metric) {
	var load generate.Load
	if f.watcher != nil {
		load = f.watcher.Load()
	}
	for _, figure := range llamaFigureList {
		out <- prometheus.MustNewConstMetric(figure.about, figure.kind, figure.value(f, load))
	}
}
