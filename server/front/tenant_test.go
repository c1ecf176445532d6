package front_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
	"github.com/weirgo/weir/server/tenants"
)

// holder is an entry of a key file: the key is the name and "-key".
func holder(name, rest string) string {
	return fmt.Sprintf(`{"name":"%s","sha256":"%x"%s}`, name, sha256.Sum256([]byte(name+"-key")), rest)
}

// keyFile makes a key file of entries.
func keyFile(t *testing.T, entries ...string) *tenants.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.json")
	putKeys(t, path, entries...)
	f, err := tenants.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func putKeys(t *testing.T, path string, entries ...string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(`{"keys":[`+strings.Join(entries, ",")+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ask sends a body with the key of a name.
func (s *service) ask(t *testing.T, name, path, body string) (int, http.Header, string) {
	t.Helper()
	return s.do(t, http.MethodPost, path, body, map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + name + "-key"})
}

// usage is what was counted of a name.
func usage(t *testing.T, f *tenants.File, name string) tenants.Usage {
	t.Helper()
	for _, tenant := range f.Table().All() {
		if tenant.Name == name {
			return tenant.Usage()
		}
	}
	t.Fatalf("no key is %s's", name)
	return tenants.Usage{}
}

// awaitNone waits until nothing of a name is in flight.
func awaitNone(t *testing.T, f *tenants.File, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for usage(t, f, name).InFlight > 0 {
		select {
		case <-ctx.Done():
			t.Fatalf("%+v", usage(t, f, name))
		case <-time.After(time.Millisecond):
		}
	}
}

const chatPath = "/v1/chat/completions"

func TestKeyFile(t *testing.T) {
	f := keyFile(t, holder("acme", ""), holder("both", `,"in_flight":1`))
	for _, plain := range [][]string{nil, {"plain", "both-key"}} {
		s := serve(t, &generatetest.Generator{Reply: "x"}, func(c *front.Config) { c.Tenants, c.Keys = f, plain })
		for key, status := range map[string]int{"": 401, "acme-key": 200, "both-key": 200, "acme": 401, "plain": 200} {
			if key == "plain" && plain == nil {
				status = 401
			}
			header := map[string]string{}
			if key != "" {
				header["X-Api-Key"] = key
			}
			if got, _, body := s.do(t, http.MethodGet, "/v1/models", "", header); got != status {
				t.Errorf("%q: status %d, want %d: %s", key, got, status, body)
			}
		}
		if status, _, _ := s.do(t, http.MethodGet, "/health", "", nil); status != http.StatusOK {
			t.Errorf("/health: %d", status)
		}
	}
	s := serve(t, &generatetest.Generator{Reply: "x"}, func(c *front.Config) { c.Tenants, c.Keys = f, []string{"both-key"} })
	if status, _, body := s.ask(t, "both", chatPath, `{`+hello+`}`); status != http.StatusOK || usage(t, f, "both").Requests != 1 {
		t.Errorf("a key that is in both has no bounds: %d %s", status, body)
	}
}

// A key that owes tokens gets 429, in each dialect's form, and is told when to come again.
func TestTokensAMinuteInDialects(t *testing.T) {
	f := keyFile(t, holder("acme", `,"tokens_per_minute":1`))
	s := serve(t, &generatetest.Generator{Reply: "abc"}, func(c *front.Config) { c.Tenants = f })
	if status, _, body := s.ask(t, "acme", chatPath, `{`+hello+`}`); status != http.StatusOK {
		t.Fatalf("the first: %d %s", status, body)
	}
	u := usage(t, f, "acme")
	if u.PromptTokens != 20 || u.GeneratedTokens != 3 {
		t.Errorf("%+v", u)
	}
	owed := int(u.PromptTokens+u.GeneratedTokens-1) * 60
	const what = `"this API key has used up its 1 tokens a minute: try again in `
	openaiForm := `{"error":{"message":` + what
	llamaForm := `{"error":{"code":429,"message":` + what
	for path, form := range map[string]string{
		chatPath: openaiForm, "/v1/completions": openaiForm, "/v1/responses": openaiForm, "/v1/embeddings": openaiForm,
		"/v1/messages": `{"type":"error","error":{"type":"rate_limit_error","message":` + what, "/v1/messages/count_tokens": `{"type":"error","error":{"type":"rate_limit_error"`,
		"/api/chat": `{"error":` + what, "/api/generate": `{"error":` + what, "/api/embed": `{"error":` + what,
		"/completion": llamaForm, "/infill": llamaForm, "/tokenize": llamaForm, "/rerank": llamaForm, "/chat/completions": llamaForm,
	} {
		status, header, body := s.ask(t, "acme", path, `{`+hello+`,"stream":true}`)
		after, err := strconv.Atoi(header.Get("Retry-After"))
		if status != http.StatusTooManyRequests || !strings.HasPrefix(body, form) || err != nil || after < 1 || after > owed {
			t.Errorf("%s: status %d, Retry-After %q, %s", path, status, header.Get("Retry-After"), body)
		}
		if form == openaiForm && decodeError(t, body).Code != "rate_limit_exceeded" || form == llamaForm && !strings.Contains(body, `"type":"unavailable_error"`) {
			t.Errorf("%s: %s", path, body)
		}
	}
	if status, _, body := s.do(t, http.MethodGet, "/v1/models", "", map[string]string{"Api-Key": "acme-key"}); status != http.StatusOK {
		t.Errorf("without a body: %d %s", status, body)
	}
	if u := usage(t, f, "acme"); u.Refused[tenants.CauseTokens] != 14 || u.Requests != 1 || u.InFlight != 0 {
		t.Errorf("%+v", u)
	}
}

// A request is in flight until its client can know that it is over, whatever its end.
func TestInFlightEnds(t *testing.T) {
	f := keyFile(t, holder("acme", `,"in_flight":1`))
	g := &generatetest.Generator{Reply: "abc", Refuse: func(r *ask.Request) error {
		switch r.Prompt.Text {
		case "panic":
			panic(http.ErrAbortHandler)
		case "full":
			return &ask.Fault{Kind: ask.QueueFull, What: "full"}
		}
		return nil
	}}
	s := serve(t, g, func(c *front.Config) { c.Tenants = f })
	for _, test := range []struct {
		path, body string
		status     int
	}{
		{"/v1/completions", `{"prompt":"x"}`, 200},
		{"/v1/completions", `{"prompt":"x","stream":true}`, 200},
		{"/v1/completions", `{"prompt":"x","n":3,"stream":true}`, 200},
		{"/v1/messages", `{"max_tokens":2,"messages":[{"role":"user","content":"x"}],"stream":true}`, 200},
		{"/api/generate", `{"model":"tiny","prompt":"x"}`, 200},
		{"/completion", `{"prompt":"x","n_predict":0}`, 200},
		{"/tokenize", `{"content":"x"}`, 200},
		{"/v1/completions", `{"prompt":`, 400},
		{"/v1/completions", `{"prompt":"full","stream":true}`, 429},
		{"/v1/embeddings", `{"input":"x"}`, 501},
	} {
		for range 3 {
			if status, _, body := s.ask(t, "acme", test.path, test.body); status != test.status || strings.Contains(body, "in flight") {
				t.Errorf("%s %s: status %d: %s", test.path, test.body, status, body)
			}
		}
	}
	if u := usage(t, f, "acme"); u.Refused != [tenants.Causes]int64{tenants.CauseQueue: 3} {
		t.Errorf("%+v", u)
	}
	request, err := http.NewRequest(http.MethodPost, s.url+"/v1/completions", strings.NewReader(`{"prompt":"panic"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "Api-Key": {"acme-key"}}
	if response, err := http.DefaultClient.Do(request); err == nil {
		response.Body.Close()
		t.Errorf("a panic is answered with %d", response.StatusCode)
	}
	awaitNone(t, f, "acme")
}

// begin sends a request of acme's, and gives its answer's lines; nil if the answer
// has not begun.
func (s *service) begin(t *testing.T, ctx context.Context, body string) (lines chan *bufio.Reader) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "Api-Key": {"acme-key"}}
	lines = make(chan *bufio.Reader, 1)
	go func() {
		defer close(lines)
		if response, err := http.DefaultClient.Do(request); err == nil {
			lines <- bufio.NewReader(response.Body)
			<-ctx.Done()
			response.Body.Close()
		}
	}()
	return lines
}

// One more than may be is refused while the others run, and a client that goes makes
// room, and pays for what it got.
func TestLostClientsMakeRoom(t *testing.T) {
	gate := make(chan struct{})
	f := keyFile(t, holder("acme", `,"in_flight":1`), holder("lab", ""))
	g := &generatetest.Generator{Reply: "abcdef", Gate: gate}
	s := serve(t, g, func(c *front.Config) { c.Tenants = f })
	for i, body := range []string{`{"prompt":"four","stream":true}`, `{"prompt":"four"}`} {
		ctx, cancel := context.WithCancel(t.Context())
		lines := s.begin(t, ctx, body)
		for range 3 {
			gate <- struct{}{} // somebody takes them: it runs
		}
		if i == 0 {
			stream := <-lines
			for range 2 * 3 { // frames and blank lines
				if _, err := stream.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
		}
		status, header, answer := s.ask(t, "acme", chatPath, `{`+hello+`}`)
		if status != http.StatusTooManyRequests || header.Get("Retry-After") != "1" || decodeError(t, answer).Code != "rate_limit_exceeded" {
			t.Errorf("%s: one too many: %d, Retry-After %q, %s", body, status, header.Get("Retry-After"), answer)
		}
		if status, _, answer := s.ask(t, "lab", "/tokenize", `{"content":"x"}`); status != http.StatusOK {
			t.Errorf("%s: another key: %d %s", body, status, answer)
		}
		cancel()
		awaitNone(t, f, "acme")
		awaitEnd(t, g) // so that the next takes what the gate lets go
	}
	if u := usage(t, f, "acme"); u.PromptTokens != 2*5 || u.GeneratedTokens < 3 || u.GeneratedTokens > 2*3 || u.Refused[tenants.CauseInFlight] != 2 {
		t.Errorf("%+v", u)
	}
}

// What the generator is told of a request's tenant, and its client of its tier.
func TestTiers(t *testing.T) {
	f := keyFile(t, holder("first", `,"tier":"priority","weight":7`), holder("second", ""), holder("last", `,"tier":"background"`))
	var asked []ask.Tenant
	g := &generatetest.Generator{Reply: "x", Refuse: func(r *ask.Request) error {
		asked = append(asked, r.Tenant)
		return nil
	}}
	keyed := serve(t, g, func(c *front.Config) { c.Tenants = f })
	open := serve(t, g, nil)
	type want struct {
		tier  ask.Tier
		shown string
	}
	for name, wants := range map[string]map[string]want{
		"first": {
			"": {ask.TierPriority, "priority"}, "auto": {ask.TierPriority, "priority"}, "default": {ask.TierPriority, "priority"},
			"priority": {ask.TierPriority, "priority"}, "flex": {ask.TierBackground, "flex"}, "background": {ask.TierBackground, "flex"},
		},
		"second": {"": {ask.TierStandard, "default"}, "priority": {ask.TierStandard, "default"}, "scale": {ask.TierStandard, "default"}, "flex": {ask.TierBackground, "flex"}},
		"last":   {"": {ask.TierBackground, "flex"}, "auto": {ask.TierBackground, "flex"}, "priority": {ask.TierBackground, "flex"}},
		"":       {"": {ask.TierStandard, "default"}, "priority": {ask.TierStandard, "default"}, "flex": {ask.TierBackground, "flex"}},
	} {
		s, weight := keyed, map[string]int{"first": 7, "second": 1, "last": 1}[name]
		if name == "" {
			s = open
		}
		for sent, w := range wants {
			field := ""
			if sent != "" {
				field = `,"service_tier":"` + sent + `"`
			}
			shown := `"service_tier":"` + w.shown + `"`
			for _, request := range []struct {
				path, body string
				shows      bool
			}{
				{chatPath, hello + `,"n":2`, sent != ""},
				{chatPath, hello + `,"stream":true`, sent != ""},
				{"/v1/completions", `"prompt":["x","y"]`, false},
				{"/v1/responses", `"input":"x"`, true},
				{"/v1/responses", `"input":"x","stream":true`, true},
			} {
				asked = nil
				status, _, body := s.ask(t, name, request.path, `{`+request.body+field+`}`)
				if status != http.StatusOK || strings.Contains(body, "service_tier") != request.shows || request.shows && !strings.Contains(body, shown) {
					t.Errorf("%q, %q, %s: status %d, %s; want %s: %v", name, sent, request.path, status, body, shown, request.shows)
				}
				for _, got := range asked {
					if got != (ask.Tenant{Name: name, Tier: w.tier, Weight: weight}) {
						t.Errorf("%q, %q, %s: %+v, want tier %v", name, sent, request.path, got, w.tier)
					}
				}
				if len(asked) == 0 {
					t.Errorf("%s: nobody was asked", request.path)
				}
			}
		}
	}
	asked = nil
	if status, _, body := keyed.ask(t, "first", "/v1/messages", `{"max_tokens":2,"messages":[{"role":"user","content":"x"}]}`); status != http.StatusOK || !slices.Equal(asked, []ask.Tenant{{Name: "first", Tier: ask.TierPriority, Weight: 7}}) {
		t.Errorf("Anthropic's: %d %s, %+v", status, body, asked)
	}
}

// The metrics have the names of the file in force, and what was counted of them.
func TestMetricsOfKeys(t *testing.T) {
	f := keyFile(t, holder("acme", `,"in_flight":1`), holder("lab", `,"tier":"background"`))
	s := serve(t, &generatetest.Generator{Reply: "abc"}, func(c *front.Config) { c.Tenants = f })
	lines := func() string {
		_, _, body := s.do(t, http.MethodGet, "/metrics", "", map[string]string{"Api-Key": "acme-key"})
		return linesWith(body, "weir_key_")
	}
	if status, _, body := s.ask(t, "acme", "/v1/completions", `{"prompt":["x","four"],"n":2}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	for _, want := range []string{
		`weir_key_requests_total{key_name="acme",model_name="tiny",tier="standard"} 1`,
		`weir_key_requests_in_flight{key_name="acme",model_name="tiny",tier="standard"} 0`,
		`weir_key_prompt_tokens_total{key_name="acme",model_name="tiny",tier="standard"} 7`,
		`weir_key_generated_tokens_total{key_name="acme",model_name="tiny",tier="standard"} 12`,
		`weir_key_requests_total{key_name="lab",model_name="tiny",tier="background"} 0`,
		`weir_key_refusals_total{cause="in_flight",key_name="acme",model_name="tiny",tier="standard"} 0`,
		`weir_key_refusals_total{cause="tokens",key_name="lab",model_name="tiny",tier="background"} 0`,
		`weir_key_refusals_total{cause="queue",key_name="lab",model_name="tiny",tier="background"} 0`,
	} {
		if got := lines(); !strings.Contains(got, want+"\n") {
			t.Errorf("no line %s, but\n%s", want, got)
		}
	}
	putKeys(t, f.Path(), holder("acme", `,"tier":"priority"`), holder("more", ""))
	if err := f.Reload(); err != nil {
		t.Fatal(err)
	}
	got := lines()
	if strings.Contains(got, `"lab"`) || !strings.Contains(got, `"more"`) || !strings.Contains(got, `weir_key_requests_total{key_name="acme",model_name="tiny",tier="priority"} 1`+"\n") {
		t.Errorf("after the reload:\n%s", got)
	}
	if status, _, _ := s.ask(t, "lab", chatPath, `{`+hello+`}`); status != http.StatusUnauthorized {
		t.Errorf("a key that has gone: status %d", status)
	}
}

// The log has the key's name, and neither key nor hash.
func TestLogOfKeys(t *testing.T) {
	f := keyFile(t, holder("acme", `,"in_flight":1`))
	var said bytes.Buffer
	s := serve(t, &generatetest.Generator{Reply: "x"}, func(c *front.Config) {
		c.Tenants, c.Log = f, slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	for _, name := range []string{"acme", "other"} {
		s.ask(t, name, chatPath, `{`+hello+`}`)
	}
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte("acme-key")))
	if log := said.String(); strings.Count(log, "key_name=acme") != 1 || strings.Contains(log, "-key") || strings.Contains(log, hash) {
		t.Error(log)
	}
}
