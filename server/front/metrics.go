package front

import (
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/internal/histogram"
)

// metrics are the server's, in a registry of its own. Names follow vLLM's
// where it has the thing, with the prefix weir_, and are there by vLLM's own too
// (names.go). Histograms are classic and native at once, but for that of what each
// token is observed in: native ones take more time there, and memory.
//
// What a generator counts anyway it gives as a collector of its own.
//
// Who counts, the engine's goroutine and the emitter among them, waits for no scrape,
// which may be stopped at any moment: it runs in Config.Service, that may be out of
// quota. A scrape takes the locks of the registry, of the collectors of Go and of the
// process, and of each prometheus.Histogram; of these only the last is anybody else's,
// who has filled more than mostBuckets.
type metrics struct {
	serve http.Handler

	firstToken prometheus.Histogram
	interToken *histogram.Histogram
	longestGap prometheus.Histogram
	perToken   prometheus.Histogram
	endToEnd   prometheus.Histogram
	queue      prometheus.Histogram
	prefill    prometheus.Histogram
	decode     prometheus.Histogram
	inference  prometheus.Histogram
	prompt     prometheus.Histogram
	generated  prometheus.Histogram
	tiers      tierFigures
	ended      [ask.FinishReasons]prometheus.Counter
	requests   *counts // by path and status
	ignored    *counts // by field
}

// Bounds of the classic buckets, in seconds and tokens.
var (
	gapBuckets     = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .015, .02, .025, .03, .04, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 10, 30, 60}
	firstBuckets   = []float64{.001, .0025, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 60, 80, 160}
	requestBuckets = []float64{.005, .01, .025, .05, .1, .3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960}
	tokenBuckets   = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000}
)

// scrapesAtOnce bounds what waits for the service's quota: further ones get 503. All
// that come together are gathered once, so one that waits holds its connection alone.
const scrapesAtOnce = 256

// mostBuckets of a native histogram are more than values have: at 8 for each doubling,
// nanoseconds have 440 up to a year, and tokens fewer. Who would need one more takes
// the lock that a scrape holds.
const mostBuckets = 512

func newMetrics(modelID string, held *memory, ownNames bool, others []prometheus.Collector) (*metrics, error) {
	registry := prometheus.NewRegistry()
	labels := prometheus.Labels{"model_name": modelID}
	r := registrar{registry: registry, labels: labels}
	m := &metrics{
		serve:      promhttp.HandlerFor(together(gatherer(registry, ownNames)), promhttp.HandlerOpts{MaxRequestsInFlight: scrapesAtOnce, EnableOpenMetrics: true}),
		firstToken: r.histogram("time_to_first_token_seconds", "From a request's arrival to its first token.", firstBuckets),
		longestGap: r.histogram("request_longest_gap_seconds", "The longest time between two tokens of a request, as they were generated.", gapBuckets),
		perToken:   r.histogram("request_time_per_output_token_seconds", "From an answer's first token to its end, for each token after the first.", gapBuckets),
		endToEnd:   r.histogram("e2e_request_latency_seconds", "From a request's arrival to its end.", requestBuckets),
		queue:      r.histogram("request_queue_time_seconds", "From submission to admission into the batch.", requestBuckets),
		prefill:    r.histogram("request_prefill_time_seconds", "From admission to the first token.", requestBuckets),
		decode:     r.histogram("request_decode_time_seconds", "From the first token to the last.", requestBuckets),
		inference:  r.histogram("request_inference_time_seconds", "From admission to the last token.", requestBuckets),
		prompt:     r.histogram("request_prompt_tokens", "Tokens of a prompt.", tokenBuckets),
		generated:  r.histogram("request_generation_tokens", "Tokens of what a request got.", tokenBuckets),
		interToken: histogram.New(prometheus.NewDesc("weir_inter_token_latency_seconds",
			"Between two tokens of an answer on their way to its client; 0 for those that go together.", nil, labels), histogram.Seconds, gapBuckets...),
	}
	m.tiers.describe(labels)
	byReason := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "weir_request_success_total", Help: "Generations that ended, by reason.", ConstLabels: labels,
	}, []string{"finished_reason"})
	for reason := range ask.FinishReason(ask.FinishReasons) {
		m.ended[reason] = byReason.WithLabelValues(reason.String())
	}
	m.requests = newCounts("weir_http_requests_total", "HTTP requests by route and status; 499 is a client that went away.", labels, "path", "status")
	m.ignored = newCounts("weir_request_fields_ignored_total", "Fields of requests that were accepted and have no effect.", labels, "field")
	r.add(m.interToken, &m.tiers, byReason, m.requests, m.ignored, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	r.gauge("request_memory_bytes", "Held by requests' bodies and by answers that are not streamed.",
		func() float64 { return float64(held.used.Load()) })
	r.gauge("request_memory_limit_bytes", "What they may hold together.", func() float64 { return float64(held.limitBytes) })
	r.add(others...)
	return m, r.err
}

