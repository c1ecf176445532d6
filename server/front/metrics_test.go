package front_test

import (
	"context"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	promnames "github.com/prometheus/common/model"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/generate/generatetest"
)

// timed answers with events that come at their times after the submission.
type timed struct {
	generatetest.Generator
	events []timedEvent
}

type timedEvent struct {
	at time.Duration
	ask.Event
}

// Submit implements generate.Generator.
func (g *timed) Submit(_ context.Context, r *ask.Request) (generate.Stream, error) {
	return &timedStream{events: g.events}, generate.CheckModel(g.Model(), r.Model)
}

type timedStream struct {
	events []timedEvent
	given  int
	let    atomic.Int64
}

// PromptTokens implements generate.Sized.
func (s *timedStream) PromptTokens() int { return 7 }

// Announce implements generate.Stream.
func (s *timedStream) Announce(e *mailbox.Entry) {
	begin := time.Now()
	go func() {
		for i, ev := range s.events {
			<-time.After(time.Until(begin.Add(ev.at)))
			s.let.Store(int64(i + 1))
			if i+1 < len(s.events) && s.events[i+1].at == ev.at {
				continue // they come together
			}
			e.Post()
			e.Feed().Wake()
		}
	}()
}

// Next implements generate.Stream.
func (s *timedStream) Next(ev *ask.Event) bool {
	if s.given == int(s.let.Load()) {
		return false
	}
	*ev = s.events[s.given].Event
	s.given++
	return true
}

// Cancel implements generate.Stream.
func (s *timedStream) Cancel() {}

// token is a piece of text with which an answer has so many tokens.
func token(at time.Duration, text string, tokens int) timedEvent {
	return timedEvent{at, ask.Event{Text: []byte(text), PromptTokens: 7, CompletionTokens: tokens}}
}

const ms = time.Millisecond

// threeTokens come after 50, 70 and 90 ms, the end after 100.
func threeTokens(reason ask.FinishReason) []timedEvent {
	return []timedEvent{token(50*ms, "a", 1), token(70*ms, "b", 2), token(90*ms, "c", 3), {100 * ms, ask.Event{End: &ask.End{
		Reason: reason, PromptTokens: 7, CachedTokens: 4, CompletionTokens: 3,
		QueueNs: int64(20 * ms), PrefillNs: int64(30 * ms), DecodeNs: int64(50 * ms),
	}}}}
}

// inVirtualTime calls do with a handler over a generator in virtual time.
func inVirtualTime(t *testing.T, g *timed, change func(*front.Config), do func(t *testing.T, h *front.Handler)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := front.Config{
			Generator: g, Log: slog.New(slog.DiscardHandler),
			Streams: fanout.Config{Backend: iouring.BackendNet}, // a ring lives in real time
		}
		if change != nil {
			change(&cfg)
		}
		h, err := front.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		do(t, h)
		h.Close()
		synctest.Wait()
	})
}

// asked is what a handler answers to a body.
func asked(t *testing.T, h http.Handler, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	q := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	q.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	return w
}

