package front_test

import (
	"context"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
)

// unpooled is a model that has a vector for each token.
type unpooled struct {
	model
	broken bool
}

func (u unpooled) Unpooled(context.Context) (bool, error) { return true, nil }

func (u unpooled) EmbedTokens(_ context.Context, inputs []ask.Prompt) (vectors [][][]float32, tokens int, err error) {
	for _, in := range inputs {
		of := make([][]float32, len(in.Tokens))
		for i, token := range in.Tokens {
			of[i] = []float32{float32(token), 0.25}
			if u.broken {
				of[i][1] = float32(math.Inf(1))
			}
		}
		vectors, tokens = append(vectors, of), tokens+len(in.Tokens)
	}
	return vectors, tokens, nil
}

func serveUnpooled(t *testing.T, broken bool, change func(*front.Config)) *service {
	t.Helper()
	m := newModel("x")
	return serve(t, m.Generator, func(c *front.Config) {
		c.Generator = unpooled{m, broken}
		if change != nil {
			change(c)
		}
	})
}

// A model without a pooling has a vector for each token.
func TestLlamaEmbeddingsOfTokens(t *testing.T) {
	s := serveUnpooled(t, false, nil)
	const want = `[{"index":0,"embedding":[[7,0.25],[8,0.25]]},{"index":1,"embedding":[[9,0.25]]}]`
	if status, _, answer := s.post(t, "/embedding", `{"content":[[7,8],[9]]}`); status != http.StatusOK || answer != want {
		t.Errorf("status %d: %s", status, answer)
	}
	long := "[" + strings.Repeat("5,", 8000) + "5]" // more than is sent at once
	status, _, answer := s.post(t, "/embeddings", `{"input":`+long+`}`)
	if status != http.StatusOK || strings.Count(answer, "[5,0.25]") != 8001 || !strings.HasSuffix(answer, "]]}]") {
		t.Errorf("status %d: %d bytes", status, len(answer))
	}
	s = serveUnpooled(t, true, nil)
	if status, _, answer := s.post(t, "/embedding", `{"content":[7]}`); status != http.StatusInternalServerError {
		t.Errorf("what is not finite: status %d: %s", status, answer)
	}
}

// What the vectors take is known before they are computed.
func TestLlamaEmbeddingsOfTokensAreBounded(t *testing.T) {
	s := serveUnpooled(t, false, func(c *front.Config) { c.MemoryBytes = 20 << 10 })
	tokens := "[" + strings.Repeat("5,", 4000) + "5]"
	if status, _, answer := s.post(t, "/embedding", `{"content":`+tokens+`}`); status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d: %.200s", status, answer)
	}
	if status, _, answer := s.post(t, "/embedding", `{"content":[5,5]}`); status != http.StatusOK {
		t.Errorf("status %d: %s", status, answer)
	}
}
