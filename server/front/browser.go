package front

import (
	"net/http"
	"strings"
)

// PageFiles is the path below which the files of the page are.
const PageFiles = "/ui/"

// servesPage reports whether a request is for the page, and notes that what is at /
// depends on who asks.
func (h *Handler) servesPage(w http.ResponseWriter, q *http.Request) bool {
	if h.cfg.Page == nil || q.URL.Path != "/" {
		return false
	}
	w.Header().Add("Vary", "Accept")
	return wantsPage(q)
}

// wantsPage reports whether a browser asks for /. Programs, which take anything
// (*/*), get what the API has there.
func wantsPage(q *http.Request) bool {
	if q.URL.Path != "/" || q.Method != http.MethodGet && q.Method != http.MethodHead {
		return false
	}
	for _, accepted := range q.Header.Values("Accept") {
		for media := range strings.SplitSeq(accepted, ",") {
			kind, parameters, _ := strings.Cut(media, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "text/html") && !unwanted(parameters) {
				return true
			}
		}
	}
	return false
}

// unwanted reports whether parameters of a media type say a quality of 0.
func unwanted(parameters string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "q") && strings.Trim(value, "0.") == "" && value != "" {
			return true
		}
	}
	return false
}

// servePage gives the page and its files. It asks for no key: the page does, of who
// reads it.
func (h *Handler) servePage(x *exchange, w http.ResponseWriter, q *http.Request) error {
	h.cfg.Page.ServeHTTP(boundedWriter{w, x}, q)
	return nil
}
