package local

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/internal/histogram"
)

// steps are the metrics of the engine's steps. Its goroutine observes: each is a few
// atomics that nobody else writes.
type steps struct {
	took, decode             *histogram.Histogram
	decodeRows, promptTokens *histogram.Histogram
	tokens                   *histogram.Histogram
}

// Bounds of the buckets, in seconds, rows and tokens. A step has up to 256 sequences.
var (
	stepBounds  = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .02, .03, .04, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 10, 30, 60}
	rowBounds   = []float64{0, 1, 2, 4, 8, 16, 32, 64, 128, 256}
	tokenBounds = []float64{1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384}
)

func newSteps(modelID string) *steps {
	labels := prometheus.Labels{"model_name": modelID}
	made := func(name, help string, unit float64, bounds []float64) *histogram.Histogram {
		return histogram.New(prometheus.NewDesc("weir_"+name, help, nil, labels), unit, bounds...)
	}
	return &steps{
		took:         made("step_seconds", "A step of the engine's goroutine: from taking in requests to its last token delivered.", histogram.Seconds, stepBounds),
		decode:       made("step_decode_seconds", "The decode of a step.", histogram.Seconds, stepBounds),
		decodeRows:   made("step_decode_rows", "Sequences that got their next token in a step.", histogram.Count, rowBounds),
		promptTokens: made("step_prompt_tokens", "Prompt tokens of a step.", histogram.Count, append([]float64{0}, tokenBounds...)),
		tokens:       made("iteration_tokens_total", "Tokens of a step, of prompts and answers.", histogram.Count, tokenBounds),
	}
}

// observer observes the steps that came to something, and tells next, if not nil, of
// all.
func (s *steps) observer(next func(batch.Step)) func(batch.Step) {
	return func(did batch.Step) {
		if did.Took > 0 {
			s.took.Observe(int64(did.Took))
			s.decode.Observe(int64(did.Duration))
			s.decodeRows.Observe(int64(did.DecodeRows))
			s.promptTokens.Observe(int64(did.PromptRows))
			s.tokens.Observe(int64(did.DecodeRows + did.PromptRows))
		}
		if next != nil {
			next(did)
		}
	}
}

func (s *steps) each() [5]*histogram.Histogram {
	return [5]*histogram.Histogram{s.took, s.decode, s.decodeRows, s.promptTokens, s.tokens}
}

// Describe implements prometheus.Collector.
func (s *steps) Describe(out chan<- *prometheus.Desc) {
	for _, h := range s.each() {
		h.Describe(out)
	}
}

// Collect implements prometheus.Collector.
func (s *steps) Collect(out chan<- prometheus.Metric) {
	for _, h := range s.each() {
		h.Collect(out)
	}
}

// blockTokens are those of a block, in which routers reckon. The cache here has none:
// this is what vLLM's have.
const blockTokens = 16

// cacheInfo says how large the cache is, as vLLM does.
func cacheInfo(contextTokens int, labels prometheus.Labels) prometheus.Metric {
	desc := prometheus.NewDesc("weir_cache_config_info", "How many tokens the KV cache holds, in blocks as routers reckon.", []string{"block_size", "num_gpu_blocks"}, labels)
	return prometheus.MustNewConstMetric(desc, gauge, 1, strconv.Itoa(blockTokens), strconv.Itoa(contextTokens/blockTokens))
}
