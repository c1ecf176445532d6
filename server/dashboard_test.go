package server_test

import (
	"crypto/sha256"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	promnames "github.com/prometheus/common/model"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/ggroup/ggroupprom"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/front/dashboard"
	"github.com/weirgo/weir/server/generate/local"
	"github.com/weirgo/weir/server/tenants"
)

// board is what is looked at of a dashboard.
type board struct {
	Title, UID    string
	SchemaVersion int `json:"schemaVersion"`
	Panels        []struct {
		ID          int
		Type, Title string
		GridPos     struct{ H, W, X, Y int } `json:"gridPos"`
		Datasource  struct{ UID string }
		Targets     []struct{ RefID, Expr, LegendFormat string }
	}
	Templating struct{ List []struct{ Name, Type string } }
}

func readBoard(t *testing.T) (b board) {
	t.Helper()
	if err := json.Unmarshal(dashboard.JSON, &b, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	return b
}

// A dashboard that Grafana takes: its panels have places of their own, and ids.
func TestDashboardForm(t *testing.T) {
	b := readBoard(t)
	if b.Title == "" || b.UID == "" || b.SchemaVersion == 0 || len(b.Panels) < 20 {
		t.Errorf("%q, %q, %d, %d panels", b.Title, b.UID, b.SchemaVersion, len(b.Panels))
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range b.Panels {
		if ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d: %q", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, is := taken[[2]int{x, y}]; is || x >= 24 {
					t.Fatalf("%s lies on %q, or outside", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("%s: %d targets of %q", p.Title, len(p.Targets), p.Datasource.UID)
		}
		refs := map[string]bool{}
		for _, target := range p.Targets {
			if refs[target.RefID] || target.RefID == "" || target.LegendFormat == "" {
				t.Errorf("%s: %+v", p.Title, target)
			}
			refs[target.RefID] = true
		}
	}
	if len(b.Templating.List) != 2 {
		t.Errorf("%+v", b.Templating)
	}
}

// shown is what a server shows that has answered somebody with a key.
func shown(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	group, err := ggroup.Open("dashboard")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = group.Shutdown(t.Context()) })
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, fmt.Appendf(nil, `{"keys":[{"name":"acme","sha256":"%x"}]}`, sha256.Sum256([]byte("sk"))), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := tenants.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, enginetest.Options{}, engine.ContextConfig{}, local.Batching{}, func(c *front.Config) {
		c.Tenants = file
		c.Collectors = append(c.Collectors, ggroupprom.NewCollector())
	})
	header := map[string]string{"Content-Type": "application/json", "Authorization": "Bearer sk"}
	if status, _, body := s.do(t, http.MethodPost, "/v1/completions", `{"prompt":"abc","max_tokens":3}`, header); status != http.StatusOK {
		t.Fatal(status, body)
	}
	_, _, text := s.do(t, http.MethodGet, "/metrics", "", header)
	parser := expfmt.NewTextParser(promnames.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// The names that Kubernetes' inference gateway scrapes, and those that vLLM's own
// dashboard draws, are there with vLLM's types and the label model_name.
func TestVLLMNames(t *testing.T) {
	const counter, gauge, histogram = dto.MetricType_COUNTER, dto.MetricType_GAUGE, dto.MetricType_HISTOGRAM
	families := shown(t)
	for name, kind := range map[string]dto.MetricType{
		"num_requests_waiting": gauge, "num_requests_running": gauge, "kv_cache_usage_perc": gauge, "cache_config_info": gauge,
		"prompt_tokens_total": counter, "generation_tokens_total": counter, "num_preemptions_total": counter, "request_success_total": counter,
		"prefix_cache_queries_total": counter, "prefix_cache_hits_total": counter,
		"time_to_first_token_seconds": histogram, "inter_token_latency_seconds": histogram, "time_per_output_token_seconds": histogram,
		"request_time_per_output_token_seconds": histogram, "e2e_request_latency_seconds": histogram, "iteration_tokens_total": histogram,
		"request_queue_time_seconds": histogram, "request_prefill_time_seconds": histogram, "request_decode_time_seconds": histogram,
		"request_inference_time_seconds": histogram, "request_prompt_tokens": histogram, "request_generation_tokens": histogram,
	} {
		f := families["vllm:"+name]
		if f.GetType() != kind || f == nil || !slices.Contains(labelsOf(f), "model_name") {
			t.Errorf("vllm:%s is %v", name, f)
		}
	}
}

// Each group of goroutines has the series that say how long it waited, by class.
func TestGroupsAreShown(t *testing.T) {
	families := shown(t)
	for _, name := range []string{"go_group_wait_seconds", "go_group_running_seconds_total", "go_group_throttled_seconds_total", "go_group_options_not_in_effect"} {
		found := false
		for _, m := range families[name].GetMetric() {
			for _, l := range m.GetLabel() {
				found = found || l.GetName() == "group" && l.GetValue() == "dashboard"
			}
		}
		if !found {
			t.Errorf("%s says nothing of a group", name)
		}
	}
}

var (
	literals  = regexp.MustCompile(`"[^"]*"`)
	ranges    = regexp.MustCompile(`\[\$?[a-z0-9_]+\]`)
	groupings = regexp.MustCompile(`\bby \(([a-z_, ]+)\)`)
	selectors = regexp.MustCompile(`([a-z][a-z0-9_]*)\{([^}]*)\}`)
	words     = regexp.MustCompile(`[a-z_:][a-z0-9_:]*( *\()?`)
	matchers  = regexp.MustCompile(`^[a-z_]+(=~|!~|!=|=)$`)
)

// familyOf is the family of a name in an expression.
func familyOf(families map[string]*dto.MetricFamily, name string) *dto.MetricFamily {
	if f := families[name]; f != nil {
		return f
	}
	for _, end := range []string{"_bucket", "_sum", "_count"} {
		if base, is := strings.CutSuffix(name, end); is && families[base].GetType() == dto.MetricType_HISTOGRAM {
			return families[base]
		}
	}
	return nil
}

func labelsOf(f *dto.MetricFamily) (labels []string) {
	for _, l := range f.Metric[0].Label {
		labels = append(labels, l.GetName())
	}
	if f.GetType() == dto.MetricType_HISTOGRAM {
		labels = append(labels, "le")
	}
	return labels
}

// Each expression is of functions that Prometheus has and of metrics that a server
// shows, with the labels that these have.
func TestDashboardExpressions(t *testing.T) {
	families := shown(t)
	functions := []string{"sum", "max", "rate", "histogram_quantile"}
	for _, p := range readBoard(t).Panels {
		for _, target := range p.Targets {
			expr := ranges.ReplaceAllString(literals.ReplaceAllString(target.Expr, ""), "")
			var metrics []*dto.MetricFamily
			for _, selector := range selectors.FindAllStringSubmatch(expr, -1) {
				f := familyOf(families, selector[1])
				for matcher := range strings.SplitSeq(selector[2], ",") {
					label := strings.TrimRight(matcher, "=~!")
					if f == nil || !matchers.MatchString(matcher) || !slices.Contains(labelsOf(f), label) {
						t.Errorf("%s: %s has no %s", p.Title, selector[1], label)
					}
				}
			}
			expr = selectors.ReplaceAllString(expr, "$1")
			grouped := groupings.FindAllStringSubmatch(expr, -1)
			expr = groupings.ReplaceAllString(expr, "")
			for _, word := range words.FindAllString(expr, -1) {
				if function, is := strings.CutSuffix(word, "("); is {
					if !slices.Contains(functions, strings.TrimSpace(function)) {
						t.Errorf("%s: no function %s in %s", p.Title, function, target.Expr)
					}
					continue
				}
				f := familyOf(families, word)
				if f == nil {
					t.Errorf("%s: no metric %s", p.Title, word)
					continue
				}
				metrics = append(metrics, f)
			}
			rest := strings.Trim(words.ReplaceAllString(expr, ""), " ")
			if strings.Trim(rest, "()/,. 0123456789") != "" || strings.Count(expr, "(") != strings.Count(expr, ")") || len(metrics) == 0 {
				t.Errorf("%s: %s does not parse: %q", p.Title, target.Expr, rest)
			}
			for _, by := range grouped {
				for label := range strings.SplitSeq(by[1], ", ") {
					for _, f := range metrics {
						if !slices.Contains(labelsOf(f), label) {
							t.Errorf("%s: %s has no label %s", p.Title, f.GetName(), label)
						}
					}
				}
			}
		}
	}
}
