package front_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/front"
)

// A page whose site gives its name the address of this machine reaches nothing; who
// asks for this machine, and who is behind a proxy, does.
func TestLoopback(t *testing.T) {
	origins, err := front.ParseOrigins([]string{"https://chat.example:8443", "http://Intranet.example"})
	if err != nil {
		t.Fatal(err)
	}
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	const evil = "evil.example:8080"
	language, posted := "Accept-Language: de", "Origin: http://evil.example:8080"
	for _, test := range []struct {
		host   string
		header []string
		passes bool
	}{
		{evil, []string{language}, false},
		{evil, []string{"Accept-Language: "}, false},
		{evil, []string{posted}, false},
		{evil, []string{"Origin: null"}, false},
		{evil, []string{language, posted, "X-Forwarded-Proto: https", "User-Agent: curl"}, false}, // which a script can say
		{"127.0.0.1.evil.example", []string{language}, false},
		{"localhost.evil.example:8080", []string{language}, false},
		{"evillocalhost", []string{language}, false},
		{"chat.example.evil.example", []string{language}, false},
		{"localhost:8080", []string{language, "Origin: http://localhost:8080"}, true},
		{"LOCALHOST.", []string{language}, true},
		{"weir.localhost:8080", []string{language}, true},
		{"127.0.0.1:8080", []string{language, "Origin: http://evil.example"}, true}, // CORS keeps it out
		{"[::1]:8080", []string{language}, true},
		{"[::1]", []string{language}, true},
		{"192.0.2.7", []string{language}, true},
		{"mine.example:8080", []string{language}, true},
		{"chat.example:8443", []string{language}, true},
		{"intranet.example", []string{language, "Origin: http://intranet.example"}, true},
		{"", nil, true},
		{"api.example", nil, true}, // a program, through a proxy
		{"api.example", []string{language, "Sec-Fetch-Mode: cors"}, true},        // a browser, through one that speaks TLS
		{"api.example", []string{language, "Origin: https://api.example"}, true}, // one that does not say so
	} {
		q := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", nil)
		q.Host = test.host
		for _, line := range test.header {
			name, value, _ := strings.Cut(line, ": ")
			q.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		front.Loopback(next, []string{"127.0.0.1", "Mine.example"}, origins).ServeHTTP(w, q)
		if passed := w.Code == http.StatusTeapot; passed != test.passes || !passed && (w.Code != http.StatusMisdirectedRequest || !strings.Contains(w.Body.String(), "--cors-origins")) {
			t.Errorf("%s, %v: status %d, %s", test.host, test.header, w.Code, w.Body)
		}
	}
	all, err := front.ParseOrigins([]string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	q := httptest.NewRequest(http.MethodGet, "/", nil)
	q.Host = evil
	q.Header.Set("Accept-Language", "de")
	w := httptest.NewRecorder()
	if front.Loopback(next, []string{"localhost"}, all).ServeHTTP(w, q); w.Code != http.StatusTeapot {
		t.Errorf("with all origins: status %d", w.Code)
	}
}
