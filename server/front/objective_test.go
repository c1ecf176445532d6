package front_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate/generatetest"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// objectives is a generator that remembers what was asked for last.
func objectives() (*generatetest.Generator, *atomic.Int64) {
	last := new(atomic.Int64)
	return &generatetest.Generator{Reply: "x", Refuse: func(r *ask.Request) error {
		last.Store(r.TPOTNs)
		return nil
	}}, last
}

// Every dialect's requests bring the objective of the header.
func TestObjectiveOfEachDialect(t *testing.T) {
	message, err := proto.Marshal(&weirv1.GenerateRequest{Prompt: "x"})
	if err != nil {
		t.Fatal(err)
	}
	const answered = http.StatusOK
	for path, body := range map[string]string{
		"/v1/chat/completions": `{` + hello + `,"n":2}`,
		"/v1/completions":      `{"prompt":"x"}`,
		"/v1/responses":        `{"input":"x"}`,
		"/v1/messages":         `{` + hello + `,"max_tokens":5}`,
		"/api/chat":            `{"model":"tiny",` + `"messages":[{"role":"user","content":"hi"}]}`,
		"/api/generate":        `{"model":"tiny","prompt":"x","stream":false}`,
		"/completion":          `{"prompt":"x"}`,
		"/chat/completions":    `{` + hello + `,"stream":true}`,
		"/v1/generate":         string(message),
	} {
		generator, last := objectives()
		s := serve(t, generator, nil)
		kind := "application/json"
		if path == "/v1/generate" {
			kind = "application/x-protobuf"
		}
		for _, c := range []struct {
			sent   string
			status int
			ns     int64
		}{
			{"", answered, 0}, {"40", answered, 40e6}, {"7.5", answered, 7.5e6}, {"600000", answered, 600e9},
			{"0", 400, -1}, {"-1", 400, -1}, {"600001", 400, -1}, {"soon", 400, -1}, {"40ms", 400, -1}, {"NaN", 400, -1}, {"Inf", 400, -1}, {"1,2", 400, -1},
		} {
			header := map[string]string{"Content-Type": kind}
			if c.sent != "" {
				header["x-slo-tpot-ms"] = c.sent
			}
			last.Store(-1)
			code, _, answer := s.do(t, http.MethodPost, path, body, header)
			if code != c.status || last.Load() != c.ns {
				t.Errorf("%s with %q: status %d, %d ns: %s", path, c.sent, code, last.Load(), answer)
			}
			if c.status != answered && (!strings.Contains(answer, "x-slo-tpot-ms") || !strings.Contains(answer, "leave the header out")) {
				t.Errorf("%s with %q says %q", path, c.sent, answer)
			}
		}
	}
}

// TestFirstTokenOfEachRequest: the other objective comes with each request of a call, and
// what is said of one in the wrong names it.
func TestFirstTokenOfEachRequest(t *testing.T) {
	var asked atomic.Int64
	s := serve(t, &generatetest.Generator{Reply: "x", Refuse: func(r *ask.Request) error {
		asked.Add(r.TTFTNs)
		return nil
	}}, nil)
	body := `{` + hello + `,"n":2}`
	for _, c := range []struct {
		sent   string
		status int
		ns     int64
	}{{"250", 200, 500e6}, {"0.5", 200, 1e6}, {"600000", 200, 1200e9}, {"0", 400, 0}, {"600001", 400, 0}, {"soon", 400, 0}} {
		asked.Store(0)
		code, _, answer := s.do(t, http.MethodPost, "/v1/chat/completions", body, map[string]string{"Content-Type": "application/json", "x-slo-ttft-ms": c.sent})
		if code != c.status || asked.Load() != c.ns || code == 400 && !strings.Contains(answer, "x-slo-ttft-ms") {
			t.Errorf("%q: status %d, %d ns: %s", c.sent, code, asked.Load(), answer)
		}
	}
}

// Which of two objectives is meant, nobody knows.
func TestTwoObjectives(t *testing.T) {
	generator, _ := objectives()
	s := serve(t, generator, nil)
	request, err := http.NewRequest(http.MethodPost, s.url+"/v1/completions", strings.NewReader(`{"prompt":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header["Content-Type"] = []string{"application/json"}
	request.Header["X-Slo-Tpot-Ms"] = []string{"1", "2"}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestGRPCObjective(t *testing.T) {
	generator, last := objectives()
	c := call(t, generator, nil)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-slo-tpot-ms", "12.5")
	if err := c.Invoke(ctx, completeCall, prompt("x"), new(weirv1.Answer)); err != nil || last.Load() != 12.5e6 {
		t.Errorf("%d ns, %v", last.Load(), err)
	}
	stream, err := c.stream(ctx, prompt("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := gather(stream); err != nil {
		t.Error(err)
	}
	ctx = metadata.AppendToOutgoingContext(t.Context(), "x-slo-tpot-ms", "never")
	err = c.Invoke(ctx, completeCall, prompt("x"), new(weirv1.Answer))
	if s := status.Convert(err); s.Code() != codes.InvalidArgument || !strings.Contains(s.Message(), "x-slo-tpot-ms") {
		t.Errorf("%v", err)
	}
}
