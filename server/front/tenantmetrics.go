package front

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/server/tenants"
)

// tenantFigures are the metrics of the keys in a key file, by the names that it has
// at the moment.
type tenantFigures struct {
	file    *tenants.File
	figures []tenantFigure
	refused *prometheus.Desc
}

// tenantFigure is one metric.
type tenantFigure struct {
	about *prometheus.Desc
	kind  prometheus.ValueType
	value func(*tenants.Usage) int64
}

func newTenantFigures(file *tenants.File, modelID string) *tenantFigures {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("weir_key_"+name, help, append([]string{"key_name", "tier"}, labels...), prometheus.Labels{"model_name": modelID})
	}
	return &tenantFigures{
		file: file,
		figures: []tenantFigure{
			{desc("requests_total", "Requests with a body that were let in, by the name of their key."), counter, func(u *tenants.Usage) int64 { return u.Requests }},
			{desc("requests_in_flight", "Those of them that are not over."), gauge, func(u *tenants.Usage) int64 { return u.InFlight }},
			{desc("prompt_tokens_total", "Tokens of their prompts, whether computed or there already."), counter, func(u *tenants.Usage) int64 { return u.PromptTokens }},
			{desc("generated_tokens_total", "Tokens of their answers."), counter, func(u *tenants.Usage) int64 { return u.GeneratedTokens }},
		},
		refused: desc("refusals_total", "Requests that were refused for their number: those of the key at the same time (in_flight), its tokens a minute (tokens), those of all (queue).", "cause"),
	}
}

// Describe implements prometheus.Collector.
func (f *tenantFigures) Describe(out chan<- *prometheus.Desc) {
	for _, figure := range f.figures {
		out <- figure.about
	}
	out <- f.refused
}

// Collect implements prometheus.Collector.
func (f *tenantFigures) Collect(out chan<- prometheus.Metric) {
	for _, t := range f.file.Table().All() {
		usage, tier := t.Usage(), t.Tier.String()
		for _, figure := range f.figures {
			out <- prometheus.MustNewConstMetric(figure.about, figure.kind, float64(figure.value(&usage)), t.Name, tier)
		}
		for why := range tenants.Cause(tenants.Causes) {
			out <- prometheus.MustNewConstMetric(f.refused, counter, float64(usage.Refused[why]), t.Name, tier, why.String())
		}
	}
}
