package api

import (
	"context"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/openai"
)

// Handler serves the API. It is safe for concurrent use.
type Handler struct {
	cfg      Config
	info     engine.Info
	keys     keyring
	metrics  *metrics
	mux      http.ServeMux
	emitter  *emitter // nil: each stream is written by its handler
	started  time.Time
	draining atomic.Bool
}

// New returns a handler over a running loop.
func New(cfg Config) (*Handler, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	h := &Handler{
		cfg:     cfg,
		info:    cfg.Model.Info(),
		keys:    newKeyring(cfg.Keys),
		started: time.Now(),
	}
	if h.metrics, err = newMetrics(cfg.ModelID, cfg.Loop); err != nil {
		return nil, err
	}
	if cfg.FanOut != nil {
		if h.emitter, err = startEmitter(h); err != nil {
			return nil, err
		}
	}
	h.routes()
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// Drain refuses new generations with 503 from now on, and makes /health say
// so. Running ones go on.
func (h *Handler) Drain() { h.draining.Store(true) }

// Wait waits until the streams that have left the HTTP server are sent to
// their end; http.Server.Shutdown knows nothing of them, and comes first. When
// ctx is done it returns the context's error, and they go on.
func (h *Handler) Wait(ctx context.Context) error {
	if h.emitter == nil {
		return nil
	}
	return h.emitter.wait(ctx)
}

// Close cuts off the streams that are left and frees what New made. Without a
// FanOut there is nothing to do.
func (h *Handler) Close() {
	if h.emitter != nil {
		h.emitter.close()
	}
}

// route is one path: its method, and whether it is open to everybody.
type route struct {
	method, path string
	open         bool
	serve        func(http.ResponseWriter, *http.Request) error
}

func (h *Handler) routes() {
	for _, r := range []route{
		{"POST", "/v1/chat/completions", false, h.chatCompletion},
		{"POST", "/v1/completions", false, h.completion},
		{"GET", "/v1/models", false, h.listModels},
		{"GET", "/v1/models/{id...}", false, h.getModel},
		{"POST", "/tokenize", false, h.tokenize},
		{"POST", "/detokenize", false, h.detokenize},
		{"GET", "/health", true, h.health},
		{"GET", "/metrics", false, h.serveMetrics},
	} {
		h.mux.HandleFunc(r.path, func(w http.ResponseWriter, q *http.Request) { h.dispatch(w, q, &r) })
	}
	h.mux.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) { h.dispatch(w, q, nil) })
}

// dispatch does what all routes share.
func (h *Handler) dispatch(w http.ResponseWriter, q *http.Request, r *route) {
	begin := time.Now()
	err := h.admit(w, q, r)
	if err == nil {
		err = r.serve(w, q)
	}
	x := exchange{route: "other", method: q.Method, path: q.URL.Path, remote: q.RemoteAddr, begin: begin}
	if r != nil {
		x.route = r.path
	}
	if moved, ok := err.(*movedError); ok {
		h.emitter.take(moved.emission, x)
		_ = moved.emission.stream.Serve() // how it ended is the emitter's business
		return
	}
	status := http.StatusOK
	if err != nil {
		status = h.writeError(w, q, err)
	}
	h.account(x, status)
}

// exchange is what is told of a request when it is over.
type exchange struct {
	route                string // of a closed set: it is a metric's label
	method, path, remote string
	begin                time.Time
}

// account counts and logs a request that is over.
func (h *Handler) account(x exchange, status int) {
	h.metrics.request(x.route, status)
	if h.cfg.Log.Enabled(context.Background(), slog.LevelDebug) {
		h.cfg.Log.Debug("request", "method", x.method, "path", x.path, "remote", x.remote,
			"status", status, "duration", time.Since(x.begin))
	}
}

// admit checks what can be told from the header.
func (h *Handler) admit(w http.ResponseWriter, q *http.Request, r *route) error {
	if r == nil || !r.open {
		if err := h.keys.check(q); err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			return err
		}
	}
	if r == nil {
		return &openai.Error{
			Status:  http.StatusNotFound,
			Message: "unknown path " + q.URL.Path + ": the chat endpoint is POST /v1/chat/completions",
			Type:    openai.TypeInvalidRequest,
			Code:    "unknown_url",
		}
	}
	if q.Method != r.method && !(q.Method == http.MethodHead && r.method == http.MethodGet) {
		w.Header().Set("Allow", r.method)
		return &openai.Error{
			Status:  http.StatusMethodNotAllowed,
			Message: q.Method + " is not allowed on " + r.path + ": use " + r.method,
			Type:    openai.TypeInvalidRequest,
			Code:    "method_not_allowed",
		}
	}
	if r.method != http.MethodPost {
		return nil
	}
	// A page in a browser can post anything but this type to another site
	// without asking it first.
	if media, _, _ := mime.ParseMediaType(q.Header.Get("Content-Type")); !strings.EqualFold(media, "application/json") {
		return &openai.Error{
			Status:  http.StatusUnsupportedMediaType,
			Message: "the body must be JSON: send the header Content-Type: application/json",
			Type:    openai.TypeInvalidRequest,
			Code:    "unsupported_media_type",
		}
	}
	q.Body = http.MaxBytesReader(w, q.Body, h.cfg.BodyBytes)
	return nil
}
