package front_test

import (
	"crypto/sha256"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
	"github.com/weirgo/weir/server/tenants"
)

func atVertex(c *front.Config) { c.Vertex = front.Vertex{Predict: "/predict", Health: "/alive"} }

// predicted is what came of a prediction's instances.
type predicted struct {
	Predictions []struct {
		Status  string
		Content string
		Choices []struct{ Message struct{ Content string } }
		Data    []struct{ Embedding []float32 }
		Error   *struct{ Message, Code, Param string }
	}
}

// Each instance is answered as the route that it names would, in its place, with the
// faults of others beside.
func TestVertexPredictions(t *testing.T) {
	s := serveModel(t, newModel("Hi."), atVertex)
	const messages = `"messages":[{"role":"user","content":"hi"}]`
	status, header, body := s.post(t, "/predict", `{"parameters":{},"instances":[
		{"@requestFormat":"chatCompletions",`+messages+`},
		{"@requestFormat":"/v1/chat/completions","stream":true,`+messages+`},
		{"@requestFormat":"health"},
		{"@requestFormat":"completion","prompt":"x"},
		{"@requestFormat":"embeddings","input":"ab"},
		42, {}, {"@requestFormat":7}, {"@requestFormat":"nothing"}, {"@requestFormat":"metrics"},
		{"@requestFormat":"chatCompletions"}, {"@requestFormat":"/predict","instances":[]}, {"@requestFormat":"apiChat",`+messages+`}]}`)
	var got predicted
	if err := json.Unmarshal([]byte(body), &got, json.MatchCaseInsensitiveNames(true)); err != nil || status != http.StatusOK || header.Get("Content-Type") != "application/json" {
		t.Fatalf("status %d, %v, %v: %s", status, header, err, body)
	}
	if len(got.Predictions) != 13 {
		t.Fatalf("%d predictions: %s", len(got.Predictions), body)
	}
	for i, p := range got.Predictions[:5] {
		text := p.Content + p.Status
		if len(p.Choices) == 1 {
			text = p.Choices[0].Message.Content
		}
		if want := []string{"Hi.", "Hi.", "ok", "Hi.", ""}[i]; p.Error != nil || text != want {
			t.Errorf("prediction %d: %+v, want %q", i, p, want)
		}
	}
	if data := got.Predictions[4].Data; len(data) != 1 || len(data[0].Embedding) != 2 {
		t.Errorf("embeddings: %+v", data)
	}
	for i, want := range []string{"no JSON object", "@requestFormat is required", "@requestFormat is required", "no request of this server", "no JSON", "messages is required", "no request", "no request"} {
		if p := got.Predictions[5+i]; p.Error == nil || !strings.Contains(p.Error.Message, want) {
			t.Errorf("prediction %d: %+v, want an error of %q", 5+i, p, want)
		}
	}
	if status, _, body := s.do(t, http.MethodGet, "/alive", "", nil); status != http.StatusOK {
		t.Errorf("the path of health: status %d: %s", status, body)
	}
}

