package api

import (
	"fmt"
	"net/http"

	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/openai"
)

// entry names the tokens of a result. It copies what the generation will
// overwrite.
func (h *Handler) entry(r *batch.Result) openai.LogprobEntry {
	names := make([]byte, 0, 8*(1+len(r.Top)))
	named := func(token engine.Token, logprob float32) openai.TokenLogprob {
		begin := len(names)
		names = h.cfg.Model.AppendPiece(names, token, true)
		return openai.TokenLogprob{Bytes: names[begin:len(names):len(names)], Logprob: logprob}
	}
	e := openai.LogprobEntry{TokenLogprob: named(r.Token, r.Logprob)}
	if len(r.Top) > 0 {
		e.Top = make([]openai.TokenLogprob, len(r.Top))
		for i, t := range r.Top {
			e.Top[i] = named(t.Token, t.Logprob)
		}
	}
	return e
}

// checkLogprobs bounds what a response that is not streamed would gather.
func (h *Handler) checkLogprobs(p *openai.Params) error {
	if p.TopLogprobs < 0 || p.Stream {
		return nil
	}
	tokens := h.cfg.Loop.Limits().SequenceTokens
	if p.MaxTokens > 0 {
		tokens = min(tokens, p.MaxTokens)
	}
	if limit := h.cfg.LogprobEntries; (p.TopLogprobs+1)*tokens > limit {
		return &openai.Error{
			Status: http.StatusBadRequest,
			Message: fmt.Sprintf("log-probabilities of %d tokens at each of %d places are more than %d: stream, or lower max_tokens or the number of log-probabilities",
				p.TopLogprobs+1, tokens, limit),
			Type:  openai.TypeInvalidRequest,
			Param: "logprobs",
			Code:  openai.CodeInvalidValue,
		}
	}
	return nil
}
