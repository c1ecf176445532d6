package ask

// Token is an index into a model's vocabulary.
type Token int32

// Request asks for one generation. Who makes it has checked its form: numbers
// are in their ranges, strings within their bounds.
type Request struct {
	// Model is the name that the client gave, "" for whichever there is.
	Model string
	// Tenant is on whose behalf it is asked, and how soon it is to be served.
	Tenant Tenant
	// Messages are a conversation whose next turn is wanted. If there are
	// none, Prompt is to be continued.
	Messages []Message
	Prompt   Prompt
	// Continue says that the last message, the assistant's, is gone on with
	// instead of answered.
	Continue bool
	// Tools are the functions that the model may call, and ToolChoice whether
	// it must. ToolName is the one that it must, with ToolNamed. OneCall
	// allows no more than one.
	Tools      []Tool
	ToolChoice ToolChoice
	ToolName   string
	OneCall    bool
	// TemplateArgs is a JSON object with variables of the chat template, or
	// nil.
	TemplateArgs []byte
	// RawReasoning leaves what the model thinks in its text.
	RawReasoning bool
	// Thinking is how much it thinks.
	Thinking Thinking
	// Format is what the text must be.
	Format Format
	// MaxTokens ends the generation with FinishLength. 0, or more than fits,
	// means up to the end of the context. Where the context is shifted any number fits,
	// and 0 is as many as the model was trained for.
	MaxTokens int
	Sampling  Sampling
	// Stop strings end the text before the first of them.
	Stop []string
	// TopLogprobs asks for log-probabilities: -1 none, 0 of the chosen token,
	// n also those of the n likeliest tokens at its place.
	TopLogprobs int
	// PostSampling has the log-probabilities be those with which the token was drawn,
	// after all steps of sampling. What could not have been drawn is not among the
	// likeliest: there may be fewer. Those of an echoed prompt are the model's.
	PostSampling bool
	// IgnoreEOS delivers end-of-generation tokens like any other and goes on,
	// unless the text is held to a Format.
	IgnoreEOS bool
	// MinTokens is how many tokens come before one that ends the generation,
	// where Format allows others.
	MinTokens int
	// Echo begins the text with the prompt's, and the log-probabilities, if
	// there are any, with those of the prompt's tokens. With Echo a negative
	// MaxTokens is none at all.
	Echo bool
	// ReturnTokens asks for the tokens of the texts.
	ReturnTokens bool
	// Timings asks each event how far the answer has come.
	Timings bool
	// Progress asks for events while the prompt is computed. A prompt that Echo
	// gives log-probabilities of has none: those come meanwhile.
	Progress bool
	// Keep begins with what an earlier request has left of the same tokens, and
	// leaves what it has computed until somebody needs the place, also where that is
	// not done for all. The client is told the place, and what is left there stays
	// there.
	Keep bool
	// Reuse says whether it begins with what was computed of its tokens before.
	Reuse Reuse
	// MostDraft is how many tokens are guessed and computed ahead at a time, at most,
	// where the server does that: 0 as it does for all, negative none. LeastDraft is how
	// many at least, if any are: 0 as it does for all. The answer is the same, and more
	// than MaxDraft is as much.
	MostDraft, LeastDraft int
	// CacheSalt separates requests: one begins only with what those with the same
	// have left.
	CacheSalt string
	// Shift says what is dropped where the context is full and the server shifts it.
	Shift Shift
	// Slot is the one place in the batch that the request waits for, counted from
	// 1; 0 is any.
	Slot int
	// TPOTNs is the time per output token that the client wants: no more ns than
	// that between two tokens, as a rule. The prompts of others are made to wait for
	// it. 0 is no wish.
	TPOTNs int64
	// TTFTNs is within which time the client wants the first token, in ns from when
	// the request is submitted: it is refused (QueueFull) if it is to be expected that
	// those before it take longer, and of one flow, what is due sooner comes first.
	// Without a wish a request is due in DefaultTTFTNs, and not refused. 0 is no wish.
	TTFTNs int64
	// TimeoutNs is within which time the answer is of use, in ns from when the
	// request is submitted; then it ends with DeadlineExceeded, and has not been
	// begun if it still waits. 0 is no bound.
	TimeoutNs int64
}

// MaxDraft bounds how many tokens are guessed at a time.
const MaxDraft = 128

