package front

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/reply"
	"github.com/weirgo/weir/server/wire/openai"
)

func (h *Handler) chatCompletion(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body openai.ChatRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	request, err := body.Ask(h.cfg.Defaults)
	if err != nil {
		return err
	}
	head := h.head("chatcmpl-")
	if body.Stream {
		return h.stream(x, w, q, request, openai.NewChatStream(head, body.IncludeUsage()))
	}
	return h.whole(x, w, q, request, openai.NewChatAnswer(head, request.TopLogprobs >= 0))
}

func (h *Handler) completion(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body openai.CompletionRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	request, err := body.Ask(h.cfg.Defaults)
	if err != nil {
		return err
	}
	head := h.head("cmpl-")
	if body.Stream {
		err = h.stream(x, w, q, request, openai.NewCompletionStream(head, body.IncludeUsage()))
	} else {
		err = h.whole(x, w, q, request, openai.NewCompletionAnswer(head, request.TopLogprobs >= 0))
	}
	return openai.CompletionFault(err)
}

func (h *Handler) head(idPrefix string) openai.Head {
	return openai.Head{
		ID:                idPrefix + rand.Text(),
		Created:           time.Now().Unix(),
		Model:             h.cfg.Generator.Model().ID,
		SystemFingerprint: h.cfg.Fingerprint,
	}
}

// submit begins a generation that x observes and enc spells.
func (h *Handler) submit(ctx context.Context, x *exchange, request *ask.Request, enc reply.Encoder) (reply.Generation, error) {
	g := reply.Generation{Encoder: enc, Observer: x, Dear: request.TopLogprobs >= 0}
	err := h.refuseWhileDraining()
	if err == nil {
		g.Events, err = h.cfg.Generator.Submit(ctx, request)
	}
	x.input.free() // what was admitted fits the context
	return g, err
}

// stream answers with the events of a generation as they come.
func (h *Handler) stream(x *exchange, w http.ResponseWriter, q *http.Request, request *ask.Request, enc reply.Encoder) error {
	remedy := "ask for fewer, or a shorter stop string, or do not stream"
	if err := h.checkLogprobs(request, eventTokens(request), h.cfg.StreamLogprobEntries, remedy); err != nil {
		return err
	}
	ctx := x.attend(q)
	g, err := h.submit(ctx, x, request, enc)
	if err != nil {
		return err
	}
	r := h.emitter.Start(g)
	if err := r.First(ctx); err != nil {
		return err
	}
	setEventStream(w.Header())
	x.streamed = true // before the emitter may see the end
	x.client.answer(r)
	return r.Stream(w, q.WithContext(ctx))
}

// whole answers with a generation when it has ended.
func (h *Handler) whole(x *exchange, w http.ResponseWriter, q *http.Request, request *ask.Request, enc reply.Answer) error {
	tokens := h.cfg.Generator.Model().ContextTokens
	if request.MaxTokens > 0 {
		tokens = min(tokens, request.MaxTokens)
	}
	remedy := "stream, or lower max_tokens or the number of log-probabilities"
	if err := h.checkLogprobs(request, tokens, h.cfg.LogprobEntries, remedy); err != nil {
		return err
	}
	gathered := account{memory: &h.memory}
	defer gathered.free()
	// A token's is there as a whole before it is gathered.
	if err := gathered.Hold((1 + min(request.TopLogprobs, h.cfg.Generator.Model().VocabSize)) * logprobEntryBytes); err != nil {
		return err
	}
	ctx := x.attend(q)
	g, err := h.submit(ctx, x, request, enc)
	if err != nil {
		return err
	}
	body, err := h.emitter.Whole(ctx, g, enc, &gathered)
	if err != nil {
		return err
	}
	h.write(x, w, http.StatusOK, body...)
	return nil
}

// eventTokens is how many tokens an event of a stream may have: one, and those held
// back before it, which may begin a stop string and have a byte of text each.
func eventTokens(r *ask.Request) int {
	longest := 0
	for _, stop := range r.Stop {
		longest = max(longest, len(stop))
	}
	return 1 + longest
}

// checkLogprobs bounds what an answer gathers of so many tokens before its client
// has anything of it.
func (h *Handler) checkLogprobs(r *ask.Request, tokens, limit int, remedy string) error {
	m := h.cfg.Generator.Model()
	if r.TopLogprobs < 0 || r.TopLogprobs > m.VocabSize || generate.CheckModel(m, r.Model) != nil {
		return nil // or the generator refuses it, for another reason
	}
	if (r.TopLogprobs+1)*tokens <= limit {
		return nil
	}
	return &ask.Fault{
		Kind: ask.LogprobsTooMany, Param: "logprobs",
		What:   fmt.Sprintf("log-probabilities of %d tokens at each of %d places are more than %d", r.TopLogprobs+1, tokens, limit),
		Remedy: remedy,
	}
}

func setEventStream(header http.Header) {
	header["Content-Type"] = eventStream
	header["Cache-Control"] = noCache
	header["X-Accel-Buffering"] = noBuffering
}

var (
	eventStream = []string{"text/event-stream; charset=utf-8"}
	noCache     = []string{"no-cache"}
	noBuffering = []string{"no"} // nginx and its kin pass each frame on at once
)
