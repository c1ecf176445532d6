package ask

// Event is one step of a generation. Its memory belongs to who made it and
// holds until the next event of the same generation is asked for.
type Event struct {
	// Text is whole UTF-8 characters; it may be empty, while text is held
	// back that may turn out to be part of a character or a stop string.
	Text []byte
	// Logprobs are those of the tokens that Text completes, if the request
	// asked for them.
	Logprobs []Logprob
	// End is the last event, which has nothing else; nil before it.
	End *End
}

// Logprob is a generated token and the likeliest tokens at its place,
// likeliest first.
type Logprob struct {
	Candidate
	Top []Candidate
}

// Candidate is a token's bytes, which may be part of a character, and the
// natural logarithm of its probability under the model, before any sampling
// step.
type Candidate struct {
	Bytes   []byte
	Logprob float32
}

// End is how a generation ended.
type End struct {
	Reason FinishReason
	// Fault is what went wrong; nil with FinishStop and FinishLength.
	Fault            *Fault
	PromptTokens     int
	CompletionTokens int   // delivered, those of a stop string included
	QueueNs          int64 // from submission to admission into the batch
	PrefillNs        int64 // from admission to the first token
	DecodeNs         int64 // from the first token to the end
}

// FinishReason says why a generation ended.
type FinishReason uint8

const (
	FinishStop    FinishReason = iota // the model ended it, or a stop string
	FinishLength                      // MaxTokens or the context is used up
	FinishAborted                     // cancelled, or the server shuts down
	FinishError                       // something failed
	FinishReasons = iota
)

// String returns the reason's name in metrics and logs.
func (r FinishReason) String() string {
	return [FinishReasons]string{"stop", "length", "abort", "error"}[r]
}
