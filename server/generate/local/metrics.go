package local

import "github.com/prometheus/client_golang/prometheus"

// figure is one metric of the engine's goroutine.
type figure struct {
	name, help string
	kind       prometheus.ValueType
	value      func(*Stats) float64
}

// figures are named like vLLM's where it has the thing, with the prefix weir_.
var figures = []figure{
	{"num_requests_running", "Generations in the batch.", gauge, func(s *Stats) float64 { return float64(s.Active) }},
	{"num_requests_waiting", "Requests that wait for a place in the batch.", gauge, func(s *Stats) float64 { return float64(s.Waiting) }},
	{"num_requests_paused", "Generations whose client does not keep up.", gauge, func(s *Stats) float64 { return float64(s.Paused) }},
	{"num_requests_limit", "Requests that may wait.", gauge, func(s *Stats) float64 { return float64(s.QueueLimit) }},
	{"kv_cache_usage_perc", "Share of the KV cache in use, 0 to 1.", gauge, func(s *Stats) float64 {
		return float64(s.KVTokens) / float64(max(s.ContextTokens, 1))
	}},
	{"decode_running_seconds", "How long the decode under way has been running; large if the engine is stuck.", gauge,
		func(s *Stats) float64 { return s.Decoding.Seconds() }},
	{"engine_stuck_seconds", "How long the engine has been stuck at a decode, 0 if it is not; /health is 503 meanwhile.", gauge,
		func(s *Stats) float64 { return s.Stuck.Seconds() }},
	{"engine_stuck_total", "Decodes that took so long that the engine counted as stuck.", counter,
		func(s *Stats) float64 { return float64(s.StuckDecodes) }},
	{"prompt_tokens_total", "Prompt tokens decoded.", counter, func(s *Stats) float64 { return float64(s.PromptTokens) }},
	{"prefix_reusing_requests_total", "Requests that began with such tokens.", counter, func(s *Stats) float64 { return float64(s.Reusing) }},
	{"prefix_copies_total", "Sequences that began as a copy of another.", counter, func(s *Stats) float64 { return float64(s.Copies) }},
	{"prefix_moves_total", "Times that what is left of sequences was moved beside those who run.", counter, func(s *Stats) float64 { return float64(s.Moves) }},
	{"generation_tokens_total", "Tokens generated.", counter, func(s *Stats) float64 { return float64(s.CompletionTokens) }},
	{"prefix_cache_queries_total", "Prompt tokens that were looked for in the cache.", counter, func(s *Stats) float64 { return float64(s.AskedTokens) }},
	{"prefix_cache_hits_total", "Of them, those that were there and are not computed again.", counter, func(s *Stats) float64 { return float64(s.ReusedTokens) }},
	{"spec_decode_num_drafts_total", "Drafts of tokens that might follow, computed ahead.", counter, func(s *Stats) float64 { return float64(s.Drafts) }},
	{"spec_decode_num_draft_tokens_total", "Tokens that they had.", counter, func(s *Stats) float64 { return float64(s.DraftTokens) }},
	{"spec_decode_num_accepted_tokens_total", "Of them, those that were right.", counter, func(s *Stats) float64 { return float64(s.AcceptedTokens) }},
	{"embedding_tokens_total", "Tokens of inputs whose embeddings were computed.", counter, func(s *Stats) float64 { return float64(s.EmbeddedTokens) }},
	{"decode_steps_total", "Decodes, each of one batch.", counter, func(s *Stats) float64 { return float64(s.Steps) }},
	{"decode_seconds_total", "Time inside decodes.", counter, func(s *Stats) float64 { return s.Busy.Seconds() }},
	{"generation_wait_seconds_total", "Time of generations in the batch while steps and other decodes went by that they had no part in.", counter,
		func(s *Stats) float64 { return float64(s.Spent.Wait) / 1e9 }},
	{"generation_reader_seconds_total", "Time of generations whose client did not keep up, until they went on.", counter,
		func(s *Stats) float64 { return float64(s.Spent.Reader) / 1e9 }},
	{"generation_prompts_seconds_total", "Time of generations in decodes, by the share of the rows that were others' prompts.", counter,
		func(s *Stats) float64 { return float64(s.Spent.Prompts) / 1e9 }},
	{"generation_decode_seconds_total", "Time of generations in decodes, the rest.", counter,
		func(s *Stats) float64 { return float64(s.Spent.Decode) / 1e9 }},
	{"generation_sampling_seconds_total", "Time of generations while the tokens of their steps were drawn.", counter,
		func(s *Stats) float64 { return float64(s.Spent.Sampling) / 1e9 }},
	{"generation_engine_seconds_total", "Time of generations in what the engine's goroutine does around decodes, and when Go did not let it run.", counter,
		func(s *Stats) float64 { return float64(s.Spent.Engine) / 1e9 }},
	{"generation_delayed_seconds_total", "Time of generations while the engine's thread was ready and other threads or processes had its core.", counter,
		func(s *Stats) float64 { return float64(s.Spent.Delayed) / 1e9 }},
	{"decode_errors_total", "Decodes that failed.", counter, func(s *Stats) float64 { return float64(s.DecodeErrors) }},
	{"num_preemptions_total", "Generations put back into the queue for want of cache.", counter, func(s *Stats) float64 { return float64(s.Evictions) }},
	{"num_yielded_total", "Generations that gave their place in the batch to a higher tier or to a key that had none, and went on later.", counter, func(s *Stats) float64 { return float64(s.Preempted) }},
	{"num_restored_total", "Of them, those whose state had been saved, so that nothing was computed again.", counter, func(s *Stats) float64 { return float64(s.Restored) }},
	{"context_shifts_total", "Times that tokens were dropped from a full context.", counter, func(s *Stats) float64 { return float64(s.Shifts) }},
	{"requests_expired_total", "Requests that ended because their client's time for them was over: generations, and inputs that were not all computed.", counter, func(s *Stats) float64 { return float64(s.Expired) }},
	{"requests_refused_total", "Requests refused because the queue was full.", counter, func(s *Stats) float64 { return float64(s.Refused) }},
	{"requests_late_total", "Requests refused because their first token would have come later than x-slo-ttft-ms allows.", counter,
		func(s *Stats) float64 { return float64(s.Pacing.Refused) }},
	{"prompt_budget_tokens", "Prompt tokens that the last step with prompts took at most.", gauge,
		func(s *Stats) float64 { return float64(s.Pacing.PromptBudget) }},
	{"tpot_objective_seconds", "Shortest objective between two tokens of those who decode, 0 if there is none.", gauge,
		func(s *Stats) float64 { return s.Pacing.Objective.Seconds() }},
	{"paced_gaps_total", "Gaps between two tokens of streams with an objective.", counter, func(s *Stats) float64 { return float64(s.Pacing.Gaps) }},
	{"paced_gaps_late_total", "Those that were longer than the stream's objective.", counter, func(s *Stats) float64 { return float64(s.Pacing.LateGaps) }},
}

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

// collector reads the engine's counts when it is scraped: counting costs the
// engine nothing more.
type collector struct {
	generator *Generator
	described []*prometheus.Desc // of figures, then of placedFigures
	cache     prometheus.Metric
}

// Collector gives the engine's counts to Prometheus.
func (g *Generator) Collector() prometheus.Collector {
	c := &collector{generator: g}
	labels := prometheus.Labels{"model_name": g.about.ID}
	c.cache = cacheInfo(g.loop.Limits().ContextTokens, labels)
	for _, f := range figures {
		c.described = append(c.described, prometheus.NewDesc("weir_"+f.name, f.help, nil, labels))
	}
	for _, p := range placedFigures {
		c.described = append(c.described, p.describe(labels))
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.described {
		out <- d
	}
	out <- c.cache.Desc()
	c.generator.steps.Describe(out)
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	stats := c.generator.Stats()
	for i, f := range figures {
		out <- prometheus.MustNewConstMetric(c.described[i], f.kind, f.value(&stats))
	}
	for i, p := range placedFigures {
		out <- prometheus.MustNewConstMetric(c.described[len(figures)+i], p.kind, p.value(&stats))
	}
	out <- c.cache
	c.generator.steps.Collect(out)
}
