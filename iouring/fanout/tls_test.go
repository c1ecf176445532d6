package fanout

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Over TLS, HTTP/1.1 and HTTP/2, misuse comes to the same as without.
func TestMisuseOverTLS(t *testing.T) {
	for proto, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		for _, m := range misuses {
			t.Run(proto+"/"+m.name, func(t *testing.T) {
				fan := newFanOut(t, Config{})
				opened := make(chan *Stream, 1)
				srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s, err := fan.Open(w, r, nil)
					if err != nil {
						t.Errorf("Open: %v", err)
						return
					}
					opened <- s
					if m.handle(t, s); !m.unserve {
						_ = s.Serve()
					}
				}))
				srv.EnableHTTP2 = http2
				srv.StartTLS()
				defer srv.Close()
				res, err := srv.Client().Get(srv.URL)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				got, err := io.ReadAll(res.Body)
				complete := m.err == nil || http2 && m.name == "no Serve" // which HTTP/2 cannot tell
				if res.Proto != proto || complete != (err == nil) || complete && string(got) != m.body {
					t.Errorf("over %s the client sees %q, %v", res.Proto, got, err)
				}
				want(t, ended(t, <-opened), m.err)
				want(t, fan.Wait(t.Context()), nil)
			})
		}
	}
}
