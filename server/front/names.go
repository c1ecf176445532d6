package front

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"golang.org/x/sync/singleflight"

	"github.com/weirgo/weir/server/ask"
)

// Prefixes of metrics' names.
const (
	ownPrefix  = "weir_"
	vllmPrefix = "vllm:"
)

// vllmNames are the metrics that vLLM has too, by the rest of our name, with the rest
// of vLLM's names: Kubernetes' inference gateway routes by some, dashboards draw
// others. An older name stands behind the one that took its place. There are no
// adapters here, so vllm:lora_requests_info is left out, as vLLM does without.
var vllmNames = map[string][]string{
	"cache_config_info":                     {"cache_config_info"},
	"e2e_request_latency_seconds":           {"e2e_request_latency_seconds"},
	"generation_tokens_total":               {"generation_tokens_total"},
	"inter_token_latency_seconds":           {"inter_token_latency_seconds", "time_per_output_token_seconds"},
	"iteration_tokens_total":                {"iteration_tokens_total"},
	"kv_cache_usage_perc":                   {"kv_cache_usage_perc", "gpu_cache_usage_perc"},
	"num_preemptions_total":                 {"num_preemptions_total"},
	"num_requests_running":                  {"num_requests_running"},
	"num_requests_waiting":                  {"num_requests_waiting"},
	"prefix_cache_hits_total":               {"prefix_cache_hits_total"},
	"prefix_cache_queries_total":            {"prefix_cache_queries_total"},
	"prompt_tokens_total":                   {"prompt_tokens_total"},
	"request_decode_time_seconds":           {"request_decode_time_seconds"},
	"request_generation_tokens":             {"request_generation_tokens"},
	"request_inference_time_seconds":        {"request_inference_time_seconds"},
	"request_prefill_time_seconds":          {"request_prefill_time_seconds"},
	"request_prompt_tokens":                 {"request_prompt_tokens"},
	"request_queue_time_seconds":            {"request_queue_time_seconds"},
	"request_success_total":                 {"request_success_total"},
	"request_time_per_output_token_seconds": {"request_time_per_output_token_seconds"},
	"spec_decode_num_accepted_tokens_total": {"spec_decode_num_accepted_tokens_total"},
	"spec_decode_num_draft_tokens_total":    {"spec_decode_num_draft_tokens_total"},
	"spec_decode_num_drafts_total":          {"spec_decode_num_drafts_total"},
	"time_to_first_token_seconds":           {"time_to_first_token_seconds"},
}

// collectors are what /metrics shows beside the metrics of this package.
func (h *Handler) collectors() []prometheus.Collector {
	if h.cfg.OwnMetricNames {
		return h.cfg.Collectors
	}
	return append(slices.Clip(h.cfg.Collectors), &h.figures)
}

// gatherer gives what is registered, by vLLM's names too unless own is set. Nothing
// is counted or read twice for that: the copies are made of what a scrape has read.
func gatherer(from prometheus.Gatherer, own bool) prometheus.Gatherer {
	if own {
		return from
	}
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := from.Gather()
		for _, f := range families {
			rest, ours := strings.CutPrefix(f.GetName(), ownPrefix)
			if !ours {
				continue
			}
			for _, name := range vllmNames[rest] {
				name = vllmPrefix + name
				families = append(families, &dto.MetricFamily{Name: &name, Help: f.Help, Type: f.Type, Metric: vllmMetrics(rest, f.Metric)})
			}
		}
		slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
		return families, err
	})
}

// together gathers once for all that ask before it has ended: collectors read files of
// the kernel's, and a flood of scrapes costs less. promhttp's own CoalesceGather also
// gives what was gathered to those who come while a client has not taken it yet: one that
// is slow, or a flood, would keep everybody's numbers from changing.
func together(from prometheus.Gatherer) prometheus.Gatherer {
	var flight singleflight.Group
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err, _ := flight.Do("", func() (any, error) { return from.Gather() })
		// The families are read alone; their order is the handler's.
		return slices.Clone(families.([]*dto.MetricFamily)), err
	})
}

// vllmMetrics are metrics as vLLM has them: an answer that ends with calls of tools
// is one that the model has stopped.
func vllmMetrics(rest string, metrics []*dto.Metric) []*dto.Metric {
	if rest != "request_success_total" {
		return metrics
	}
	var out []*dto.Metric
	var stopped *dto.Metric
	calls := 0.0
	for _, m := range metrics {
		switch reasonOf(m) {
		case ask.FinishCalls.String():
			calls = m.Counter.GetValue()
			continue
		case ask.FinishStop.String():
			value := m.Counter.GetValue()
			m = &dto.Metric{Label: m.Label, Counter: &dto.Counter{Value: &value}}
			stopped = m
		}
		out = append(out, m)
	}
	if stopped != nil {
		*stopped.Counter.Value += calls
	}
	return out
}

func reasonOf(m *dto.Metric) string {
	for _, l := range m.Label {
		if l.GetName() == "finished_reason" {
			return l.GetValue()
		}
	}
	return ""
}
