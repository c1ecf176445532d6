package llamaserver

import (
	"encoding/json/jsontext"
	"math"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Ask checks the form of a completion. What the client left out is d's. The error
// is an *ask.Fault.
func (o *Options) Ask(d wire.Defaults) (*Completion, error) {
	c := &Completion{stream: o.Stream, timingsPerToken: o.Timings, samplers: o.Samplers}
	r := &c.Request
	r.Model, r.Stop = o.Model, o.Stop
	r.ReturnTokens = o.ReturnTokens || o.Stream
	o.Report.Ask(r, o.Stream)
	if o.IgnoreEOS != nil {
		r.IgnoreEOS = *o.IgnoreEOS
	}
	if o.ResponseFields != nil {
		c.fields = *o.ResponseFields
	}
	if n := len(c.fields); n > maxResponseFields {
		return nil, wire.Invalid("response_fields", "%d names, at most %d are allowed", n, maxResponseFields)
	}
	if err := wire.CheckStops("stop", r.Stop); err != nil {
		return nil, err
	}
	if err := o.Place.Ask(r, d); err != nil {
		return nil, err
	}
	if err := o.Drafts.Ask(r); err != nil {
		return nil, err
	}
	c.drafts = d.Drafts.Of(r)
	for _, check := range []func(*Completion, wire.Defaults) error{o.lengths, o.probabilities, o.format, o.sampling} {
		if err := check(c, d); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// maxResponseFields bounds the members that an answer is made of: there are fewer, those
// within others included.
const maxResponseFields = 128

// whole takes a whole number if there is one, and else what to has.
func whole(param string, sent *float64, low, high int, to *int) error {
	if sent == nil {
		return nil
	}
	v, err := wire.Whole(param, *sent, low, high)
	if err == nil {
		*to = v
	}
	return err
}

// lengths are how many answers there are, and how long they may be.
func (o *Options) lengths(c *Completion, d wire.Defaults) error {
	c.predict = -1
	if d.MaxTokens > 0 {
		c.predict = d.MaxTokens
	}
	for _, f := range []struct {
		param string
		sent  *float64
	}{{"n_predict", o.NPredict}, {"max_completion_tokens", o.MaxCompletion}, {"max_tokens", o.MaxTokens}} {
		if f.sent == nil {
			continue
		}
		if err := whole(f.param, f.sent, -2, math.MaxInt32, &c.predict); err != nil {
			return err
		}
		break // the first of these names counts
	}
	if d.MaxTokens > 0 && c.predict < 0 {
		c.predict = d.MaxTokens // no bound of one's own is the operator's
	}
	switch {
	case c.predict < 0:
		c.predict = -1
	case c.predict == 0:
		c.Request.MaxTokens, c.Limits.Nothing = 1, true
	default:
		c.Request.MaxTokens = c.predict
	}
	c.PerPrompt = 1
	param, answers := "n_cmpl", o.Answers
	if answers == nil {
		param, answers = "n", o.N
	}
	if err := whole(param, answers, 1, MaxAnswers, &c.PerPrompt); err != nil {
		return err
	}
	ms := 0
	if err := whole("t_max_predict_ms", o.MaxPredictMs, -1, math.MaxInt32, &ms); err != nil {
		return err
	}
	c.Limits.AfterNs = max(int64(ms), 0) * int64(time.Millisecond)
	return whole("n_indent", o.MinIndent, 0, math.MaxInt32, &c.Limits.Indent)
}

// probabilities are how many likely tokens are shown.
func (o *Options) probabilities(c *Completion, _ wire.Defaults) error {
	param, sent := "n_probs", o.NProbs
	if sent == nil {
		param, sent = "logprobs", o.Logprobs
	}
	c.Request.TopLogprobs = -1
	if sent == nil || *sent <= 0 {
		return nil
	}
	c.Request.PostSampling = o.PostSampling
	return whole(param, sent, 1, math.MaxInt32, &c.Request.TopLogprobs)
}

// format is what the answer is held to: a schema, if there is no grammar.
func (o *Options) format(c *Completion, _ wire.Defaults) error {
	if kind := o.Lora.Kind(); kind != 0 && kind != 'n' && string(o.Lora) != "[]" {
		return &ask.Fault{Kind: ask.Unsupported, Param: "lora", What: "lora: this server has no adapters", Remedy: "leave it out or send []"}
	}
	if o.GrammarLazy {
		return &ask.Fault{Kind: ask.Unsupported, Param: "grammar_lazy", What: "grammar_lazy: an answer is held to its grammar from its beginning", Remedy: "leave it out or send false"}
	}
	switch {
	case o.Grammar != "":
		c.Request.Format = ask.Format{Kind: ask.FormatGrammar, Source: o.Grammar}
	case o.JSONSchema.Kind() == 'n' || o.JSONSchema.Kind() == 0:
	case o.JSONSchema.Kind() == '{' || o.JSONSchema.Kind() == 't' || o.JSONSchema.Kind() == 'f':
		c.Request.Format = SchemaFormat(o.JSONSchema)
	default:
		return wire.Invalid("json_schema", "expected an object, got a JSON %s", wire.KindName(o.JSONSchema.Kind()))
	}
	return nil
}

// SchemaFormat holds an answer to a JSON schema.
func SchemaFormat(schema jsontext.Value) ask.Format {
	return ask.Format{Kind: ask.FormatSchema, Source: string(schema)}
}

// number is a field with a number, the range that it is moved into, and what it
// becomes.
type number struct {
	sent      *float64
	low, high float64
	to        *float32
}

// sampling is how tokens are drawn. Numbers out of range are moved into it, as
// llama-server does, but for those that it refuses.
func (o *Options) sampling(c *Completion, d wire.Defaults) error {
	s := &c.Request.Sampling
	*s = d.Sampling
	const most = math.MaxFloat32
	for _, n := range []number{
		{o.Temperature, 0, most, &s.Temperature},
		{o.DynatempRange, 0, most, &s.DynatempRange},
		{o.DynatempExponent, 0, most, &s.DynatempExponent},
		{o.TopP, math.SmallestNonzeroFloat32, 1, &s.TopP}, // 0 would leave the step out: the likeliest is meant
		{o.MinP, 0, 1, &s.MinP},
		{o.TopNSigma, 0, most, &s.TopNSigma},
		{o.XTCProbability, 0, 1, &s.XTCProbability},
		{o.XTCThreshold, 0, 1, &s.XTCThreshold},
		{o.TypicalP, math.SmallestNonzeroFloat32, 1, &s.TypicalP},
		{o.RepeatPenalty, 0, most, &s.Penalties.Repeat},
		{o.PresencePenalty, -most, most, &s.Penalties.Presence},
		{o.FrequencyPenalty, -most, most, &s.Penalties.Frequency},
		{o.DRYMultiplier, 0, most, &s.DRY.Multiplier},
		{o.MirostatTau, 0, most, &s.MirostatTau},
		{o.MirostatEta, 0, most, &s.MirostatEta},
	} {
		if n.sent != nil {
			*n.to = float32(min(max(*n.sent, n.low), n.high))
		}
	}
	if o.DRYBase != nil && *o.DRYBase >= 1 { // below, it is the default
		s.DRY.Base = float32(min(*o.DRYBase, most))
	}
	if err := o.wholes(s); err != nil {
		return err
	}
	if o.Bias != nil {
		s.Bias = o.Bias
	}
	if o.Samplers != nil {
		if err := o.Samplers.Choose(s); err != nil {
			return err
		}
	}
	o.seed(c, d)
	return nil
}

// wholes takes the fields with whole numbers.
func (o *SamplingOptions) wholes(s *ask.Sampling) error {
	for _, f := range []struct {
		param string
		sent  *float64
		low   int
		to    *int
	}{
		{"repeat_last_n", o.RepeatLastN, -1, &s.Penalties.LastTokens},
		{"dry_allowed_length", o.DRYAllowedLength, 0, &s.DRY.AllowedLength},
		{"dry_penalty_last_n", o.DRYPenaltyLastN, -1, &s.DRY.LastTokens},
		{"min_keep", o.MinKeep, 0, &s.MinKeep},
	} {
		if err := whole(f.param, f.sent, f.low, math.MaxInt32, f.to); err != nil {
			return err
		}
	}
	for _, f := range []struct { // moved into their ranges
		param string
		sent  *float64
		high  float64
		to    *int
	}{{"top_k", o.TopK, math.MaxInt32, &s.TopK}, {"mirostat", o.Mirostat, 2, &s.Mirostat}} {
		if f.sent == nil {
			continue
		}
		moved := min(max(*f.sent, 0), f.high)
		if err := whole(f.param, &moved, 0, math.MaxInt32, f.to); err != nil {
			return err
		}
	}
	if o.AdaptiveTarget != nil && *o.AdaptiveTarget >= 0 {
		return &ask.Fault{Kind: ask.Unsupported, Param: "adaptive_target", What: "adaptive_target: not supported", Remedy: "leave it out or send -1"}
	}
	return o.breakers(&s.DRY)
}

// Bounds of the strings that DRY does not look beyond.
const (
	maxBreakers     = 64
	maxBreakerBytes = 64
)

func (o *SamplingOptions) breakers(d *ask.DRY) error {
	if o.DRYBreakers == nil {
		return nil
	}
	if n := len(*o.DRYBreakers); n == 0 || n > maxBreakers {
		return wire.Invalid("dry_sequence_breakers", "%d strings, 1 to %d are allowed", n, maxBreakers)
	}
	for i, text := range *o.DRYBreakers {
		if text == "" || len(text) > maxBreakerBytes {
			return wire.Invalid("dry_sequence_breakers", "string %d has %d bytes, 1 to %d are allowed", i, len(text), maxBreakerBytes)
		}
	}
	d.Breakers = *o.DRYBreakers
	return nil
}

// seed is where the drawing begins. -1, which is 4294967295 as well, is a new one.
func (o *SamplingOptions) seed(c *Completion, d wire.Defaults) {
	seed := d.Seed
	if o.Seed != nil {
		seed = int64(min(max(*o.Seed, -1), math.MaxInt64/2))
	}
	if seed == math.MaxUint32 {
		seed = -1
	}
	c.NewSeeds = seed < 0
	c.Request.Sampling.Seed = wire.SeedOf(seed)
}

// Requests are those of a prompt's answers.
func (c *Completion) Requests(prompt ask.Prompt) []*ask.Request {
	all := make([]*ask.Request, c.PerPrompt)
	for i := range all {
		r := c.Request
		r.Prompt = prompt
		if i > 0 {
			wire.AnyPlace(&r)
		}
		switch {
		case i == 0:
		case c.NewSeeds:
			r.Sampling.Seed = wire.SeedOf(-1)
		default:
			r.Sampling.Seed += uint32(i)
		}
		all[i] = &r
	}
	return all
}
