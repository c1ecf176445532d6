package front

import (
	"context"
	"encoding/json/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/reply"
	"github.com/weirgo/weir/server/wire/protobuf"
)

// Handler serves the API. It is safe for concurrent use.
type Handler struct {
	cfg                 Config
	keys                keyring
	metrics             *metrics
	figures             llamaFigures
	mux                 http.ServeMux
	emitter             *reply.Emitter
	started             time.Time
	withdrawn, draining atomic.Bool
	before              atomic.Int64 // requests that came before draining was set, and are in a handler
	memory              memory
	told                []told // to the model's chat template
}

// New returns a handler over a generator.
func New(cfg Config) (*Handler, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	h := &Handler{cfg: cfg, keys: newKeyring(cfg.Keys, cfg.Tenants), started: time.Now()}
	h.memory.limitBytes = cfg.MemoryBytes
	h.told = h.cfg.Llama.toldTo(h.properties().ChatTemplate)
	h.figures.watcher, _ = cfg.Generator.(generate.Watcher)
	if h.metrics, err = newMetrics(cfg.Generator.Model().ID, &h.memory, cfg.OwnMetricNames, h.collectors()); err != nil {
		return nil, err
	}
	if h.emitter, err = reply.Start(cfg.Streams, cfg.Group); err != nil {
		return nil, err
	}
	if err := h.routes(); err != nil {
		h.emitter.Close()
		return nil, err
	}
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	h.cfg.Origins.allow(w, q)
	asked := q.URL.Path
	q, known := h.cfg.Llama.within(plainPath(q))
	switch {
	case !known:
		h.dispatch(w, q, &otherPath)
	case h.servesPage(w, q):
		if !h.cfg.Llama.toFolder(w, asked) {
			h.dispatch(w, q, &route{"GET", "/", true, h.inService(h.servePage)})
		}
	default:
		h.mux.ServeHTTP(w, q)
	}
}

// Withdraw makes /health say that the server is about to end. Everything is served as
// before.
func (h *Handler) Withdraw() { h.withdrawn.Store(true) }

// Drain refuses new generations with 503 from now on, and makes /health say
// so. Running ones go on.
func (h *Handler) Drain() {
	h.Withdraw()
	h.draining.Store(true)
}

// lookEvery is how often Wait looks at what is in handlers, as http.Server.Shutdown
// does.
const lookEvery = 5 * time.Millisecond

// Wait waits until the requests that came before Drain are answered, and the streams
// that have left the HTTP server are sent to their end, of which
// http.Server.Shutdown knows nothing. When ctx is done it returns the context's
// error, and they go on.
func (h *Handler) Wait(ctx context.Context) error {
	for h.before.Load() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookEvery):
		}
	}
	return h.emitter.Wait(ctx)
}

// Streams is how many streams are open.
func (h *Handler) Streams() int { return h.emitter.Streams() }

// Close cuts off the streams that are left and frees what New made.
func (h *Handler) Close() {
	h.Drain()
	h.emitter.Close()
}

// route is one path: its method, and whether it is open to everybody.
type route struct {
	method, path string
	open         bool
	serve        server
}

// server serves a route.
type server = func(*exchange, http.ResponseWriter, *http.Request) error

func (h *Handler) routes() error {
	routes := slices.Concat([]route{
		{"POST", "/v1/chat/completions", false, h.chatCompletion},
		{"POST", "/v1/completions", false, h.completion},
		{"POST", "/v1/responses", false, h.response},
		{"POST", "/v1/responses/input_tokens", false, h.countResponse},
		{"", "/v1/responses/{id}", false, notStored},
		{"", "/v1/responses/{id}/{what}", false, notStored},
		{"", "/v1/chat/completions/{id}", false, notStored},
		{"", "/v1/chat/completions/{id}/{what}", false, notStored},
		{"POST", "/v1/embeddings", false, h.embeddings},
		{"GET", "/v1/models", false, h.listModels},
		{"GET", "/v1/models/{id...}", false, h.getModel},
		{"POST", "/tokenize", false, h.tokenize},
		{"POST", "/detokenize", false, h.detokenize},
		{"GET", "/health", true, h.health},
		{"GET", "/health/live", true, h.live},
		{"GET", "/metrics", false, h.inService(h.serveMetrics)},
	}, h.anthropicRoutes(), h.llamaRoutes())
	for _, r := range slices.Concat(routes, h.ollamaRoutes(), h.protobufRoutes()) {
		h.add(r)
	}
	for path, serve := range map[string]http.Handler{"/debug/slow": h.cfg.Slow, "/debug/flight": h.cfg.Flight} {
		if serve != nil {
			h.add(route{"GET", path, false, h.inService(debug(serve))})
		}
	}
	h.refuseUnserved()
	if h.cfg.Page != nil {
		h.mux.HandleFunc(PageFiles, func(w http.ResponseWriter, q *http.Request) {
			h.dispatch(w, q, &route{"GET", PageFiles, true, h.inService(h.servePage)})
		})
	}
	h.mux.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) {
		h.dispatch(w, q, &otherPath)
	})
	return h.vertexRoutes(routes)
}

