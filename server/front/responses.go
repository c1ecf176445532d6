package front

import (
	"net/http"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/openai"
)

func (h *Handler) response(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body openai.ResponseRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	request, err := body.Ask(h.cfg.Defaults)
	if err != nil {
		return err
	}
	h.metrics.countIgnored(body.Ignored())
	about := h.head("")
	about.ServiceTier = openai.ServiceTierOf(x.tier(request))
	head := body.Head(about, request)
	if body.Stream {
		return h.stream(x, w, q, request, openai.NewResponseStream(head))
	}
	return h.whole(x, w, q, request, openai.NewResponseAnswer(head))
}

// countResponse counts the tokens that a response would begin with.
func (h *Handler) countResponse(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body openai.ResponseRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	request, err := body.Ask(h.cfg.Defaults)
	if err != nil {
		return err
	}
	h.metrics.countIgnored(body.Ignored())
	h.admitModel(request)
	h.fill(request)
	return h.countInput(x, w, q, request)
}

// notStored answers who asks for an answer that was given before.
func notStored(_ *exchange, _ http.ResponseWriter, q *http.Request) error {
	return &ask.Fault{
		Kind: ask.NotStored, What: ask.Clip(q.PathValue("id"), ask.QuotedBytes) + " is not stored: this server keeps no answers",
		Remedy: "keep what you need of an answer when it comes",
	}
}
