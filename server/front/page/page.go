package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed files
var files embed.FS

// at is the path below which the files are that index.html names.
const at = "/ui/"

// policy is the content security policy. Styles are set through the object model
// alone, which it does not forbid.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// types are those of the files, which do not depend on the machine's table.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// file is one as it is sent. Its bytes are not written to.
type file struct {
	plain, packed []byte
	kind, tag     string
}

// Handler serves the page at / and its files below /ui/, by GET and HEAD. It is safe
// for concurrent use; all callers get the same one.
func Handler() http.Handler { return handler() }

var handler = sync.OnceValue(func() http.Handler {
	h := pages{}
	err := fs.WalkDir(files, "files", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		h[strings.TrimPrefix(name, "files/")] = newFile(name, content)
		return nil
	})
	if err != nil {
		panic("page: the embedded files cannot be read")
	}
	return h
})

func newFile(name string, content []byte) *file {
	sum := sha256.Sum256(content)
	f := &file{plain: content, kind: types[path.Ext(name)], tag: base64.RawURLEncoding.EncodeToString(sum[:12])}
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level exists
	_, _ = z.Write(content)                                    // a buffer takes all
	_ = z.Close()
	f.packed = packed.Bytes()
	return f
}

// pages are the files by name.
type pages map[string]*file

// ServeHTTP implements http.Handler.
func (h pages) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	setHeader(w.Header())
	name := "index.html"
	if q.URL.Path != "/" {
		name = strings.TrimPrefix(q.URL.Path, at)
	}
	f := h[name]
	switch {
	case f == nil || name == "index.html" && q.URL.Path != "/":
		http.Error(w, "there is no such file: the page is at /", http.StatusNotFound)
		return
	case q.Method != http.MethodGet && q.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "use GET", http.StatusMethodNotAllowed)
		return
	}
	f.serve(w, q)
}

func (f *file) serve(w http.ResponseWriter, q *http.Request) {
	header, body, tag := w.Header(), f.plain, f.tag
	header.Set("Content-Type", f.kind)
	header.Set("Cache-Control", "no-cache") // asked about each time: it is another server's after an update
	header.Add("Vary", "Accept-Encoding")
	if takesGzip(q.Header) && len(f.packed) < len(f.plain) {
		header.Set("Content-Encoding", "gzip")
		body, tag = f.packed, tag+"-gzip"
	}
	tag = `"` + tag + `"`
	header.Set("ETag", tag)
	if matches(q.Header, tag) {
		header.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if q.Method == http.MethodGet {
		_, _ = w.Write(body) // a client that is gone needs no answer
	}
}

// setHeader sets what all answers have, errors too.
func setHeader(header http.Header) {
	for name, value := range map[string]string{
		"Content-Security-Policy":      policy,
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), microphone=(), geolocation=()",
	} {
		header.Set(name, value)
	}
}

// takesGzip reports whether Accept-Encoding names gzip, and not with a quality of 0.
func takesGzip(header http.Header) bool {
	for coding := range strings.SplitSeq(strings.Join(header["Accept-Encoding"], ","), ",") {
		name, quality, _ := strings.Cut(coding, ";")
		if strings.TrimSpace(name) == "gzip" {
			_, value, given := strings.Cut(quality, "=")
			return !given || strings.Trim(value, " 0.") != ""
		}
	}
	return false
}

// matches reports whether If-None-Match names what would be sent.
func matches(header http.Header, tag string) bool {
	for known := range strings.SplitSeq(strings.Join(header["If-None-Match"], ","), ",") {
		known = strings.TrimSpace(known)
		if known == "*" || strings.TrimPrefix(known, "W/") == tag {
			return true
		}
	}
	return false
}
