package front

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/weirgo/weir/server/ask"
)

// plainPath takes doubled slashes and slashes at the end out of a request's path:
// base URLs are configured with and without one. What net/http does about them is a
// redirect, which makes a GET of a POST.
func plainPath(q *http.Request) *http.Request {
	path := q.URL.EscapedPath()
	if path == "/" || !strings.HasSuffix(path, "/") && !strings.Contains(path, "//") {
		return q
	}
	if strings.HasPrefix(path, PageFiles) && !strings.Contains(path, "//") {
		return q
	}
	var plain strings.Builder
	plain.Grow(len(path))
	for part := range strings.SplitSeq(path, "/") {
		if part != "" {
			plain.WriteByte('/')
			plain.WriteString(part)
		}
	}
	if plain.Len() == 0 {
		plain.WriteByte('/')
	}
	decoded, err := url.PathUnescape(plain.String())
	if err != nil {
		return q // not from a request line
	}
	u := *q.URL
	u.Path, u.RawPath = decoded, plain.String()
	changed := *q
	changed.URL = &u
	return &changed
}

// checkMediaType refuses a body that may come from a page of another site.
//
// A page can send a POST with a body to any server, unasked, if its type is one of
// three that forms have, or none; all else a browser asks the server about first
// (CORS). So JSON by name is always taken. A form's type, which is what `curl -d`
// says, and no type at all are taken from who is no browser, or on a page of this
// server: browsers name the origin of each POST to another one, and newer ones say
// where every request comes from (Sec-Fetch-Site).
func checkMediaType(header http.Header) error {
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case media == "application/json", strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"):
		return nil
	case err != nil && header.Get("Content-Type") != "", media != "" && media != "application/x-www-form-urlencoded":
	case !mayBeCrossSite(header):
		return nil
	}
	return &ask.Fault{
		Kind: ask.MediaTypeUnsupported, What: "the body must be JSON", Remedy: "send the header Content-Type: application/json",
	}
}

// mayBeCrossSite reports whether a page of another origin may have made a request
// that browsers do not ask about.
func mayBeCrossSite(header http.Header) bool {
	switch header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "":
		return len(header["Origin"]) > 0 || len(header["Referer"]) > 0
	}
	return true
}

// What a fault says of what a client sent, at most: it may be as long as its body.
const (
	shownBytes = 1 << 10
	paramBytes = ask.QuotedBytes
)

// short is a fault for the client, in whatever dialect.
func short(f *ask.Fault) *ask.Fault {
	if len(f.What) <= shownBytes && len(f.Remedy) <= shownBytes && len(f.Param) <= paramBytes {
		return f
	}
	cut := *f
	cut.What, cut.Remedy, cut.Param = ask.Clip(f.What, shownBytes), ask.Clip(f.Remedy, shownBytes), ask.Clip(f.Param, paramBytes)
	return &cut
}