func (h *Handler) add(r route) {
	h.mux.HandleFunc(r.path, func(w http.ResponseWriter, q *http.Request) { h.dispatch(w, q, &r) })
}

// otherPath is that of all paths that nobody knows.
var otherPath = route{path: "other", serve: unknownPath}

func unknownPath(x *exchange, _ http.ResponseWriter, q *http.Request) error {
	remedy := "the chat endpoint is POST /v1/chat/completions"
	if x.dialect == grpcDialect {
		remedy = "the service is " + protobuf.ServiceName + ", with Generate and Complete"
	}
	return &ask.Fault{Kind: ask.PathUnknown, What: "unknown path " + q.URL.Path, Remedy: remedy}
}

// dispatch does what all routes share. A route accounts for its success, before
// it writes; its failure is accounted for here.
func (h *Handler) dispatch(w http.ResponseWriter, q *http.Request, r *route) {
	x := newExchange(h, q, r)
	defer x.leave()
	w.Header()[requestIDHeader] = []string{x.requestID}
	if q.Method == http.MethodOptions && h.options(x, w, q, r) {
		return
	}
	x.id = x.dialect.name(w.Header(), x.requestID)
	err := h.admit(x, w, q, r)
	if err == nil {
		err = r.serve(x, w, q)
	}
	if err != nil {
		x.fail(w, err)
	}
}

// admit checks what can be told from the header.
func (h *Handler) admit(x *exchange, w http.ResponseWriter, q *http.Request, r *route) error {
	if !r.open {
		var err error
		if x.tenant, err = h.keys.check(q); err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			return err
		}
		if x.tenant != nil {
			x.granted = x.tenant.Tier
		}
	}
	if r.method == "" {
		return nil // unknown: any method is as good
	}
	if q.Method != r.method && !(q.Method == http.MethodHead && r.method == http.MethodGet) {
		w.Header().Set("Allow", r.method)
		return &ask.Fault{
			Kind: ask.MethodNotAllowed, What: q.Method + " is not allowed on " + r.path, Remedy: "use " + r.method,
		}
	}
	if r.method != http.MethodPost {
		return nil
	}
	if err := x.enter(); err != nil {
		return err
	}
	return h.admitBody(x, w, q)
}

// admitBody checks what can be told of a body from the header, and bounds it.
func (h *Handler) admitBody(x *exchange, w http.ResponseWriter, q *http.Request) error {
	check := x.dialect.takes
	if check == nil {
		check = checkMediaType
	}
	if err := check(q.Header); err != nil {
		return err
	}
	var err error
	if x.wishes, err = wishesOf(q.Header); err != nil {
		return err
	}
	if t := x.wishes.timeout; t > 0 {
		x.bound(x.begin.Add(t))
	}
	q.Body = http.MaxBytesReader(w, q.Body, h.cfg.BodyBytes)
	return nil
}

// refuseWhileWithdrawn is readiness' answer.
func (h *Handler) refuseWhileWithdrawn() error {
	if h.withdrawn.Load() {
		return ask.Closing()
	}
	return nil
}

// refuseWhileDraining is asked before anything is generated.
func (h *Handler) refuseWhileDraining() error {
	if h.draining.Load() {
		return ask.Closing()
	}
	return nil
}

// writeJSON answers 200 with a body.
func (h *Handler) writeJSON(x *exchange, w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	h.write(x, w, http.StatusOK, body)
	return nil
}

// write accounts for an answer and sends it, which may be in parts.
func (h *Handler) write(x *exchange, w http.ResponseWriter, status int, body ...[]byte) {
	x.account(status)
	x.client.answer(nil)
	w.Header()["Content-Type"] = x.dialect.whole
	sending := sending{x: x, w: w}
	sending.bound()
	w.WriteHeader(status)
	for _, part := range body {
		if sending.write(part) != nil {
			return // a client that is gone needs no answer
		}
	}
}

// sending is an answer on its way in parts. Its client has WriteTimeout for it, and
// once more for each MiB: one that takes less holds what the answer holds.
type sending struct {
	x     *exchange
	w     http.ResponseWriter
	begin time.Time
	sent  int
}

func (s *sending) bound() {
	if s.begin.IsZero() {
		s.begin = time.Now()
	}
	limit := s.begin.Add(s.x.h.cfg.WriteTimeout * time.Duration(1+s.sent>>20))
	// A writer without deadlines, as in a test, has none to miss.
	_ = http.NewResponseController(s.w).SetWriteDeadline(limit)
}

func (s *sending) write(p []byte) error {
	s.bound()
	s.sent += len(p)
	n, err := s.w.Write(p)
	s.x.story.bytes += int64(n)
	return err
}

// bound gives what is written next the time a client has to read it. net/http
// takes the deadline back after the request.
func (h *Handler) bound(w http.ResponseWriter) {
	// A writer without deadlines, as in a test, has none to miss.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(h.cfg.WriteTimeout))
}
