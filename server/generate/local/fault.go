package local

import (
	"context"
	"errors"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat"
)

// templateFault says what the model's template has against the messages.
func templateFault(err error) error {
	render, ok := errors.AsType[*chat.RenderError](err)
	switch {
	case !ok:
		return ask.Failed(err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ask.GivenUp(err)
	case render.BadRequest:
		return &ask.Fault{
			Kind: ask.TemplateRefused, Param: "messages",
			What: "the model's chat template refuses the messages: " + render.Message,
		}
	}
	return &ask.Fault{
		Kind: ask.TemplateFailed, Param: "messages",
		What: "the model's chat template does not work with these messages: " + render.Message, Cause: err,
	}
}

// endFault is the fault of a generation that did not end well.
func endFault(err error) *ask.Fault {
	if f, ok := errors.AsType[*ask.Fault](err); ok {
		return f // the loop was closed, or its engine is stuck
	}
	if err == nil {
		return ask.GivenUp(nil)
	}
	return ask.Failed(err)
}
