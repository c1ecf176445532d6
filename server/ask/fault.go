package ask

// Fault is a request that failed, said once for all dialects.
type Fault struct {
	Kind Kind
	// Param is the field of the request at fault, "" if none: as
	// ask.Request's dialect-neutral name ("top_logprobs"), or as the client
	// wrote it ("messages[0].role").
	Param string
	// What says what is wrong, for people.
	What string
	// Remedy says what to do about it, "" if there is nothing.
	Remedy string
	// Cause is for the log of the server alone; nil if the client is at fault.
	Cause error
	// PromptTokens and ContextTokens are what does not fit, with ContextExceeded
	// and where they are known. A prompt far too long is not counted to its end: it
	// has PromptTokens at least.
	PromptTokens, ContextTokens int
	// RetryNs is in how long it may be worth trying again; 0: nobody knows.
	RetryNs int64
}

// Error implements error: what, and the remedy.
func (f *Fault) Error() string {
	if f.Remedy == "" {
		return f.What
	}
	return f.What + ": " + f.Remedy
}

// Unwrap returns Cause.
func (f *Fault) Unwrap() error { return f.Cause }

// Faults that several rooms find are worded once.

// Invalid is a fault in the value of a field.
func Invalid(param, what string) *Fault {
	return &Fault{Kind: InvalidValue, Param: param, What: param + ": " + what}
}

// Failed is the server's own failure; the client is not told its cause.
func Failed(cause error) *Fault {
	return &Fault{Kind: Internal, What: "the server failed to answer", Remedy: "its log says why", Cause: cause}
}

// Closing is what comes to a server that takes nothing more.
func Closing() *Fault {
	return &Fault{Kind: ShuttingDown, What: "the server is shutting down", Remedy: "try another one, or again later"}
}

// IsLoading is that there is no model yet.
func IsLoading() *Fault {
	return &Fault{Kind: Loading, What: "the model is being loaded", Remedy: "try again later"}
}

// GivenUp is a request that nobody waits for any more; cause may be nil.
func GivenUp(cause error) *Fault {
	return &Fault{Kind: Cancelled, What: "the request was cancelled", Cause: cause}
}

// Late is a request whose time has passed.
func Late() *Fault {
	return &Fault{
		Kind: DeadlineExceeded, What: "the time that the request has was over before its answer",
		Remedy: "give it more, or ask when the server has less to do",
	}
}

// Kind is what kind of fault it is. Fronts map it to a status, dialects to
// their types and codes.
type Kind uint8

const (
	// Internal: the server failed; Cause says how.
	Internal Kind = iota

	// The client's words.

	InvalidJSON      // the body is no JSON
	InvalidValue     // a field's value is out of its range
	MissingParameter // a field that must be there is not
	UnknownParameter // a field that nobody knows
	Unsupported      // a field that would change the answer and cannot be honoured
	BodyTooLarge
	BodyLate   // the body has not arrived in time
	BodyBroken // the body broke off, or is not encoded as it says
	EncodingUnsupported
	MediaTypeUnsupported
	PathUnknown
	MethodNotAllowed
	KeyInvalid

	// What the client asks of the model.

	ModelUnknown
	ContextExceeded // the prompt leaves no room to generate
	PromptEmpty
	LogprobsTooMany  // more than an answer may gather
	TemplateMissing  // the model has no chat template
	TemplateRefused  // the chat template refuses these messages
	TemplateFailed   // the chat template does not work with them
	TokenizerMissing // the model cannot be asked for tokens

	// The moment.

	QueueFull
	RateLimited // what the client's key may have, in a minute or at once, is used up
	MemoryFull  // what requests may hold together is in use
	ShuttingDown
	Loading          // the server does not generate yet
	EngineStuck      // a decode does not come back
	Cancelled        // the client went away, or the request was given up
	DeadlineExceeded // the time that the client gave has passed

	NotServed // what this server, or this model, does not do
	NotStored // what was asked for is kept nowhere

	Kinds = iota
)

// QuotedBytes is how much of what a client sent is quoted back to it.
const QuotedBytes = 256

// Clip cuts what a client sent to limitBytes, whole characters, and marks the
// cut.
func Clip(s string, limitBytes int) string {
	if len(s) <= limitBytes {
		return s
	}
	for limitBytes > 0 && s[limitBytes]&0xC0 == 0x80 { // within a character
		limitBytes--
	}
	return s[:limitBytes] + "…"
}
