package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/weirgo/weir/server/batch"
)

// metrics are the server's, in a registry of its own. Names follow vLLM's
// where it has the thing, with the prefix weir_, so that what routes and draws
// by those needs no more than another prefix. Histograms are classic and
// native at once.
//
// The streaming path takes no lock: it observes one interval a wake, into
// atomics. Everything that the loop counts anyway is read at the scrape.
type metrics struct {
	serve http.Handler

	firstToken prometheus.Histogram
	interToken prometheus.Histogram
	endToEnd   prometheus.Histogram
	queue      prometheus.Histogram
	prefill    prometheus.Histogram
	decode     prometheus.Histogram
	ended      [batch.FinishError + 1]prometheus.Counter
	requests   *prometheus.CounterVec
}

// Bounds of the classic buckets, in seconds.
var (
	tokenBuckets   = []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5}
	firstBuckets   = []float64{.001, .0025, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80}
	requestBuckets = []float64{.005, .01, .025, .05, .1, .3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960}
)

func newMetrics(modelID string, loop *batch.Loop) (*metrics, error) {
	registry := prometheus.NewRegistry()
	labels := prometheus.Labels{"model_name": modelID}
	r := registrar{registry: registry, labels: labels}
	m := &metrics{
		serve:      promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
		firstToken: r.histogram("time_to_first_token_seconds", "From a request's arrival to its first token.", firstBuckets),
		interToken: r.histogram("inter_token_latency_seconds", "Between two deliveries of tokens to a client.", tokenBuckets),
		endToEnd:   r.histogram("e2e_request_latency_seconds", "From a request's arrival to its end.", requestBuckets),
		queue:      r.histogram("request_queue_time_seconds", "From submission to admission into the batch.", requestBuckets),
		prefill:    r.histogram("request_prefill_time_seconds", "From admission to the first token.", requestBuckets),
		decode:     r.histogram("request_decode_time_seconds", "From the first token to the last.", requestBuckets),
	}
	byReason := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "weir_request_success_total", Help: "Generations that ended, by reason.", ConstLabels: labels,
	}, []string{"finished_reason"})
	for _, reason := range []batch.FinishReason{batch.FinishStop, batch.FinishLength, batch.FinishAborted, batch.FinishError} {
		m.ended[reason] = byReason.WithLabelValues(reason.String())
	}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "weir_http_requests_total", Help: "HTTP requests by route and status; 499 is a client that went away.", ConstLabels: labels,
	}, []string{"path", "status"})
	r.add(byReason, m.requests, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	r.loop(loop)
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
		NativeHistogramMaxBucketNumber:  160,
		NativeHistogramMinResetDuration: time.Hour,
	})
	r.add(h)
	return h
}

// loop registers what the loop counts.
func (r *registrar) loop(loop *batch.Loop) {
	gauge := func(name, help string, value func(batch.Stats) float64) {
		r.add(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "weir_" + name, Help: help, ConstLabels: r.labels},
			func() float64 { return value(loop.Stats()) }))
	}
	counter := func(name, help string, value func(batch.Stats) float64) {
		r.add(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "weir_" + name, Help: help, ConstLabels: r.labels},
			func() float64 { return value(loop.Stats()) }))
	}
	gauge("num_requests_running", "Generations in the batch.", func(s batch.Stats) float64 { return float64(s.Active) })
	gauge("num_requests_waiting", "Requests that wait for a place in the batch.", func(s batch.Stats) float64 { return float64(s.Waiting) })
	gauge("num_requests_paused", "Generations whose client does not keep up.", func(s batch.Stats) float64 { return float64(s.Paused) })
	gauge("num_requests_limit", "Requests that may wait.", func(s batch.Stats) float64 { return float64(s.QueueLimit) })
	gauge("kv_cache_usage_perc", "Share of the KV cache in use, 0 to 1.", func(s batch.Stats) float64 {
		return float64(s.KVTokens) / float64(max(s.ContextTokens, 1))
	})
	gauge("decode_running_seconds", "How long the decode under way has been running; large if the engine is stuck.",
		func(s batch.Stats) float64 { return s.Decoding.Seconds() })
	counter("prompt_tokens_total", "Prompt tokens decoded.", func(s batch.Stats) float64 { return float64(s.PromptTokens) })
	counter("generation_tokens_total", "Tokens generated.", func(s batch.Stats) float64 { return float64(s.CompletionTokens) })
	counter("decode_steps_total", "Decodes, each of one batch.", func(s batch.Stats) float64 { return float64(s.Steps) })
	counter("decode_seconds_total", "Time inside decodes.", func(s batch.Stats) float64 { return s.Busy.Seconds() })
	counter("decode_errors_total", "Decodes that failed.", func(s batch.Stats) float64 { return float64(s.DecodeErrors) })
	counter("num_preemptions_total", "Generations put back into the queue for want of cache.", func(s batch.Stats) float64 { return float64(s.Evictions) })
	counter("requests_refused_total", "Requests refused because the queue was full.", func(s batch.Stats) float64 { return float64(s.Refused) })
}

// wake observes a delivery of tokens, at the end of the interval since last.
func (m *metrics) wake(last, now time.Time, first bool) {
	interval := now.Sub(last).Seconds()
	if first {
		m.firstToken.Observe(interval)
	} else {
		m.interToken.Observe(interval)
	}
}

// finished counts a generation that began duration ago.
func (m *metrics) finished(reason batch.FinishReason, duration time.Duration) {
	m.ended[reason].Inc()
	m.endToEnd.Observe(duration.Seconds())
}

// phases observes where a generation's time went.
func (m *metrics) phases(f batch.Finish) {
	m.queue.Observe(f.Queue.Seconds())
	m.prefill.Observe(f.Prefill.Seconds())
	m.decode.Observe(f.Decode.Seconds())
}

func (m *metrics) request(path string, status int) {
	m.requests.WithLabelValues(path, strconv.Itoa(status)).Inc()
}

func (h *Handler) serveMetrics(w http.ResponseWriter, r *http.Request) error {
	h.bound(w)
	h.metrics.serve.ServeHTTP(w, r)
	return nil
}
