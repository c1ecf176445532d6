package front

import (
	"crypto/rand"
	"net/http"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/wire/anthropic"
)

func (h *Handler) anthropicRoutes() []route {
	return []route{
		{"POST", "/v1/messages", false, h.message},
		{"POST", "/v1/messages/count_tokens", false, h.countTokens},
	}
}

func (h *Handler) message(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body anthropic.Request
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	request, err := body.Ask(h.cfg.Defaults)
	if err != nil {
		return err
	}
	head := anthropic.Head{ID: "msg_" + rand.Text(), Model: h.cfg.Generator.Model().ID, HideThinking: body.HidesThinking()}
	if body.Stream {
		return h.stream(x, w, q, request, anthropic.NewStream(head, x.id))
	}
	return h.whole(x, w, q, request, anthropic.NewAnswer(head))
}

func (h *Handler) countTokens(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body anthropic.Request
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	request, err := body.AskCount()
	if err != nil {
		return err
	}
	counter, ok := h.cfg.Generator.(generate.Counter)
	if !ok {
		return &ask.Fault{
			Kind: ask.TokenizerMissing, What: "this model's vocabulary is not here", Remedy: "ask the server that runs it",
		}
	}
	h.admitModel(request)
	h.fill(request)
	n, err := counter.Count(x.attend(q), request)
	if err != nil {
		return err
	}
	return h.writeJSON(x, w, anthropic.TokenCount{InputTokens: n})
}

func (h *Handler) anthropicModel() anthropic.Model {
	return anthropic.NewModel(h.cfg.Generator.Model(), h.started)
}
