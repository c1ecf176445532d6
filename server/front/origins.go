package front

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Origins are the web origins whose pages may use this server from a browser
// (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol). The zero value allows
// none but the server's own. Keys are sent in headers, never in cookies, so
// credentials are not allowed to any.
type Origins struct {
	any    bool
	local  bool // those of the client's own machine
	listed map[string]bool
}

// ParseOrigins reads origins such as "https://chat.example:8443", "localhost", which
// allows those of the client's own machine, or "*", which allows all.
func ParseOrigins(list []string) (Origins, error) {
	o := Origins{listed: map[string]bool{}}
	for _, origin := range list {
		if origin == "*" {
			o.any = true
			continue
		}
		if origin == "localhost" {
			o.local = true
			continue
		}
		if err := checkOrigin(origin); err != nil {
			return Origins{}, fmt.Errorf("front: read origin %q: %w: give SCHEME://HOST or SCHEME://HOST:PORT, localhost or * for all", origin, err)
		}
		o.listed[strings.ToLower(origin)] = true
	}
	return o, nil
}

var errNoOrigin = errors.New("that is no web origin")

func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Hostname() == "" || strings.Contains(u.Host, "*") {
		return errNoOrigin // null is one that every sandboxed page has
	}
	if u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(origin, "?") || strings.HasSuffix(origin, "#") {
		return errors.New("an origin has no path, query or user")
	}
	if p := u.Port(); u.Scheme == "http" && p == "80" || u.Scheme == "https" && p == "443" {
		return errors.New("browsers leave out the scheme's own port")
	}
	return nil
}

func (o *Origins) none() bool { return !o.any && !o.local && len(o.listed) == 0 }

// allowed reports whether the request comes from a page that may read the answer.
func (o *Origins) allowed(q *http.Request) bool {
	origin := q.Header.Get("Origin")
	return origin != "" && (o.any || o.listed[strings.ToLower(origin)] || o.local && isLocal(origin))
}

// isLocal reports whether a page comes from the machine that its browser is on.
func isLocal(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	host := u.Hostname()
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// allow says in the answer's header who may read it.
func (o *Origins) allow(w http.ResponseWriter, q *http.Request) {
	if o.none() {
		return
	}
	header := w.Header()
	header.Add("Vary", "Origin") // a cache must not give one origin's answer to another
	if !o.allowed(q) {
		return
	}
	header.Set("Access-Control-Allow-Origin", q.Header.Get("Origin"))
	header.Set("Access-Control-Expose-Headers", "*")
}

// Bounds of a preflight's answer.
const (
	preflightSeconds   = "600"                        // it is asked again after a list was changed
	preflightMethods   = "GET, POST, DELETE, OPTIONS" // and HEAD, which needs no leave
	requestedNameBytes = 1 << 10
)

// preflight answers a browser that asks what a page may send, in the header, and
// reports whether it is one and the page may. The browser sends no key with it.
func (o *Origins) preflight(w http.ResponseWriter, q *http.Request) bool {
	if !o.allowed(q) || q.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	header := w.Header()
	header.Set("Access-Control-Allow-Methods", preflightMethods)
	// "*" would not mean Authorization.
	if names := q.Header.Get("Access-Control-Request-Headers"); names != "" && len(names) <= requestedNameBytes {
		header.Set("Access-Control-Allow-Headers", names)
	}
	header.Set("Access-Control-Max-Age", preflightSeconds)
	header.Add("Vary", "Access-Control-Request-Headers")
	return true
}

// options answers OPTIONS with what may be done here, and a browser's preflight.
// Neither takes a key: what paths there are is no secret. It reports false for a
// path that nobody knows.
func (h *Handler) options(x *exchange, w http.ResponseWriter, q *http.Request, r *route) bool {
	preflight := h.cfg.Origins.preflight(w, q)
	if r.method == "" && !preflight {
		return false
	}
	switch r.method {
	case "":
	case http.MethodGet:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
	default:
		w.Header().Set("Allow", r.method+", OPTIONS")
	}
	x.account(http.StatusOK) // as llama-server; some clients look for no other success
	w.WriteHeader(http.StatusOK)
	return true
}