// MaxTPOTNs bounds Request.TPOTNs and TTFTNs: ten minutes, which is longer than any client waits
// for a token.
const MaxTPOTNs = 600 * 1e9

const (
	// DefaultTTFTNs is in which time a request is due that has no wish.
	DefaultTTFTNs = 10 * 1e9
	// MaxTimeoutNs bounds Request.TimeoutNs: a day.
	MaxTimeoutNs = 24 * 3600 * 1e9
)

// Shift is which tokens are dropped from a full context: of those after the first Keep,
// the next Discard.
type Shift struct {
	// Keep is how many tokens stay, beside one that begins every text of the model; -1
	// is the prompt.
	Keep int
	// Discard is how many are dropped at once; 0 is half of those that are not kept.
	Discard int
}

// Reuse says whether a request begins with what was computed before.
type Reuse uint8

const (
	ReuseAsServed Reuse = iota // as the server does by default
	ReuseAlways
	ReuseNever
)

// Tool is a function that the model may call.
type Tool struct {
	Name        string
	Description string
	// Parameters is the JSON schema of its arguments, nil for none.
	Parameters []byte
}

// ToolChoice says whether tools are called.
type ToolChoice uint8

const (
	ToolAuto     ToolChoice = iota // as the model likes
	ToolNone                       // never
	ToolRequired                   // one of them
	ToolNamed                      // Request.ToolName
)

// Format is a form that the text is held to.
type Format struct {
	Kind FormatKind
	// Source is the schema, or the grammar.
	Source string
}

// FormatKind is a kind of Format.
type FormatKind uint8

const (
	FormatText    FormatKind = iota // any
	FormatJSON                      // an object
	FormatSchema                    // JSON, valid by the JSON schema in Source
	FormatGrammar                   // derived by the GBNF grammar in Source
)

// Message is one turn of a conversation.
type Message struct {
	Role    string // "system", "user", "assistant", "tool"
	Content string
	// Parts is the content as text parts, if the client sent it so; Content
	// is ignored then.
	Parts []string
	Name  string // of the speaker or the tool, or ""
	// Reasoning is what the assistant thought before it said Content, or "".
	Reasoning string
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

// Sampling chooses how the next token is drawn. The logits pass, in this order,
// Bias, the penalties, DRY, TopNSigma, TopK, TypicalP, TopP, MinP, XTC and the
// temperature; with Mirostat, only Bias, penalties and temperature come before
// it. A step's zero value leaves it out, and so do a TopP or TypicalP of 1.
// Temperature <= 0 is greedy.
type Sampling struct {
	Temperature float32
	TopK        int
	TopP        float32
	MinP        float32
	Seed        uint32

	TypicalP  float32
	TopNSigma float32
	// With a range the temperature is within Temperature ± DynatempRange, by the
	// entropy of the row, to the power of DynatempExponent.
	DynatempRange    float32
	DynatempExponent float32
	XTCProbability   float32
	XTCThreshold     float32
	// Mirostat is 0, 1 or 2, the version of the algorithm.
	Mirostat    int
	MirostatTau float32
	MirostatEta float32
	// MinKeep is how many tokens the truncating steps leave at least.
	MinKeep int

	Penalties Penalties
	DRY       DRY
	Bias      []Bias
}

// Penalties lower the logits of tokens that were there before.
type Penalties struct {
	// LastTokens is how many of the last tokens, of prompt and answer, count:
	// 0 none, -1 all.
	LastTokens int
	Repeat     float32 // divides positive logits, multiplies others; 0 and 1: off
	Presence   float32 // is subtracted once
	Frequency  float32 // is subtracted for each time
}

// DRY penalises what would go on with a sequence that was there before.
type DRY struct {
	Multiplier    float32 // 0: off
	Base          float32
	AllowedLength int
	LastTokens    int // as in Penalties
	Breakers      []string
}

// Bias is added to the logits of a token, or of the tokens of Text if that is
// not "". Minus infinity forbids them.
type Bias struct {
	Token Token
	Text  string
	Add   float32
}

// Bounds of what is looked for in each token of a vocabulary, and of what is
// tokenised, for one request.
const (
	MaxBreakers     = 64
	MaxBreakerBytes = 40 // what is beyond is cut off
	MaxBiasTexts    = 1024
)

// Bounds of stop strings. OpenAI takes 4; clients of llama.cpp send more.
const (
	MaxStops     = 16
	MaxStopBytes = 1024
)