// registrar registers collectors and keeps the first error.
type registrar struct {
	registry *prometheus.Registry
	labels   prometheus.Labels
	err      error
}

func (r *registrar) add(cs ...prometheus.Collector) {
	for _, c := range cs {
		if err := r.registry.Register(c); err != nil && r.err == nil {
			r.err = err
		}
	}
}

func (r *registrar) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "weir_" + name, Help: help, ConstLabels: r.labels, Buckets: buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  mostBuckets,
		NativeHistogramMinResetDuration: time.Hour,
	})
	r.add(h)
	return h
}

func (r *registrar) gauge(name, help string, value func() float64) {
	r.add(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "weir_" + name, Help: help, ConstLabels: r.labels}, value))
}

// exemplarBytes of a request's id: an exemplar's labels have 128 characters in all.
const exemplarBytes = 64

// observeOf observes a value of a request, and names the request beside it.
func observeOf(requestID string, h prometheus.Histogram, seconds float64) {
	h.(prometheus.ExemplarObserver).ObserveWithExemplar(seconds, prometheus.Labels{"request_id": ask.Clip(requestID, exemplarBytes)})
}

// finished counts a request whose generations began duration ago, and where its
// time went.
func (m *metrics) finished(requestID string, end *ask.End, duration time.Duration) {
	m.ended[end.Reason].Inc()
	if s := end.Spent; s != nil && s.Worst.Token > 0 {
		observeOf(requestID, m.longestGap, float64(s.Worst.Sum())/1e9)
	}
	m.endToEnd.Observe(duration.Seconds())
	if end.QueueNs == 0 {
		return // ended before the generator said
	}
	m.queue.Observe(float64(end.QueueNs) / 1e9)
	m.prefill.Observe(float64(end.PrefillNs) / 1e9)
	m.decode.Observe(float64(end.DecodeNs) / 1e9)
	m.inference.Observe(float64(end.PrefillNs+end.DecodeNs) / 1e9)
	m.prompt.Observe(float64(end.PromptTokens))
	m.generated.Observe(float64(end.CompletionTokens))
}

// answered counts an answer, of which a request may have several.
func (m *metrics) answered(end *ask.End) {
	if end.QueueNs != 0 && end.CompletionTokens > 1 {
		m.perToken.Observe(float64(end.DecodeNs) / 1e9 / float64(end.CompletionTokens-1))
	}
}

// countIgnored counts fields that have no effect, by names of a closed set.
func (m *metrics) countIgnored(fields iter.Seq[string]) {
	for name := range fields {
		m.ignored.add([2]string{name})
	}
}

func (m *metrics) request(path string, status int) {
	m.requests.add([2]string{path, strconv.Itoa(status)})
}

func (h *Handler) serveMetrics(x *exchange, w http.ResponseWriter, q *http.Request) error {
	w.Header().Set("Process-Start-Time-Unix", strconv.FormatInt(h.started.Unix(), 10))
	h.metrics.serve.ServeHTTP(boundedWriter{w, x}, q)
	return nil
}

// debug answers by what an operator has given.
func debug(by http.Handler) server {
	return func(x *exchange, w http.ResponseWriter, q *http.Request) error {
		by.ServeHTTP(boundedWriter{w, x}, q)
		return nil
	}
}

// boundedWriter bounds each write, but not what comes before the first one:
// collecting is not the client's time. It accounts for what is answered.
type boundedWriter struct {
	http.ResponseWriter
	x *exchange
}

func (w boundedWriter) WriteHeader(status int) {
	w.x.account(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w boundedWriter) Write(p []byte) (int, error) {
	w.x.account(http.StatusOK) // unless a status was written
	w.x.h.bound(w.ResponseWriter)
	n, err := w.ResponseWriter.Write(p)
	w.x.story.bytes += int64(n)
	return n, err
}
