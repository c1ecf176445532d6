package front

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
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
	requests, err := body.Ask(h.cfg.Defaults)
	if err != nil {
		return err
	}
	h.metrics.countIgnored(body.Ignored())
	head, shape := h.head("chatcmpl-"), h.timed(body.Shape())
	x.dear = shape.Scheduler != nil
	head.ServiceTier = body.ServiceTier.Shown(x.tier(requests[0]))
	if body.Verbose || h.cfg.Llama.Verbose {
		if shape.Prompt, err = h.shownPrompt(x.attend(q), *requests[0]); err != nil {
			return err
		}
	}
	wanted := wanted{requests, len(requests), nil}
	if body.Stream {
		return h.streamAll(x, w, q, wanted, openai.NewStream(head, shape))
	}
	return h.wholeAll(x, w, q, wanted, openai.NewAnswer(head, shape))
}

func (h *Handler) completion(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body openai.CompletionRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	requests, err := body.Ask(h.cfg.Defaults)
	if err != nil {
		return err
	}
	h.metrics.countIgnored(body.Ignored())
	head, shape := h.head("cmpl-"), h.timed(body.Shape())
	x.dear = shape.Scheduler != nil
	wanted := wanted{requests, body.PerPrompt(), nil}
	if body.Stream {
		err = h.streamAll(x, w, q, wanted, openai.NewStream(head, shape))
	} else {
		err = h.wholeAll(x, w, q, wanted, openai.NewAnswer(head, shape))
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

// wanted are the answers that a client wants: so many to each prompt.
type wanted struct {
	requests  []*ask.Request
	perPrompt int
	from      generate.Generator // nil: the handler's
}

func one(r *ask.Request) wanted { return wanted{[]*ask.Request{r}, 1, nil} }

// modelName takes any model's name for that of the one that is served, which is no
// name, unless the operator wants it to be right.
func (h *Handler) modelName(name string) string {
	if !h.cfg.StrictModel || slices.Contains(h.cfg.Llama.Aliases, name) {
		return ""
	}
	return name
}

// admitModel gives requests the model's name that counts.
func (h *Handler) admitModel(requests ...*ask.Request) {
	for _, r := range requests {
		r.Model = h.modelName(r.Model)
	}
}

// submit begins the generations that x observes and enc spells.
func (h *Handler) submit(ctx context.Context, x *exchange, all wanted, enc reply.Encoder) (reply.Generation, error) {
	g := reply.Generation{Encoder: enc, Observer: x, Dear: x.dear || all.requests[0].TopLogprobs >= 0, Probe: x.dialect.probe}
	h.fill(all.requests...)
	x.sign(all.requests...)
	if all.from == nil {
		all.from = h.cfg.Generator
	}
	err := h.refuseWhileDraining()
	if err == nil {
		g.Events, err = x.limit.choices(ctx, all)
	}
	if err == nil {
		g.Events = x.metered(g.Events, all.requests)
	}
	x.input.free() // what was admitted fits the context
	return g, err
}

// stream answers with the events of a generation as they come.
func (h *Handler) stream(x *exchange, w http.ResponseWriter, q *http.Request, request *ask.Request, enc reply.Encoder) error {
	return h.streamAll(x, w, q, one(request), enc)
}

// streamAll is stream for several answers.
func (h *Handler) streamAll(x *exchange, w http.ResponseWriter, q *http.Request, all wanted, enc reply.Encoder) error {
	x.asks(all.requests[0].Model)
	h.admitModel(all.requests...)
	first := all.requests[0]
	remedy := "ask for fewer, or a shorter stop string, or do not stream"
	if err := h.checkLogprobs(first, h.eventTokens(first), h.cfg.StreamLogprobEntries, remedy); err != nil {
		return err
	}
	ctx := x.attend(q)
	g, err := h.submit(ctx, x, all, enc)
	if err != nil {
		return err
	}
	if h.emitter.Leaves(q) {
		setStream(w.Header(), x.dialect)
		x.streamed = true    // before the emitter may see the end
		x.client.answer(nil) // the stream asks whether its client is there
		if x.outlives, err = h.emitter.Leave(w, q.WithContext(ctx), g); x.outlives || err != nil {
			return err
		}
		x.streamed = false
	}
	r := h.emitter.Start(g)
	if err := r.First(ctx); err != nil {
		return err
	}
	setStream(w.Header(), x.dialect)
	x.streamed = true // before the emitter may see the end
	x.client.answer(r)
	err = r.Stream(w, q.WithContext(ctx))
	x.outlives = err == nil
	return err
}

// whole answers with a generation when it has ended.
func (h *Handler) whole(x *exchange, w http.ResponseWriter, q *http.Request, request *ask.Request, enc reply.Answer) error {
	return h.wholeAll(x, w, q, one(request), enc)
}

// wholeAll is whole for several answers.
func (h *Handler) wholeAll(x *exchange, w http.ResponseWriter, q *http.Request, all wanted, enc reply.Answer) error {
	x.asks(all.requests[0].Model)
	h.admitModel(all.requests...)
	first := all.requests[0]
	tokens := h.cfg.Generator.Model().ContextTokens
	if first.MaxTokens > 0 && !first.Echo {
		tokens = min(tokens, first.MaxTokens)
	}
	remedy := "stream, or lower max_tokens or the number of log-probabilities"
	if err := h.checkLogprobs(first, tokens*len(all.requests), h.cfg.LogprobEntries, remedy); err != nil {
		return err
	}
	gathered := account{memory: &h.memory}
	defer gathered.free()
	// A token's is there as a whole before it is gathered.
	if err := gathered.Hold((1 + min(first.TopLogprobs, h.cfg.Generator.Model().VocabSize)) * logprobEntryBytes); err != nil {
		return err
	}
	ctx := x.attend(q)
	g, err := h.submit(ctx, x, all, enc)
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
// An echoed prompt is one event.
func (h *Handler) eventTokens(r *ask.Request) int {
	if r.Echo {
		return h.cfg.Generator.Model().ContextTokens
	}
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

func setStream(header http.Header, d *dialect) {
	header["Content-Type"] = d.stream
	header["Cache-Control"] = noCache
	header["X-Accel-Buffering"] = noBuffering
}

var (
	jsonBody    = []string{"application/json"}
	eventStream = []string{"text/event-stream; charset=utf-8"}
	noCache     = []string{"no-cache"}
	noBuffering = []string{"no"} // nginx and its kin pass each frame on at once
)
