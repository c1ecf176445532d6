package front

import (
	"context"
	"net/http"

	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/wire/llamaserver"
)

// rerank answers in which order documents answer a query.
func (h *Handler) rerank(x *exchange, w http.ResponseWriter, q *http.Request) error {
	ranker, ok := h.cfg.Generator.(generate.Ranker)
	if !ok {
		return notServed("reranking", "ask the server that runs the model")
	}
	var body llamaserver.RerankRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	asked, err := body.Check()
	if err != nil {
		return err
	}
	if err := generate.CheckModel(h.cfg.Generator.Model(), h.modelName(body.Model)); err != nil {
		return err
	}
	if err := h.refuseWhileDraining(); err != nil {
		return err
	}
	var scores []float32
	var tokens int
	err = x.limit.within(x.attend(q), func(ctx context.Context) error {
		scores, tokens, err = ranker.Rank(ctx, asked.Query, asked.Documents)
		return err
	})
	if err == nil {
		x.embedded(tokens)
		err = checkVectors([][]float32{scores}, 1)
	}
	if err != nil {
		return err
	}
	return h.writeJSON(x, w, asked.Answer(h.cfg.Generator.Model().ID, scores, tokens))
}