func TestVertexRefuses(t *testing.T) {
	many := strings.Repeat(`{"@requestFormat":"health"},`, 129)
	for _, test := range []struct {
		body, want string
	}{
		{`[]`, "instances"}, {`{}`, "instances"}, {`{"instances":{}}`, "instances"}, {`{"instances":[]}`, "instances"},
		{`{"instances":[` + many[:len(many)-1] + `]}`, "128"}, {`{"instances":[`, "JSON"},
	} {
		s := serveModel(t, newModel(""), atVertex)
		if status, _, body := s.post(t, "/predict", test.body); status != http.StatusBadRequest || !strings.Contains(body, test.want) {
			t.Errorf("%.20s: status %d: %s", test.body, status, body)
		}
	}
	s := serveModel(t, newModel("Hi."), func(c *front.Config) { atVertex(c); c.Keys = []string{"secret"} })
	const body = `{"instances":[{"@requestFormat":"chatCompletions","messages":[{"role":"user","content":"hi"}]}]}`
	if status, _, answer := s.post(t, "/predict", body); status != http.StatusUnauthorized {
		t.Errorf("without a key: status %d: %s", status, answer)
	}
	status, _, answer := s.do(t, http.MethodPost, "/predict", body, map[string]string{"Content-Type": "application/json", "Authorization": "Bearer secret"})
	if status != http.StatusOK || !strings.Contains(answer, "Hi.") {
		t.Errorf("with a key: status %d: %s", status, answer)
	}
	s.handler.Drain()
	if status, _, answer := s.do(t, http.MethodPost, "/predict", body, map[string]string{"Content-Type": "application/json", "Authorization": "Bearer secret"}); status != http.StatusServiceUnavailable {
		t.Errorf("while draining: status %d: %s", status, answer)
	}
	plain := serveModel(t, newModel(""), nil)
	if status, _, answer := plain.post(t, "/predict", body); status != http.StatusNotFound {
		t.Errorf("without Vertex: status %d: %s", status, answer)
	}
}

// The instances of a prediction are the requests of its key: one that may have one
// in flight gets all its answers, one after the other.
func TestVertexWithinBounds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	content := fmt.Sprintf(`{"keys":[{"name":"acme","sha256":"%x","in_flight":1}]}`, sha256.Sum256([]byte("secret")))
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := tenants.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s := serveModel(t, newModel("Hi."), func(c *front.Config) { atVertex(c); c.Tenants = file })
	instance := `{"@requestFormat":"completion","prompt":"x"},`
	body := `{"instances":[` + strings.TrimSuffix(strings.Repeat(instance, 9), ",") + `]}`
	status, _, answer := s.do(t, http.MethodPost, "/predict", body, map[string]string{"Content-Type": "application/json", "Authorization": "Bearer secret"})
	if status != http.StatusOK || strings.Count(answer, `"content":"Hi."`) != 9 {
		t.Errorf("status %d: %s", status, answer)
	}
	if n := file.Table().All()[0].Usage().InFlight; n != 0 {
		t.Errorf("%d requests are in flight afterwards", n)
	}
}

// A path that is taken, or is none, is refused at once.
func TestVertexPaths(t *testing.T) {
	for _, v := range []front.Vertex{
		{Predict: "/v1/chat/completions"}, {Predict: "/api/chat"}, {Health: "/health"}, {Predict: "/p", Health: "/p"}, {Predict: "/a/{b}"},
		{Predict: "predict"}, {Predict: "/a//b"}, {Predict: "/a/"}, {Predict: "/v1/files"}, {Predict: "/v1/generate"}, {Predict: "/"},
	} {
		handler, err := front.New(front.Config{Generator: &generatetest.Generator{}, Vertex: v})
		if err == nil {
			handler.Close()
			t.Errorf("%+v is taken", v)
		}
	}
}

// What the answers of a prediction take together is bounded, whatever each does.
func TestVertexMemory(t *testing.T) {
	s := serveModel(t, newModel(strings.Repeat("a", 200<<10)), func(c *front.Config) { atVertex(c); c.MemoryBytes = 4 << 20 })
	instance := `{"@requestFormat":"completion","prompt":"x"},`
	status, _, body := s.post(t, "/predict", `{"instances":[`+strings.TrimSuffix(strings.Repeat(instance, 40), ",")+`]}`)
	var got predicted
	if err := json.Unmarshal([]byte(body), &got, json.MatchCaseInsensitiveNames(true)); err != nil || status != http.StatusOK {
		t.Fatalf("status %d, %v: %.200s", status, err, body)
	}
	answered, refused := 0, 0
	for _, p := range got.Predictions {
		if p.Error != nil {
			refused++
		} else if len(p.Content) == 200<<10 {
			answered++
		}
	}
	if answered == 0 || refused == 0 || answered+refused != 40 || len(body) > 4<<20 {
		t.Error(fmt.Sprintf("%d are answered and %d refused, in %d bytes", answered, refused, len(body)))
	}
}
