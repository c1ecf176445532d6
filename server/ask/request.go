package ask

// Token is an index into a model's vocabulary.
type Token int32

// Request asks for one generation. Who makes it has checked its form: numbers
// are in their ranges, strings within their bounds.
type Request struct {
	// Model is the name that the client gave, "" for whichever there is.
	Model string
	// Messages are a conversation whose next turn is wanted. If there are
	// none, Prompt is to be continued.
	Messages []Message
	Prompt   Prompt
	// MaxTokens ends the generation with FinishLength. 0, or more than fits,
	// means up to the end of the context.
	MaxTokens int
	Sampling  Sampling
	// Stop strings end the text before the first of them.
	Stop []string
	// TopLogprobs asks for log-probabilities: -1 none, 0 of the chosen token,
	// n also those of the n likeliest tokens at its place.
	TopLogprobs int
	// IgnoreEOS delivers end-of-generation tokens like any other and goes on.
	IgnoreEOS bool
}

// Message is one turn of a conversation.
type Message struct {
	Role    string // "system", "user", "assistant", "tool"
	Content string
	// Parts is the content as text parts, if the client sent it so; Content
	// is ignored then.
	Parts []string
	Name  string // of the speaker or the tool, or ""
	// ToolCalls is the assistant's array of calls, JSON in OpenAI's form, or
	// nil.
	ToolCalls []byte
	// ToolCallID names the call that a message of role "tool" answers.
	ToolCallID string
}

// Prompt is what a completion continues: text, or tokens if Tokens is not nil.
type Prompt struct {
	Text   string
	Tokens []Token
}

// Sampling chooses how the next token is drawn. Steps apply in the order
// top-k, top-p, min-p, temperature; a zero TopK, zero or one TopP and zero
// MinP leave that step out. Temperature <= 0 is greedy.
type Sampling struct {
	Temperature float32
	TopK        int
	TopP        float32
	MinP        float32
	Seed        uint32
}

// Bounds of stop strings. OpenAI takes 4; clients of llama.cpp send more.
const (
	MaxStops     = 16
	MaxStopBytes = 1024
)
