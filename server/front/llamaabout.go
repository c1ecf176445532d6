package front

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/wire/llamaserver"
	"github.com/weirgo/weir/server/wire/openai"
)

// properties are what is known of the model beside ask.Model.
func (h *Handler) properties() generate.Properties {
	if d, ok := h.cfg.Generator.(generate.Describer); ok {
		return d.Properties()
	}
	return generate.Properties{Sequences: 1}
}

func (h *Handler) props(x *exchange, w http.ResponseWriter, q *http.Request) error {
	switch q.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if !h.cfg.Llama.Props {
			return notServed("changing global properties", "start it with --props")
		}
		h.write(x, w, http.StatusOK, []byte(`{"success":true}`)) // there are none that can be changed, as with llama-server
		return nil
	default:
		return notAllowed(w, q, "GET, POST")
	}
	params, err := llamaserver.DefaultSettings(h.cfg.Defaults)
	if err != nil {
		return err
	}
	m, p := h.cfg.Generator.Model(), h.properties()
	_, watched := h.cfg.Generator.(generate.Watcher)
	sleeper, sleeps := h.cfg.Generator.(generate.Sleeper)
	return h.writeJSON(x, w, llamaserver.Props{
		Defaults: llamaserver.Generation{Params: params, ContextTokens: m.ContextTokens},
		Slots:    p.Sequences, Alias: m.ID, Path: p.Path, Sleeping: sleeps && sleeper.Asleep(),
		EndpointSlots: watched && !h.cfg.Llama.NoSlots, EndpointProps: h.cfg.Llama.Props, Metrics: true,
		Template: p.ChatTemplate, TemplateCaps: map[string]any{}, BOS: p.BOS, EOS: p.EOS, Build: h.cfg.Fingerprint,
	})
}

func (h *Handler) slots(x *exchange, w http.ResponseWriter, q *http.Request) error {
	watcher, ok := h.cfg.Generator.(generate.Watcher)
	if !ok || h.cfg.Llama.NoSlots {
		return notServed("slots endpoint", "start it with --slots")
	}
	sequences := watcher.Sequences()
	busy := func(s generate.Sequence) bool { return s.Busy }
	if q.URL.Query().Has("fail_on_no_slot") && !slices.ContainsFunc(sequences, func(s generate.Sequence) bool { return !busy(s) }) {
		return &ask.Fault{Kind: ask.EngineStuck, What: "no slot available", Remedy: "try again later"}
	}
	all := make([]llamaserver.Slot, len(sequences))
	for i, s := range sequences {
		all[i] = llamaserver.Slot{ID: i, ContextTokens: h.cfg.Generator.Model().ContextTokens, Processing: s.Busy, Speculative: s.Drafts}
		if s.Busy {
			all[i].PromptTokens, all[i].Processed = s.PromptTokens, min(s.Cached, s.PromptTokens)
			all[i].Next = []llamaserver.NextToken{{More: s.Remaining > 0, Remain: s.Remaining, Decoded: s.Generated}}
		}
	}
	return h.writeJSON(x, w, all)
}

func (h *Handler) llamaModels(x *exchange, w http.ResponseWriter, _ *http.Request) error {
	return h.writeJSON(x, w, llamaserver.NewModelList(h.model()))
}

func (h *Handler) applyTemplate(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body llamaserver.TemplateRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	request, err := h.onlyChat(&body.Chat)
	if err != nil {
		return err
	}
	if !body.Open {
		request.Continue = false
	}
	renderer, ok := h.cfg.Generator.(generate.Renderer)
	if !ok {
		return notServed("showing prompts", "ask the server that runs the model")
	}
	prompt, err := renderer.Render(x.attend(q), request, body.Open)
	if err != nil {
		return err
	}
	return h.writeJSON(x, w, struct {
		Prompt string `json:"prompt"`
	}{prompt})
}

// shownPrompt is the text of the tokens that a chat becomes, "" if nobody here knows.
func (h *Handler) shownPrompt(ctx context.Context, r ask.Request) (string, error) {
	renderer, known := h.cfg.Generator.(generate.Renderer)
	tokenizer, err := h.tokenizer()
	if err != nil || !known {
		return "", nil
	}
	h.admitModel(&r)
	h.fill(&r)
	text, err := renderer.Render(ctx, &r, true)
	if err != nil {
		return "", err
	}
	begin, err := tokenizer.Tokenize(ctx, "", true, true)
	if err != nil {
		return "", err
	}
	first, err := tokenizer.Spell(nil, begin...)
	if strings.HasPrefix(text, string(first)) {
		return text, err
	}
	return string(first) + text, err
}

// onlyChat is a chat whose prompt alone is wanted.
func (h *Handler) onlyChat(body *openai.ChatRequest) (*ask.Request, error) {
	requests, err := body.Ask(h.cfg.Defaults)
	if err != nil {
		return nil, err
	}
	h.admitModel(requests[0])
	h.fill(requests[0])
	return requests[0], nil
}

func (h *Handler) countChat(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body openai.ChatRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	request, err := h.onlyChat(&body)
	if err != nil {
		return err
	}
	return h.countInput(x, w, q, request)
}

// countInput answers with how many tokens a request's prompt has.
func (h *Handler) countInput(x *exchange, w http.ResponseWriter, q *http.Request, request *ask.Request) error {
	counter, ok := h.cfg.Generator.(generate.Counter)
	if !ok {
		return notServed("counting tokens", "ask the server that runs the model")
	}
	tokens, err := counter.Count(x.attend(q), request)
	if err != nil {
		return err
	}
	return h.writeJSON(x, w, struct {
		Object string `json:"object"`
		Tokens int    `json:"input_tokens"`
	}{"response.input_tokens", tokens})
}

func (h *Handler) adapters(x *exchange, w http.ResponseWriter, q *http.Request) error {
	switch q.Method {
	case http.MethodGet, http.MethodHead:
		h.write(x, w, http.StatusOK, []byte("[]"))
		return nil
	case http.MethodPost:
	default:
		return notAllowed(w, q, "GET, POST")
	}
	if err := h.admitBody(x, w, q); err != nil {
		return err
	}
	var body llamaserver.AdapterRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	if err := body.Check(); err != nil {
		return err
	}
	h.write(x, w, http.StatusOK, []byte(`{"success":true}`))
	return nil
}

func notServed(what, remedy string) error {
	return &ask.Fault{Kind: ask.NotServed, What: "This server does not support " + what, Remedy: remedy}
}

func notAllowed(w http.ResponseWriter, q *http.Request, methods string) error {
	w.Header().Set("Allow", methods)
	return &ask.Fault{Kind: ask.MethodNotAllowed, What: q.Method + " is not allowed on " + q.URL.Path, Remedy: "use one of " + methods}
}
