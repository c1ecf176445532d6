package front

import (
	"context"
	"net/http"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/wire"
	"github.com/weirgo/weir/server/wire/llamaserver"
)

func (h *Handler) llamaRoutes() []route {
	return []route{
		{"POST", "/completion", false, h.llamaCompletion},
		{"POST", "/completions", false, h.llamaCompletion},
		{"POST", "/infill", false, h.infill},
		{"POST", "/chat/completions", false, h.chatCompletion},
		{"POST", "/responses", false, h.response},
		{"POST", "/responses/input_tokens", false, h.countResponse},
		{"POST", "/chat/completions/input_tokens", false, h.countChat},
		{"POST", "/v1/chat/completions/input_tokens", false, h.countChat},
		{"POST", "/apply-template", false, h.applyTemplate},
		{"", "/props", false, h.inService(h.props)},
		{"GET", "/slots", false, h.inService(h.slots)},
		{"POST", "/slots/{id}", false, h.slotAction},
		{"GET", "/models", false, h.llamaModels},
		{"POST", "/embedding", false, h.llamaEmbeddings},
		{"POST", "/embeddings", false, h.llamaEmbeddings},
		{"POST", "/rerank", false, h.rerank},
		{"POST", "/reranking", false, h.rerank},
		{"POST", "/v1/rerank", false, h.rerank},
		{"POST", "/v1/reranking", false, h.rerank},
		{"", "/lora-adapters", false, h.inService(h.adapters)},
		{"GET", "/v1/health", true, h.health},
	}
}

// llamaPaths are those at which failures are told as llama-server does.
var llamaPaths = map[string]bool{
	"/completion": true, "/completions": true, "/infill": true, "/chat/completions": true, "/chat/completions/input_tokens": true,
	"/apply-template": true, "/props": true, "/slots": true, "/models": true, "/embedding": true, "/embeddings": true,
	"/rerank": true, "/reranking": true, "/v1/rerank": true, "/v1/reranking": true, "/lora-adapters": true,
	"/tokenize": true, "/detokenize": true, "/health": true, "/v1/health": true,
}

func (h *Handler) llamaCompletion(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body llamaserver.CompletionRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	if body.Prompt == nil {
		return wire.Missing("prompt", "a string, an array of tokens and strings, or an array of such")
	}
	c, err := body.Ask(h.cfg.Defaults)
	if err != nil {
		return err
	}
	prompts := make([]ask.Prompt, len(body.Prompt))
	for i, parts := range body.Prompt {
		if prompts[i], err = h.joinPrompt(x.attend(q), parts); err != nil {
			return err
		}
	}
	return h.complete(x, w, q, c, body.Stream, prompts)
}

// joinPrompt makes tokens of the parts of a prompt, if the vocabulary is here. The
// token that begins a text comes before a text that is first.
func (h *Handler) joinPrompt(ctx context.Context, parts []ask.Prompt) (ask.Prompt, error) {
	tokenizer, err := h.tokenizer()
	if err != nil {
		if len(parts) == 1 {
			return parts[0], nil
		}
		return ask.Prompt{}, err
	}
	all := []ask.Token{}
	for i, part := range parts {
		tokens := part.Tokens
		if tokens == nil {
			if tokens, err = tokenizer.Tokenize(ctx, part.Text, i == 0, true); err != nil {
				return ask.Prompt{}, err
			}
		}
		all = append(all, tokens...)
	}
	return ask.Prompt{Tokens: all}, nil
}

// complete answers with what follows prompts.
func (h *Handler) complete(x *exchange, w http.ResponseWriter, q *http.Request, c *llamaserver.Completion, stream bool, prompts []ask.Prompt) error {
	if n := len(prompts) * c.PerPrompt; n > llamaserver.MaxAnswers {
		return wire.Invalid("n_cmpl", "%d answers to %d prompts are more than %d", c.PerPrompt, len(prompts), llamaserver.MaxAnswers)
	}
	c.Request.RawReasoning = true // the prompt is the client's own, and so is what follows
	h.fill(&c.Request)
	if c.Request.IgnoreEOS {
		c.Ends = h.properties().Ends
	}
	all := wanted{perPrompt: c.PerPrompt, from: limitedBy(h.cfg.Generator, c.Limits)}
	read := make([]llamaserver.Prompt, len(prompts))
	for i, p := range prompts {
		var err error
		if read[i], err = h.readPrompt(p); err != nil {
			return err
		}
		all.requests = append(all.requests, c.Requests(p)...)
	}
	encoder := llamaserver.NewReply(c, h.cfg.Generator.Model(), all.requests, read)
	if stream {
		return h.streamAll(x, w, q, all, encoder)
	}
	return h.wholeAll(x, w, q, all, encoder)
}

// readPrompt is what an answer tells of its prompt: its text, if it can be
// answered at all.
func (h *Handler) readPrompt(p ask.Prompt) (llamaserver.Prompt, error) {
	if p.Tokens == nil {
		return llamaserver.Prompt{Text: p.Text}, nil
	}
	read := llamaserver.Prompt{Tokens: len(p.Tokens)}
	tokenizer, err := h.tokenizer()
	if err != nil || len(p.Tokens) >= h.cfg.Generator.Model().ContextTokens {
		return read, nil // or the generator refuses it
	}
	text, err := tokenizer.Spell(nil, p.Tokens...)
	read.Text = string(text)
	return read, err
}

func (h *Handler) infill(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body llamaserver.InfillRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	gap := llamaserver.Gap{Prefix: -1, Suffix: -1, Middle: -1}
	if f, ok := h.cfg.Generator.(generate.Filler); ok {
		t := f.FillTokens()
		gap = llamaserver.Gap{Prefix: t.Prefix, Suffix: t.Suffix, Middle: t.Middle, Repository: t.Repository, File: t.File, Begin: t.Begin}
	}
	if err := body.Check(gap); err != nil {
		return err
	}
	c, err := body.Ask(h.cfg.Defaults)
	if err != nil {
		return err
	}
	tokenizer, err := h.tokenizer()
	if err != nil {
		return err
	}
	gap.ContextTokens, gap.AnswerTokens = h.cfg.Generator.Model().ContextTokens, c.Request.MaxTokens
	gap.SuffixFirst = h.cfg.Llama.SuffixFirst
	gap.Tokenize = func(text string) ([]ask.Token, error) { return tokenizer.Tokenize(x.attend(q), text, false, false) }
	tokens, err := body.Build(gap)
	if err != nil {
		return err
	}
	return h.complete(x, w, q, c, body.Stream, []ask.Prompt{{Tokens: tokens}})
}