// scraped is what /metrics says, by name.
func scraped(t *testing.T, h http.Handler) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(promnames.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answerOf(h, http.MethodGet, "/metrics").Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// value is that of the only metric of a name with a label, or of the only one.
func value(t *testing.T, families map[string]*dto.MetricFamily, name, label string) float64 {
	t.Helper()
	for _, m := range families[name].GetMetric() {
		for _, l := range m.Label {
			if label == "" || l.GetValue() == label {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
			}
		}
	}
	t.Errorf("no %s of %q", name, label)
	return math.NaN()
}

// expectHistogram compares count and sum, and how many are up to a bound.
func expectHistogram(t *testing.T, families map[string]*dto.MetricFamily, name string, count uint64, sum, bound float64, within uint64) {
	t.Helper()
	metrics := families[name].GetMetric()
	if len(metrics) != 1 {
		t.Errorf("%d of %s", len(metrics), name)
		return
	}
	h := metrics[0].GetHistogram()
	if h.GetSampleCount() != count || math.Abs(h.GetSampleSum()-sum) > 1e-9 {
		t.Errorf("%s: %d of %v together, want %d of %v", name, h.GetSampleCount(), h.GetSampleSum(), count, sum)
	}
	for _, b := range h.Bucket {
		if b.GetUpperBound() == bound {
			if b.GetCumulativeCount() != within {
				t.Errorf("%s: %d up to %v, want %d", name, b.GetCumulativeCount(), bound, within)
			}
			return
		}
	}
	t.Errorf("%s has no bucket up to %v", name, bound)
}

// What a scripted run has taken is in the metrics, to the nanosecond, by our names and
// by vLLM's.
func TestMetricsOfAScriptedRun(t *testing.T) {
	inVirtualTime(t, &timed{events: threeTokens(ask.FinishStop)}, nil, func(t *testing.T, h *front.Handler) {
		for _, stream := range []string{"false", "true"} {
			if w := asked(t, h, "/v1/chat/completions", `{`+hello+`,"stream":`+stream+`}`); w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		}
		families := scraped(t, h)
		for _, prefix := range []string{"weir_", "vllm:"} {
			expectHistogram(t, families, prefix+"time_to_first_token_seconds", 2, .1, .06, 2)
			expectHistogram(t, families, prefix+"inter_token_latency_seconds", 4, .08, .015, 0)
			expectHistogram(t, families, prefix+"inter_token_latency_seconds", 4, .08, .02, 4)
			expectHistogram(t, families, prefix+"request_time_per_output_token_seconds", 2, .05, .025, 2)
			expectHistogram(t, families, prefix+"e2e_request_latency_seconds", 2, .2, .05, 0)
			expectHistogram(t, families, prefix+"request_queue_time_seconds", 2, .04, .025, 2)
			expectHistogram(t, families, prefix+"request_prefill_time_seconds", 2, .06, .025, 0)
			expectHistogram(t, families, prefix+"request_decode_time_seconds", 2, .1, .05, 2)
			expectHistogram(t, families, prefix+"request_prompt_tokens", 2, 14, 5, 0)
			expectHistogram(t, families, prefix+"request_generation_tokens", 2, 6, 5, 2)
			if n := value(t, families, prefix+"request_success_total", "stop"); n != 2 {
				t.Errorf("%v ended with stop", n)
			}
		}
		expectHistogram(t, families, "vllm:time_per_output_token_seconds", 4, .08, .02, 4)
		if p, g := value(t, families, "weir_tier_prompt_tokens_total", "standard"), value(t, families, "weir_tier_generated_tokens_total", "standard"); p != 14 || g != 6 {
			t.Errorf("%v tokens of prompts, %v of answers", p, g)
		}
		if p, g := value(t, families, "weir_tier_prompt_tokens_total", "priority"), value(t, families, "weir_tier_generated_tokens_total", "background"); p != 0 || g != 0 {
			t.Errorf("%v tokens of prompts, %v of answers, of nobody", p, g)
		}
	})
}

// Tokens that go together have no time between them, and an answer's gaps are its own,
// however many answers a request has.
func TestGapsAreBetweenTokensOfAnAnswer(t *testing.T) {
	g := &timed{events: []timedEvent{
		token(10*ms, "a", 1), token(30*ms, "b", 2), token(30*ms, "c", 3), token(30*ms, "", 3), token(50*ms, "def", 6),
		{60 * ms, ask.Event{End: &ask.End{Reason: ask.FinishLength, PromptTokens: 7, CompletionTokens: 6, QueueNs: 1, PrefillNs: int64(10 * ms), DecodeNs: int64(50 * ms)}}},
	}}
	for _, answers := range []string{"1", "2"} {
		inVirtualTime(t, g, nil, func(t *testing.T, h *front.Handler) {
			if w := asked(t, h, "/v1/chat/completions", `{`+hello+`,"n":`+answers+`}`); w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			n := float64(answers[0] - '0')
			families := scraped(t, h)
			expectHistogram(t, families, "weir_time_to_first_token_seconds", 1, .01, .01, 1)
			expectHistogram(t, families, "weir_inter_token_latency_seconds", uint64(5*n), .04*n, .0001, uint64(3*n))
			expectHistogram(t, families, "weir_request_time_per_output_token_seconds", uint64(n), .01*n, .01, uint64(n))
			if generated := value(t, families, "weir_tier_generated_tokens_total", "standard"); generated != 6*n {
				t.Errorf("%v tokens of %v answers", generated, n)
			}
		})
	}
}

// To vLLM an answer with calls has stopped.
func TestCallsAreStopsByVLLMsName(t *testing.T) {
	inVirtualTime(t, &timed{events: threeTokens(ask.FinishCalls)}, nil, func(t *testing.T, h *front.Handler) {
		asked(t, h, "/v1/chat/completions", `{`+hello+`}`)
		families := scraped(t, h)
		if ours, theirs := value(t, families, "weir_request_success_total", "tool_calls"), value(t, families, "vllm:request_success_total", "stop"); ours != 1 || theirs != 1 {
			t.Errorf("%v by our name, %v by vLLM's", ours, theirs)
		}
		for _, m := range families["vllm:request_success_total"].Metric {
			if strings.Contains(m.String(), "tool_calls") {
				t.Errorf("%v", m)
			}
		}
		if stopped := value(t, families, "weir_request_success_total", "stop"); stopped != 0 {
			t.Errorf("%v have stopped by our name", stopped)
		}
	})
}

// The names of others can be left out.
func TestOwnMetricNames(t *testing.T) {
	for _, own := range []bool{false, true} {
		s := serve(t, &generatetest.Generator{Reply: "a"}, func(c *front.Config) { c.OwnMetricNames = own })
		_, _, text := s.do(t, http.MethodGet, "/metrics", "", nil)
		for _, name := range []string{"vllm:time_to_first_token_seconds_count", "llamacpp:prompt_tokens_total"} {
			if strings.Contains(text, "\n"+name) == own {
				t.Errorf("own %v: %s", own, linesWith(text, name))
			}
		}
		if !strings.Contains(text, "\nweir_time_to_first_token_seconds_count") {
			t.Errorf("own %v: none of our own", own)
		}
	}
}

// What a scrape costs with and without the names of others.
func BenchmarkScrape(b *testing.B) {
	for _, own := range []bool{false, true} {
		name := map[bool]string{false: "all", true: "own"}[own]
		h, err := front.New(front.Config{Generator: &generatetest.Generator{}, OwnMetricNames: own, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			var bytes int64
			for b.Loop() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
				bytes, _ = io.Copy(io.Discard, w.Body)
			}
			b.ReportMetric(float64(bytes), "B/scrape")
		})
		h.Close()
	}
}
