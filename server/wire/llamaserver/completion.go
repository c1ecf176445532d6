package llamaserver

import (
	"encoding/json/jsontext"
	"encoding/json/v2"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// CompletionRequest is the body of POST /completion and /completions. A nil
// pointer is a field that the client left out or set to null.
type CompletionRequest struct {
	Prompt Prompts `json:"prompt"`
	Options
}

// Options are what /completion and /infill share.
type Options struct {
	Model          string    `json:"model"`
	Stream         bool      `json:"stream"`
	NPredict       *float64  `json:"n_predict"`
	MaxTokens      *float64  `json:"max_tokens"`
	MaxCompletion  *float64  `json:"max_completion_tokens"`
	Answers        *float64  `json:"n_cmpl"`
	N              *float64  `json:"n"`
	Stop           Words     `json:"stop"`
	IgnoreEOS      *bool     `json:"ignore_eos"`
	NProbs         *float64  `json:"n_probs"`
	Logprobs       *float64  `json:"logprobs"`
	PostSampling   bool      `json:"post_sampling_probs"`
	ReturnTokens   bool      `json:"return_tokens"`
	MaxPredictMs   *float64  `json:"t_max_predict_ms"`
	MinIndent      *float64  `json:"n_indent"`
	ResponseFields *[]string `json:"response_fields"`

	Grammar     string         `json:"grammar"`
	GrammarLazy bool           `json:"grammar_lazy"`
	JSONSchema  jsontext.Value `json:"json_schema"`
	Lora        jsontext.Value `json:"lora"`

	wire.Place
	wire.Drafts
	wire.Report
	SamplingOptions
}

// SamplingOptions choose how tokens are drawn.
type SamplingOptions struct {
	Temperature      *float64  `json:"temperature"`
	DynatempRange    *float64  `json:"dynatemp_range"`
	DynatempExponent *float64  `json:"dynatemp_exponent"`
	TopK             *float64  `json:"top_k"`
	TopP             *float64  `json:"top_p"`
	MinP             *float64  `json:"min_p"`
	TopNSigma        *float64  `json:"top_n_sigma"`
	XTCProbability   *float64  `json:"xtc_probability"`
	XTCThreshold     *float64  `json:"xtc_threshold"`
	TypicalP         *float64  `json:"typical_p"`
	RepeatLastN      *float64  `json:"repeat_last_n"`
	RepeatPenalty    *float64  `json:"repeat_penalty"`
	PresencePenalty  *float64  `json:"presence_penalty"`
	FrequencyPenalty *float64  `json:"frequency_penalty"`
	DRYMultiplier    *float64  `json:"dry_multiplier"`
	DRYBase          *float64  `json:"dry_base"`
	DRYAllowedLength *float64  `json:"dry_allowed_length"`
	DRYPenaltyLastN  *float64  `json:"dry_penalty_last_n"`
	DRYBreakers      *[]string `json:"dry_sequence_breakers"`
	Mirostat         *float64  `json:"mirostat"`
	MirostatTau      *float64  `json:"mirostat_tau"`
	MirostatEta      *float64  `json:"mirostat_eta"`
	MinKeep          *float64  `json:"min_keep"`
	AdaptiveTarget   *float64  `json:"adaptive_target"`
	Seed             *float64  `json:"seed"`
	Bias             Bias      `json:"logit_bias"`
	Samplers         Samplers  `json:"samplers"`
}

// Words are strings: one, or an array. Empty ones are left out.
type Words []string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (w *Words) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*w = nil
	var all []string
	switch d.PeekKind() {
	case '"':
		all = make([]string, 1)
		if err := json.UnmarshalDecode(d, &all[0]); err != nil {
			return err
		}
	case '[', 'n':
		if err := json.UnmarshalDecode(d, &all); err != nil {
			return err
		}
	default:
		return wire.WrongKind(d, "a string or an array of strings")
	}
	for _, word := range all {
		if word != "" {
			*w = append(*w, word)
		}
	}
	return nil
}

// Completion is a request, taken apart.
type Completion struct {
	// Request is what each answer is asked for by, but for its prompt and, of
	// several answers, for its seed.
	Request ask.Request
	// NewSeeds says that each answer gets a seed of its own, and not the next one.
	NewSeeds bool
	// PerPrompt is how many answers each prompt gets.
	PerPrompt int
	// Limits end an answer before the model does.
	Limits Limits
	// Ends are the tokens that end a generation, with Request.IgnoreEOS: the settings
	// of one that goes on behind them show that none comes.
	Ends []ask.Token

	stream          bool
	timingsPerToken bool
	predict         int // as the client said it
	drafts          wire.DraftsInForce
	fields          []string
	samplers        Samplers // nil: all
}

// Limits are ends of an answer that generators know nothing of.
type Limits struct {
	// Nothing ends it before its first token: the prompt alone is computed.
	Nothing bool
	// AfterNs ends it with the first token that comes so long after the first of
	// all, if it has a line break. 0: never.
	AfterNs int64
	// Indent ends it before a line that begins with fewer blanks. 0: never.
	Indent int
}

// Any reports whether there are any.
func (l Limits) Any() bool { return l != Limits{} }
