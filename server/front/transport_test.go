package front_test

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
)

// packers write a body in each encoding; raw is deflate without zlib's header.
var packers = map[string]func(io.Writer) io.WriteCloser{
	"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	"raw": func(w io.Writer) io.WriteCloser {
		z, _ := flate.NewWriter(w, flate.BestCompression)
		return z
	},
	"zstd": func(w io.Writer) io.WriteCloser {
		z, _ := zstd.NewWriter(w)
		return z
	},
}

func pack(t *testing.T, how func(io.Writer) io.WriteCloser, body string) string {
	t.Helper()
	var packed bytes.Buffer
	z := how(&packed)
	if _, err := io.WriteString(z, body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

func TestEncodedBodies(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "x"}, func(c *front.Config) { c.BodyBytes = 64 << 10 })
	for name, how := range packers {
		header := map[string]string{"Content-Type": "application/json", "Content-Encoding": strings.Replace(name, "raw", "deflate", 1)}
		body := pack(t, how, `{"prompt":"abc"}`)
		if status, _, answer := s.do(t, "POST", "/v1/completions", body, header); status != 200 || !strings.Contains(answer, `"prompt_tokens":4`) {
			t.Errorf("%s: status %d, %s", name, status, answer)
		}
		bomb := pack(t, how, `{"prompt":"`+strings.Repeat("a", 16<<20)+`"}`)
		if len(bomb) > 64<<10 { // of what is sent itself there is not too much
			t.Fatalf("%s: the bomb has %d bytes", name, len(bomb))
		}
		status, _, answer := s.do(t, "POST", "/v1/completions", bomb, header)
		if e := decodeError(t, answer); status != 413 || e.Code != "request_too_large" {
			t.Errorf("%s bomb: status %d, %+v", name, status, e)
		}
		for at, broken := range map[string]string{"cut": body[:len(body)/2], "spoilt": "\xff\xff\xff\xff" + body[4:], "empty": ""} {
			status, _, answer := s.do(t, "POST", "/v1/completions", broken, header)
			if e := decodeError(t, answer); status != 400 || e.Code != "invalid_body" && e.Code != "invalid_json" {
				t.Errorf("%s %s: status %d, %+v", name, at, status, e)
			}
		}
	}
	status, answered, answer := s.do(t, "POST", "/v1/completions", "x", map[string]string{"Content-Type": "application/json", "Content-Encoding": "br"})
	if e := decodeError(t, answer); status != 415 || e.Code != "unsupported_content_encoding" || answered.Get("Accept-Encoding") != "gzip, deflate, zstd" {
		t.Errorf("br: status %d, %+v, %v", status, e, answered)
	}
}

// A page of another site can send a form without asking; a program can as well, and
// is let in.
func TestMediaTypes(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "x"}, nil)
	const form = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		media, name, value string
		status             int
	}{
		{"application/json", "Origin", "http://other.example", 200},
		{"application/json; charset=utf-8", "", "", 200},
		{"APPLICATION/JSON", "", "", 200},
		{"application/problem+json", "", "", 200},
		{"", "", "", 200},
		{form, "", "", 200},
		{form, "Sec-Fetch-Site", "none", 200},
		{form, "Sec-Fetch-Site", "same-origin", 200},
		{"", "Origin", "http://other.example", 415},
		{"", "Origin", "null", 415},
		{form, "Origin", "null", 415},
		{form, "Referer", "http://other.example/", 415},
		{form, "Sec-Fetch-Site", "cross-site", 415},
		{form, "Sec-Fetch-Site", "same-site", 415},
		{"text/plain", "", "", 415},
		{"multipart/form-data; boundary=x", "", "", 415},
		{"text/html; =", "", "", 415},
	} {
		header := map[string]string{"Content-Type": test.media}
		if test.media == "" {
			delete(header, "Content-Type")
		}
		if test.name != "" {
			header[test.name] = test.value
		}
		if status, _, answer := s.do(t, "POST", "/tokenize", `{"content":""}`, header); status != test.status {
			t.Errorf("%q with %s %q: status %d, want %d: %s", test.media, test.name, test.value, status, test.status, answer)
		}
	}
}

func TestSlashesChangeNothing(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "x"}, nil)
	for _, path := range []string{"/tokenize/", "//tokenize", "//tokenize//", "/tokenize/?x=//"} {
		if status, _, answer := s.post(t, path, `{"content":"a"}`); status != 200 || answer != `{"tokens":[97]}` {
			t.Errorf("%s: status %d, %s", path, status, answer)
		}
	}
	for path, want := range map[string]int{
		"/v1/models/": 200, "/v1//models/tiny/": 200, "/v1/models/%74iny/": 200, "//": 200, "/tokenize/x": 404, "/v1/models/a%2Fb/": 404,
	} {
		if status, _, answer := s.do(t, "GET", path, "", nil); status != want {
			t.Errorf("%s: status %d, %s", path, status, answer)
		}
	}
}

func TestHeadWhereGetIs(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "x"}, nil)
	for _, path := range []string{"/v1/models", "/v1/models/tiny", "/health", "/health/live", "/metrics"} {
		status, header, _ := s.do(t, "GET", path, "", nil)
		headStatus, headHeader, body := s.do(t, "HEAD", path, "", nil)
		if headStatus != status || body != "" || headHeader.Get("Content-Type") != header.Get("Content-Type") {
			t.Errorf("HEAD %s: status %d and %d, %q, %v", path, headStatus, status, body, headHeader)
		}
	}
}

// However long what is quoted is, the answer is short.
func TestErrorsAreShort(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "x"}, func(c *front.Config) { c.StrictModel = true })
	long := strings.Repeat("k", 7<<20)
	for name, body := range map[string]string{
		"key":   `{` + hello + `,"` + long + `":1}`,
		"role":  `{"messages":[{"role":"` + long + `","content":"x"}]}`,
		"model": `{` + hello + `,"model":"` + long + `"}`,
		"value": `{` + hello + `,"top_p":"` + long + `"}`,
	} {
		status, _, answer := s.post(t, "/v1/chat/completions", body)
		if decodeError(t, answer); status/100 != 4 || len(answer) > 4<<10 {
			t.Errorf("%s: status %d, %d bytes", name, status, len(answer))
		}
	}
	status, _, answer := s.do(t, "GET", "/"+strings.Repeat("p", 50<<10), "", nil)
	if e := decodeError(t, answer); status != 404 || e.Code != "unknown_url" || len(answer) > 4<<10 {
		t.Errorf("path: status %d, %d bytes", status, len(answer))
	}
}

func TestOptions(t *testing.T) {
	s := serve(t, &generatetest.Generator{Reply: "x"}, func(c *front.Config) { c.Keys = []string{"k"} })
	for path, allow := range map[string]string{
		"/v1/chat/completions": "POST, OPTIONS", "/v1/models/": "GET, HEAD, OPTIONS", "/health": "GET, HEAD, OPTIONS",
	} {
		status, header, body := s.do(t, http.MethodOptions, path, "", map[string]string{"Origin": "http://a.example", "Access-Control-Request-Method": "POST"})
		if status != 200 || header.Get("Allow") != allow || body != "" || header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: status %d, %v, %q", path, status, header, body)
		}
	}
	if status, _, _ := s.do(t, http.MethodOptions, "/nothing", "", nil); status != 401 {
		t.Errorf("unknown path: status %d", status)
	}
}
