package front

import (
	"io"
	"net/http"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/wire/openai"
)

// healthy is what is said where nothing is wrong.
const healthy = `{"status":"ok"}`

// health is readiness: 503 with the reason while requests are refused. It asks for
// no key.
func (h *Handler) health(x *exchange, w http.ResponseWriter, q *http.Request) error {
	if err := h.refuseWhileDraining(); err != nil {
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
// for liveness alone.
func Loading() http.Handler {
	var mux http.ServeMux
	mux.HandleFunc("/health/live", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, healthy)
	})
	loading := openai.AppendFault(nil, &ask.Fault{Kind: ask.Loading, What: "the model is being loaded", Remedy: "try again later"})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write(loading)
	})
	return &mux
}
