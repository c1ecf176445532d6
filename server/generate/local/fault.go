package local

import (
	"errors"
	"fmt"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat"
)

func invalid(param, format string, args ...any) error {
	return &ask.Fault{Kind: ask.InvalidValue, Param: param, What: param + ": " + fmt.Sprintf(format, args...)}
}

func internal(cause error) *ask.Fault {
	return &ask.Fault{Kind: ask.Internal, What: "the server failed to answer", Remedy: "its log says why", Cause: cause}
}

// templateFault says what the model's template has against the messages.
func templateFault(err error) error {
	render, ok := errors.AsType[*chat.RenderError](err)
	switch {
	case !ok:
		return internal(err)
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
		return f // the loop was closed
	}
	if err == nil {
		return &ask.Fault{Kind: ask.Cancelled, What: "the request was cancelled"}
	}
	return internal(err)
}
