package chat

import "fmt"

// RenderError says why a conversation could not be rendered.
type RenderError struct {
	// Message is for the client: the template's own words if it raised an
	// exception, else what went wrong and on which of the template's lines.
	Message string
	// BadRequest is set if the request is to blame: the template refused the
	// conversation, or the JSON of tools is malformed. Otherwise the template
	// does not work with this conversation.
	BadRequest bool
	Err        error // the cause, or nil
}

func (e *RenderError) Error() string { return "chat: render template: " + e.Message }

func (e *RenderError) Unwrap() error { return e.Err }

func badRequest(format string, args ...any) *RenderError {
	err := fmt.Errorf(format, args...)
	return &RenderError{Message: err.Error(), BadRequest: true, Err: err}
}
