package api

import (
	"crypto/rand"
	"fmt"
	"net/http"

	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/openai"
)

func (h *Handler) chatCompletion(w http.ResponseWriter, r *http.Request) error {
	j := newJob()
	defer j.release()
	var request openai.ChatRequest
	err := openai.Decode(r.Body, &request)
	if err != nil {
		return err
	}
	if j.params, err = request.Params(h.cfg.Defaults, h.info.VocabSize); err != nil {
		return err
	}
	if err := h.check(&j.params); err != nil {
		return err
	}
	if j.prompt, err = h.chatPrompt(request.Messages); err != nil {
		return err
	}
	return h.answer(w, r, j, "chatcmpl-", true)
}

func (h *Handler) completion(w http.ResponseWriter, r *http.Request) error {
	j := newJob()
	defer j.release()
	var request openai.CompletionRequest
	err := openai.Decode(r.Body, &request)
	if err != nil {
		return err
	}
	if j.params, err = request.Params(h.cfg.Defaults, h.info.VocabSize); err != nil {
		return err
	}
	if err := h.check(&j.params); err != nil {
		return err
	}
	if j.prompt = request.Prompt.Tokens; j.prompt == nil {
		if j.prompt, err = h.cfg.Model.Tokenize(nil, request.Prompt.Text, true, true); err != nil {
			return err
		}
	}
	return h.answer(w, r, j, "cmpl-", false)
}

// check refuses what only this server cannot do.
func (h *Handler) check(p *openai.Params) error {
	if err := h.checkModel(p.Model); err != nil {
		return err
	}
	return h.checkLogprobs(p)
}

// checkModel refuses a name that is not the model's. No name is its name.
func (h *Handler) checkModel(name string) error {
	if name == "" || name == h.cfg.ModelID {
		return nil
	}
	return &openai.Error{
		Status:  http.StatusNotFound,
		Message: fmt.Sprintf("the model %q does not exist: this server has %q", name, h.cfg.ModelID),
		Type:    openai.TypeInvalidRequest,
		Param:   "model",
		Code:    openai.CodeModelNotFound,
	}
}

// chatPrompt renders messages through the model's template into tokens.
func (h *Handler) chatPrompt(messages []openai.Message) ([]engine.Token, error) {
	if h.cfg.Template == nil {
		return nil, &openai.Error{
			Status:  http.StatusBadRequest,
			Message: "this model has no chat template: use /v1/completions, or serve with --chat-template-file",
			Type:    openai.TypeInvalidRequest,
			Param:   "messages",
			Code:    "no_chat_template",
		}
	}
	turns := make([]chat.Message, len(messages))
	for i, m := range messages {
		turns[i] = chat.Message{
			Role: m.Role, Content: m.Content.Text, Parts: m.Content.Parts, Name: m.Name,
			ToolCalls: m.ToolCalls, ToolCallID: m.ToolCallID,
		}
	}
	text, err := h.cfg.Template.Render(chat.Input{Messages: turns, AddGenerationPrompt: true})
	if err != nil {
		return nil, err
	}
	tokens, err := h.cfg.Model.Tokenize(nil, text, true, true)
	// Templates write the token that the tokenizer adds as well: one is enough.
	if bos := h.info.BOS; len(tokens) > 1 && bos >= 0 && tokens[0] == bos && tokens[1] == bos {
		tokens = tokens[1:]
	}
	return tokens, err
}

// answer generates for a job and answers as it asked.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, j *job, idPrefix string, isChat bool) error {
	head := openai.Head{
		ID:                idPrefix + rand.Text(),
		Created:           j.begin.Unix(),
		Model:             h.cfg.ModelID,
		SystemFingerprint: h.cfg.Fingerprint,
	}
	if !j.params.Stream {
		head.Object = "text_completion"
		if isChat {
			head.Object = "chat.completion"
		}
		return h.run(r.Context(), j, &bodySink{h: h, w: w, head: head, chat: isChat, logprobs: j.params.TopLogprobs >= 0})
	}
	newEncoder := openai.NewCompletionStream
	if isChat {
		newEncoder = openai.NewChatStream
	}
	encoder := newEncoder(head, j.params.IncludeUsage)
	// Log-probabilities cost a pass over the vocabulary for each token: that is
	// for the handler's own goroutine, not for the one that serves everybody.
	if h.emitter != nil && j.params.TopLogprobs < 0 {
		return h.emit(w, r, j, encoder)
	}
	out := h.newStreamSink(newHTTPFrames(w, h.cfg.WriteTimeout), encoder)
	defer out.release()
	return h.run(r.Context(), j, out)
}
