package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/openai"
)

// statusClientClosed is nginx's code for a client that went away before its
// answer. Nobody receives it; it is for metrics and logs.
const statusClientClosed = 499

// writeError answers with err unless the answer has begun, and returns the
// status for metrics.
func (h *Handler) writeError(w http.ResponseWriter, r *http.Request, err error) (status int) {
	if r.Context().Err() != nil {
		return statusClientClosed
	}
	e := h.wireError(err)
	if _, begun := errors.AsType[*begunError](err); begun {
		return e.Status
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Del("Cache-Control")
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		header.Set("Retry-After", strconv.Itoa(seconds(h.cfg.RetryAfter)))
	}
	h.bound(w)
	w.WriteHeader(e.Status)
	_, _ = w.Write(e.Append(nil)) // a client that is gone needs no answer
	return e.Status
}

// begunError is a failure after the answer's status was sent.
type begunError struct{ err error }

func (e *begunError) Error() string { return e.err.Error() }
func (e *begunError) Unwrap() error { return e.err }

func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }

// wireError turns an error of the loop into the client's. What the client
// cannot have caused is logged here, once.
func (h *Handler) wireError(err error) *openai.Error {
	if e, ok := errors.AsType[*openai.Error](err); ok {
		return e
	}
	if tooLong, ok := errors.AsType[*batch.PromptTooLongError](err); ok {
		return &openai.Error{
			Status: http.StatusBadRequest,
			Message: fmt.Sprintf("the prompt has %d tokens and leaves no room to generate in a context of %d tokens: shorten it, or serve with a larger -c",
				tooLong.PromptTokens, tooLong.ContextTokens),
			Type: openai.TypeInvalidRequest,
			Code: openai.CodeContextLength,
		}
	}
	if render, ok := errors.AsType[*chat.RenderError](err); ok {
		return h.templateError(render)
	}
	switch {
	case errors.Is(err, batch.ErrEmptyPrompt):
		return &openai.Error{
			Status:  http.StatusBadRequest,
			Message: "the prompt is empty",
			Type:    openai.TypeInvalidRequest,
			Code:    openai.CodeInvalidValue,
		}
	case errors.Is(err, batch.ErrQueueFull):
		return &openai.Error{
			Status:  http.StatusTooManyRequests,
			Message: "too many requests are waiting: try again later",
			Type:    openai.TypeRateLimit,
			Code:    "queue_full",
		}
	case errors.Is(err, batch.ErrClosed):
		return shuttingDown()
	case errors.Is(err, errClientGone), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &openai.Error{Status: statusClientClosed, Message: "the request was cancelled", Type: openai.TypeServer}
	}
	h.cfg.Log.Error("request failed", "error", err)
	return &openai.Error{
		Status:  http.StatusInternalServerError,
		Message: "the server failed to answer: its log says why",
		Type:    openai.TypeServer,
		Code:    "internal_error",
	}
}

// templateError says what the model's template has against the messages.
func (h *Handler) templateError(err *chat.RenderError) *openai.Error {
	if err.BadRequest {
		return &openai.Error{
			Status:  http.StatusBadRequest,
			Message: "the model's chat template refuses the messages: " + err.Message,
			Type:    openai.TypeInvalidRequest,
			Param:   "messages",
			Code:    openai.CodeInvalidValue,
		}
	}
	h.cfg.Log.Warn("chat template failed: pass another with --chat-template-file", "error", err)
	return &openai.Error{
		Status:  http.StatusInternalServerError,
		Message: "the model's chat template does not work with these messages: " + err.Message,
		Type:    openai.TypeServer,
		Param:   "messages",
		Code:    "chat_template_failed",
	}
}

func shuttingDown() *openai.Error {
	return &openai.Error{
		Status:  http.StatusServiceUnavailable,
		Message: "the server is shutting down: try another one, or again later",
		Type:    openai.TypeServer,
		Code:    "shutting_down",
	}
}
