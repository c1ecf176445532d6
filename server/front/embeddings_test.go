package front_test

import (
	"context"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/generate/generatetest"
)

// embedder is a generator with vectors: the bytes of a text, or its tokens.
type embedder struct {
	generatetest.Generator
	broken, stuck bool
}

func (e *embedder) Model() ask.Model {
	m := e.Generator.Model()
	m.EmbeddingSize = 3
	return m
}

func (e *embedder) Embed(ctx context.Context, inputs []ask.Prompt, o generate.EmbedOptions) (vectors [][]float32, tokens int, err error) {
	if e.stuck {
		<-ctx.Done()
		return nil, 0, ask.GivenUp(ctx.Err())
	}
	for _, in := range inputs {
		vector := make([]float32, 3)
		for i := range in.Text {
			vector[i%3] += float32(in.Text[i]) / 100
		}
		for i, token := range in.Tokens {
			vector[i%3] += float32(token)
		}
		if e.broken {
			vector[0] = float32(math.NaN())
		}
		if o.Dimensions > 0 {
			vector = vector[:o.Dimensions]
		}
		vectors, tokens = append(vectors, vector), tokens+len(in.Text)+len(in.Tokens)
	}
	return vectors, tokens, nil
}

// Rank is for its time alone.
func (e *embedder) Rank(ctx context.Context, _ string, _ []string) ([]float32, int, error) {
	<-ctx.Done()
	return nil, 0, ask.GivenUp(ctx.Err())
}

func serveEmbedder(t *testing.T, e *embedder) *service {
	t.Helper()
	return serve(t, &e.Generator, func(c *front.Config) { c.Generator = e })
}

func TestEmbeddings(t *testing.T) {
	s := serveEmbedder(t, &embedder{})
	for name, body := range map[string]string{
		"embeddings":        `{"model":"x","input":"ab","encoding_format":"float","user":"u"}`,
		"embeddings-texts":  `{"input":["ab","c"],"dimensions":2.0}`,
		"embeddings-tokens": `{"input":[[1,2],[3]]}`,
		"embeddings-base64": `{"input":[1,2],"encoding_format":"base64"}`,
	} {
		status, _, answer := s.post(t, "/v1/embeddings", body)
		if status != http.StatusOK {
			t.Errorf("%s: status %d: %s", name, status, answer)
			continue
		}
		golden(t, name, answer)
	}
	client := openai.NewClient(option.WithBaseURL(s.url+"/v1/"), option.WithAPIKey("x"), option.WithMaxRetries(0))
	got, err := client.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
		Model: "tiny", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"d", "dd"}},
	})
	if err != nil || len(got.Data) != 2 || got.Data[1].Index != 1 || len(got.Data[1].Embedding) != 3 || got.Data[0].Embedding[0] != 1 || got.Usage.PromptTokens != 3 {
		t.Errorf("%+v, %v", got, err)
	}
}

// An input may be of tokens and texts in turns, as with llama-server, and empty.
func TestMixedEmbeddings(t *testing.T) {
	s := serveEmbedder(t, &embedder{})
	for body, vectors := range map[string]int{
		`{"input":""}`: 1, `{"input":["a",""]}`: 2, `{"input":[1,"b",2]}`: 1, `{"input":["a",[1,2]]}`: 2, `{"input":[[1],[2,"b"]]}`: 2,
	} {
		status, _, answer := s.post(t, "/v1/embeddings", body)
		if status != http.StatusOK || strings.Count(answer, `"object":"embedding"`) != vectors {
			t.Errorf("%s: status %d: %s", body, status, answer)
		}
	}
}

func TestRefusedEmbeddings(t *testing.T) {
	s := serveEmbedder(t, &embedder{})
	for body, text := range map[string]string{
		`{}`:                                  "input is required",
		`{"input":[]}`:                        "input is required",
		`{"input":["a",[]]}`:                  "text 1 has no tokens",
		`{"input":[1,true]}`:                  "element 1 is a JSON boolean",
		`{"input":{}}`:                        "object",
		`{"input":"x","dimensions":4}`:        "1 to 3",
		`{"input":"x","dimensions":0}`:        "1 to",
		`{"input":"x","encoding_format":"z"}`: "base64",
		`{"input":"x","inptu":1}`:             "unknown field",
		`{"input":[` + strings.Repeat(`"x",`, 2048) + `"x"]}`: "2049 texts",
	} {
		status, _, answer := s.post(t, "/v1/embeddings", body)
		if e := decodeError(t, answer); status != http.StatusBadRequest || !strings.Contains(e.Message, text) {
			t.Errorf("%.60s: status %d, %+v", body, status, e)
		}
	}
	s = serve(t, &generatetest.Generator{}, nil)
	status, _, answer := s.post(t, "/v1/embeddings", `{"input":"x"}`)
	if e := decodeError(t, answer); status != http.StatusNotImplemented || e.Code != "not_supported" || !strings.Contains(e.Message, "embedding model") {
		t.Errorf("status %d, %+v", status, e)
	}
	s = serveEmbedder(t, &embedder{broken: true})
	if status, _, answer := s.post(t, "/v1/embeddings", `{"input":"x"}`); status != http.StatusInternalServerError {
		t.Errorf("status %d: %s", status, answer)
	}
}
