package api

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/openai"
	"github.com/weirgo/weir/server/stream"
)

// sink takes the output of one generation and brings it to the client.
type sink interface {
	// text takes text, whole UTF-8 characters, and the tokens it came from,
	// if the request asked for them. The text is valid during the call.
	text(text []byte, entries []openai.LogprobEntry)
	// flush ends a wake: what was taken may go out.
	flush() error
	// finish takes the end of a generation that went well.
	finish(reason openai.FinishReason, usage openai.Usage) error
	// fail takes a failure and returns what remains to be answered.
	fail(err error) error
}

// job is one checked request on its way to a sink. Jobs are reused for the
// sake of their buffers.
type job struct {
	begin        time.Time
	last         time.Time // of the last delivery, or begin
	params       openai.Params
	prompt       []engine.Token // until it is submitted
	promptTokens int
	tokens       int // generated

	piece   []byte // of one token
	text    stream.Text
	delta   []byte
	entries []openai.LogprobEntry // of tokens whose text is held back
}

// wakeResults is how many results are taken at once: more than a reader that
// keeps up ever finds.
const wakeResults = 32

var jobs = sync.Pool{New: func() any { return new(job) }}

func newJob() *job {
	j := jobs.Get().(*job)
	j.begin = time.Now()
	j.last = j.begin
	return j
}

// move returns a job with all that j holds, for an owner that outlives the
// handler, and leaves j empty.
func (j *job) move() *job {
	m := jobs.Get().(*job)
	*m, *j = *j, *m
	return m
}

// release gives the job's buffers back.
func (j *job) release() {
	*j = job{piece: j.piece, text: j.text, delta: j.delta}
	jobs.Put(j)
}

// run generates for a job until the end of the generation, a stop string, or
// the client's going.
func (h *Handler) run(ctx context.Context, j *job, out sink) error {
	gen, reason, err := h.submit(ctx, j)
	if err == nil {
		defer gen.Cancel() // frees the sequence on every way out
		reason, err = h.generate(ctx, gen, j, out, nil)
	}
	return h.finish(j, out, reason, err)
}

// finish counts the end of a generation; a failure becomes the sink's.
func (h *Handler) finish(j *job, out sink, reason batch.FinishReason, err error) error {
	h.metrics.finished(reason, time.Since(j.begin))
	if err != nil {
		return out.fail(err)
	}
	return nil
}

// submit queues a job's generation, which ends when ctx is done.
func (h *Handler) submit(ctx context.Context, j *job) (*batch.Generation, batch.FinishReason, error) {
	if h.draining.Load() {
		return nil, batch.FinishAborted, shuttingDown()
	}
	if err := j.text.Reset(j.params.Stop); err != nil {
		return nil, batch.FinishError, err
	}
	gen, err := h.cfg.Loop.Submit(ctx, batch.Request{
		Prompt:      j.prompt,
		MaxTokens:   j.params.MaxTokens,
		Sampler:     j.params.Sampler,
		TopLogprobs: j.params.TopLogprobs,
		IgnoreEOS:   j.params.IgnoreEOS,
	})
	if err != nil {
		return nil, batch.FinishAborted, err
	}
	j.promptTokens, j.prompt = len(j.prompt), nil
	return gen, 0, nil
}

// generate reads a generation to its end, or until others are to go on; then it
// returns handedOver.
func (h *Handler) generate(ctx context.Context, gen *batch.Generation, j *job, out sink, others func() bool) (batch.FinishReason, error) {
	var results [wakeResults]batch.Result
	for {
		n, err := gen.Next(ctx, results[:])
		if err == io.EOF {
			return h.end(gen.Finish(), j, out)
		}
		if err != nil {
			return batch.FinishAborted, err
		}
		reason, err := h.deliver(results[:n], time.Now(), j, out)
		if reason != handedOver || err != nil {
			return reason, err
		}
		if others != nil && others() {
			return handedOver, nil
		}
	}
}

// handedOver is no reason at all: the generation goes on.
const handedOver batch.FinishReason = 0

// deliver gives the results of one wake to the sink. A reason says that the
// client needs no more of them.
func (h *Handler) deliver(results []batch.Result, now time.Time, j *job, out sink) (batch.FinishReason, error) {
	h.metrics.wake(j.last, now, j.tokens == 0)
	j.last = now
	for i := range results {
		if h.take(&results[i], j, out) {
			return batch.FinishStop, out.finish(openai.FinishStop, j.usage())
		}
	}
	if err := out.flush(); err != nil {
		return batch.FinishAborted, err
	}
	return handedOver, nil
}

// take turns one token into what text it releases; it reports whether a stop
// string is complete.
func (h *Handler) take(r *batch.Result, j *job, out sink) (stopped bool) {
	j.tokens++
	if j.params.TopLogprobs >= 0 {
		j.entries = append(j.entries, h.entry(r))
	}
	j.piece = h.cfg.Model.AppendPiece(j.piece[:0], r.Token, false)
	stopped = j.text.Add(j.piece)
	j.give(out)
	return stopped
}

// give passes the released text to the sink, with the entries of the tokens
// that it contains.
func (j *job) give(out sink) {
	var tokens int
	j.delta, tokens = j.text.Take(j.delta[:0])
	tokens = min(tokens, len(j.entries)) // 0 if nobody asked for entries
	if len(j.delta) > 0 || tokens > 0 {
		out.text(j.delta, j.entries[:tokens:tokens])
		j.entries = j.entries[tokens:]
	}
}

// end gives the sink what was held back and the end of the generation.
func (h *Handler) end(f batch.Finish, j *job, out sink) (batch.FinishReason, error) {
	h.metrics.phases(f)
	reason := openai.FinishStop
	switch f.Reason {
	case batch.FinishStop:
	case batch.FinishLength:
		reason = openai.FinishLength
	default:
		if f.Err == nil {
			f.Err = context.Canceled
		}
		return f.Reason, f.Err
	}
	if j.text.Flush() { // an incomplete character completed a stop string
		reason = openai.FinishStop
	}
	j.give(out)
	return f.Reason, out.finish(reason, j.usage())
}

func (j *job) usage() openai.Usage { return openai.NewUsage(j.promptTokens, j.tokens) }
