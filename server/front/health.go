package front

import (
	"io"
	"net/http"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/wire/protobuf"
)

// healthy is what is said where nothing is wrong.
const healthy = `{"status":"ok"}`

// health is readiness: 503 with the reason while requests are refused. It asks for
// no key.
func (h *Handler) health(x *exchange, w http.ResponseWriter, q *http.Request) error {
	if err := h.refuseWhileWithdrawn(); err != nil {
		return err
	}
	return h.live(x, w, q)
}

// live is liveness: 503 with the reason if nothing but a new process may help, which
// is not so of one that loads or drains. It asks for no key.
func (h *Handler) live(x *exchange, w http.ResponseWriter, _ *http.Request) error {
	if c, ok := h.cfg.Generator.(generate.Checker); ok {
		if err := c.Check(); err != nil {
			return err
		}
	}
	h.write(x, w, http.StatusOK, []byte(healthy))
	return nil
}

// Loading answers until there is a Handler: 503 with the reason, and 200 to who asks
// for liveness alone, at the paths that the Handler will have. A browser gets the page
// at once, if it is not nil, and waits with it.
func Loading(origins Origins, page http.Handler, llama LlamaServer) http.Handler {
	var mux http.ServeMux
	mux.HandleFunc("/health/live", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, healthy)
	})
	if page != nil {
		mux.Handle(PageFiles, page)
	}
	loading := ask.IsLoading()
	refuse := func(w http.ResponseWriter, q *http.Request) {
		d := dialectOf(q)
		if d == grpcDialect {
			refuseGRPC(w, protobuf.NewStatus(loading, false))
			return
		}
		named := requestID(q.Header)
		w.Header()[requestIDHeader] = []string{named}
		id := d.name(w.Header(), named)
		w.Header()["Content-Type"] = d.whole
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(d.status(loading.Kind))
		_, _ = w.Write(d.fault(nil, loading, id))
	}
	mux.HandleFunc("/", refuse)
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		origins.allow(w, q)
		asked := q.URL.Path
		q, known := llama.within(plainPath(q))
		switch {
		case q.Method == http.MethodOptions && origins.preflight(w, q):
			w.WriteHeader(http.StatusOK)
		case !known:
			refuse(w, q)
		case page != nil && wantsPage(q):
			if !llama.toFolder(w, asked) {
				page.ServeHTTP(w, q)
			}
		default:
			mux.ServeHTTP(w, q)
		}
	})
}
