package front

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Whatever the path, it names the same place with fewer slashes, and is left alone
// if there is none too many.
func FuzzPlainPath(f *testing.F) {
	for _, path := range []string{"/", "//", "/v1/models/", "/v1//models///a%2F%2Fb//", "/ui/", "/a/../b/", "/%2F/", "/;//"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || !strings.HasPrefix(path, "/") || u.Host != "" {
			t.Skip()
		}
		q := &http.Request{URL: u}
		plain := plainPath(q)
		before, after := u.EscapedPath(), plain.URL.EscapedPath()
		if before == PageFiles && after == before {
			return
		}
		if strings.Contains(after, "//") || after != "/" && strings.HasSuffix(after, "/") && !strings.HasPrefix(after, PageFiles) {
			t.Fatalf("%q becomes %q", before, after)
		}
		if strings.ReplaceAll(before, "/", "") != strings.ReplaceAll(after, "/", "") {
			t.Fatalf("%q becomes %q", before, after)
		}
		if again := plainPath(plain); again != plain {
			t.Fatalf("%q becomes %q, and then %q", before, after, again.URL.EscapedPath())
		}
	})
}

// A body in any encoding, whatever is in it, is read to an end or an error within
// its bound.
func FuzzDecompress(f *testing.F) {
	for _, encoding := range []string{"gzip", "deflate", "zstd"} {
		f.Add(encoding, []byte("\x78\x9c\x03\x00\x00\x00\x00\x01"))
		f.Add(encoding, []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"))
		f.Add(encoding, []byte("\x28\xb5\x2f\xfd\x04\x00"))
	}
	const limit = 1 << 20
	f.Fuzz(func(t *testing.T, encoding string, body []byte) {
		held := &memory{limitBytes: 64 << 20}
		plain, _, err := decompress(strings.NewReader(string(body)), http.Header{"Content-Encoding": {encoding}}, held)
		if err != nil {
			return
		}
		if n, _ := io.Copy(io.Discard, io.LimitReader(plain, limit)); n > limit {
			t.Fatalf("%d bytes", n)
		}
		if err := plain.Close(); err != nil {
			t.Fatal(err)
		}
		if n := held.used.Load(); n != 0 {
			t.Fatalf("%d bytes are still held", n)
		}
	})
}

func FuzzParseOrigins(f *testing.F) {
	for _, origin := range []string{"*", "https://a.example", "null", "https://a.example:443", "http://[::1]:1"} {
		f.Add(origin)
	}
	f.Fuzz(func(t *testing.T, origin string) {
		o, err := ParseOrigins([]string{origin})
		if err != nil {
			return
		}
		if !o.allowed(&http.Request{Header: http.Header{"Origin": {origin}}}) && !o.any {
			t.Fatalf("%q is read and not allowed", origin)
		}
		if !o.any && o.allowed(&http.Request{Header: http.Header{"Origin": {origin + ".evil"}}}) {
			t.Fatalf("what begins with %q is allowed", origin)
		}
	})
}
