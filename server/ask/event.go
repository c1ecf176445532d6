package ask

// Event is one step of a generation. Its memory belongs to who made it and
// holds until the next event of the same generation is asked for. What it has
// comes in this order: reasoning, text, calls.
type Event struct {
	// Text is whole UTF-8 characters; it may be empty, while text is held
	// back that may turn out to be part of a character or a stop string.
	Text []byte
	// Reasoning is like Text: what the model thinks before it speaks.
	Reasoning []byte
	// Calls are pieces of the model's calls of tools, in order.
	Calls []CallPiece
	// Logprobs are those of the tokens that the texts complete, if the request
	// asked for them.
	Logprobs []Logprob
	// End is the last event, which has nothing else; nil before it.
	End *End
	// PromptTokens is how many tokens the prompt has, in events before the end;
	// 0 if that is not known yet.
	PromptTokens int
	// CompletionTokens is how many tokens the answer has by now, as End counts them,
	// in events before the end; 0 if that is not known.
	CompletionTokens int
	// Choice is which of several answers the event is of, from 0.
	Choice int
	// ChoiceEnd is the last event of one of several answers, which has nothing
	// else. End follows those of all, with what they took together.
	ChoiceEnd *End
	// Tokens are those that the texts complete, if the request asked for them.
	Tokens []Token
	// SoFar is what the end would say of tokens and times by now, if the request
	// asked for it; before the first token nil, but for events with Progress. It is the
	// generator's memory.
	SoFar *End
	// Progress is how much of the prompt is computed, if the request asked for it:
	// once as it begins and once after each piece, before all tokens. An event with
	// it has nothing else but SoFar. It is the generator's memory.
	Progress *Progress
}

// Progress is how much of a prompt is computed.
type Progress struct {
	Total     int   // tokens of the prompt
	Cached    int   // of them, those that were there already
	Processed int   // those that are there by now
	Ns        int64 // since the admission into the batch
}

// CallPiece is a piece of a call of a tool. The first of a call has ID and Name.
type CallPiece struct {
	Index int    // of the call in the answer, from 0
	ID    string // made by the generator, unique
	Name  string
	// Arguments is the next piece of a JSON object, whole characters.
	Arguments []byte
}

// Logprob is a generated token and the likeliest tokens at its place,
// likeliest first.
type Logprob struct {
	Candidate
	Top []Candidate
	// First is the first token of an echoed prompt, which nothing came before:
	// its log-probability has no value, and Top is empty.
	First bool
}

// Candidate is a token's bytes, which may be part of a character, and the
// natural logarithm of its probability: under the model, before any sampling
// step, or with Request.PostSampling after all.
type Candidate struct {
	Bytes   []byte
	Logprob float32
	Token   Token
}

// End is how a generation ended.
type End struct {
	Reason FinishReason
	// Fault is what went wrong; nil with FinishStop, FinishCalls and FinishLength.
	Fault            *Fault
	PromptTokens     int
	CompletionTokens int // delivered, those of a stop string included
	ReasoningTokens  int // of CompletionTokens
	// StopString is the one that ended the text, "" if none did.
	StopString string
	QueueNs    int64 // from submission to admission into the batch
	PrefillNs  int64 // from admission to the first token
	DecodeNs   int64 // from the first token to the end
	// Spent is where that time went; nil if it is not known, as of a text that a stop
	// string has cut. It is the generator's memory, and does not change any more.
	Spent *Spent
	// CachedTokens are those of PromptTokens that were not decoded again.
	CachedTokens int
	// ContextFull says that the context was full, and that MaxTokens, if there are any,
	// were not reached: with FinishLength alone.
	ContextFull bool
	// Shifted says that tokens were dropped from the context to go on, with any reason.
	Shifted bool
	// DraftTokens were guessed and computed ahead, AcceptedTokens of them were right.
	DraftTokens, AcceptedTokens int
	// Slot is the place in the batch where the tokens have stayed, counted from 1;
	// 0 if they have not.
	Slot int
}

// FinishReason says why a generation ended.
type FinishReason uint8

const (
	FinishStop    FinishReason = iota // the model ended it, or a stop string
	FinishCalls                       // the model ended it, having called tools
	FinishLength                      // MaxTokens or the context is used up
	FinishAborted                     // cancelled, or the server shuts down
	FinishError                       // something failed
	FinishReasons = iota
)

// String returns the reason's name in metrics and logs.
func (r FinishReason) String() string {
	return [FinishReasons]string{"stop", "tool_calls", "length", "abort", "error"}[r]
}
