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
)

// metrics are the server's, in a registry of its own. Names follow vLLM's
// where it has the thing, with the prefix weir_, so that what routes and draws
// by those needs no more than another prefix. Histograms are classic and
// native at once.
//
// The streaming path takes no lock: it observes one interval a wake, into
// atomics. What a generator counts anyway it gives as a collector of its own.
type metrics struct {
	serve http.Handler

	firstToken prometheus.Histogram
	interToken prometheus.Histogram
	endToEnd   prometheus.Histogram
	queue      prometheus.Histogram
	prefill    prometheus.Histogram
	decode     prometheus.Histogram
	ended      [ask.FinishReasons]prometheus.Counter
	requests   *prometheus.CounterVec
	ignored    *prometheus.CounterVec
}

// Bounds of the classic buckets, in seconds.
var (
	tokenBuckets   = []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5}
	firstBuckets   = []float64{.001, .0025, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80}
	requestBuckets = []float64{.005, .01, .025, .05, .1, .3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960}
)

func newMetrics(modelID string, held *memory, others []prometheus.Collector) (*metrics, error) {
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
	for reason := range ask.FinishReason(ask.FinishReasons) {
		m.ended[reason] = byReason.WithLabelValues(reason.String())
	}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "weir_http_requests_total", Help: "HTTP requests by route and status; 499 is a client that went away.", ConstLabels: labels,
	}, []string{"path", "status"})
	m.ignored = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "weir_request_fields_ignored_total", Help: "Fields of requests that were accepted and have no effect.", ConstLabels: labels,
	}, []string{"field"})
	r.add(byReason, m.requests, m.ignored, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
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
		NativeHistogramMaxBucketNumber:  160,
		NativeHistogramMinResetDuration: time.Hour,
	})
	r.add(h)
	return h
}

func (r *registrar) gauge(name, help string, value func() float64) {
	r.add(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "weir_" + name, Help: help, ConstLabels: r.labels}, value))
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

// finished counts a generation that began duration ago, and where its time
// went.
func (m *metrics) finished(end *ask.End, duration time.Duration) {
	m.ended[end.Reason].Inc()
	m.endToEnd.Observe(duration.Seconds())
	if end.QueueNs == 0 {
		return // ended before the generator said
	}
	m.queue.Observe(float64(end.QueueNs) / 1e9)
	m.prefill.Observe(float64(end.PrefillNs) / 1e9)
	m.decode.Observe(float64(end.DecodeNs) / 1e9)
}

// countIgnored counts fields that have no effect, by names of a closed set.
func (m *metrics) countIgnored(fields iter.Seq[string]) {
	for name := range fields {
		m.ignored.WithLabelValues(name).Inc()
	}
}

func (m *metrics) request(path string, status int) {
	m.requests.WithLabelValues(path, strconv.Itoa(status)).Inc()
}

func (h *Handler) serveMetrics(x *exchange, w http.ResponseWriter, q *http.Request) error {
	w.Header().Set("Process-Start-Time-Unix", strconv.FormatInt(h.started.Unix(), 10))
	h.metrics.serve.ServeHTTP(boundedWriter{w, x}, q)
	return nil
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
	return w.ResponseWriter.Write(p)
}
