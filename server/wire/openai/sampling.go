package openai

import (
	"math"
	"math/rand/v2"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Sampling are the fields that choose how tokens are drawn: OpenAI's, vLLM's and
// llama-server's. A nil pointer is a field that the client left out or set to
// null.
type Sampling struct {
	Temperature *float64 `json:"temperature"`
	TopP        *float64 `json:"top_p"`
	TopK        *Int     `json:"top_k"`
	MinP        *float64 `json:"min_p"`
	Seed        *Seed    `json:"seed"`
	LogitBias   Bias     `json:"logit_bias"`

	PresencePenalty   *float64 `json:"presence_penalty"`
	FrequencyPenalty  *float64 `json:"frequency_penalty"`
	RepeatPenalty     *float64 `json:"repeat_penalty"`
	RepetitionPenalty *float64 `json:"repetition_penalty"` // vLLM's name
	RepeatLastN       *Int     `json:"repeat_last_n"`

	TypicalP         *float64 `json:"typical_p"`
	TopNSigma        *float64 `json:"top_n_sigma"`
	DynatempRange    *float64 `json:"dynatemp_range"`
	DynatempExponent *float64 `json:"dynatemp_exponent"`
	XTCProbability   *float64 `json:"xtc_probability"`
	XTCThreshold     *float64 `json:"xtc_threshold"`
	Mirostat         *Int     `json:"mirostat"`
	MirostatTau      *float64 `json:"mirostat_tau"`
	MirostatEta      *float64 `json:"mirostat_eta"`
	MinKeep          *Int     `json:"min_keep"`

	DRYMultiplier    *float64  `json:"dry_multiplier"`
	DRYBase          *float64  `json:"dry_base"`
	DRYAllowedLength *Int      `json:"dry_allowed_length"`
	DRYPenaltyLastN  *Int      `json:"dry_penalty_last_n"`
	DRYBreakers      *[]string `json:"dry_sequence_breakers"`
}

const maxTemperature = 2 // OpenAI's

// What llama-server takes where a step is asked for and this of it is not said.
const (
	defaultPenaltyTokens  = 64
	defaultDRYBase        = 1.75
	defaultDRYAllowed     = 2
	defaultDRYTokens      = -1
	defaultXTCThreshold   = 0.1
	defaultMirostatTau    = 5
	defaultMirostatEta    = 0.1
	defaultTempExponent   = 1
	maxBreakers           = 64
	maxPenalty, maxFactor = 2, 100
)

var defaultBreakers = []string{"\n", ":", `"`, "*"}

// fraction is a field with a number, its range, and what it becomes.
type fraction struct {
	param     string
	sent      *float64
	low, high float64
	to        *float32
}

// Ask is what is sampled by: d, and in its place what the client sent. The error
// is an *ask.Fault.
func (c *Sampling) Ask(d Defaults) (ask.Sampling, error) {
	s := d.Sampling
	for _, f := range []fraction{
		{"temperature", c.Temperature, 0, maxTemperature, &s.Temperature},
		{"top_p", c.TopP, 0, 1, &s.TopP},
		{"min_p", c.MinP, 0, 1, &s.MinP},
		{"typical_p", c.TypicalP, 0, 1, &s.TypicalP},
		{"top_n_sigma", c.TopNSigma, -1, maxFactor, &s.TopNSigma},
		{"dynatemp_range", c.DynatempRange, 0, maxTemperature, &s.DynatempRange},
		{"dynatemp_exponent", c.DynatempExponent, 0, maxFactor, &s.DynatempExponent},
		{"xtc_probability", c.XTCProbability, 0, 1, &s.XTCProbability},
		{"xtc_threshold", c.XTCThreshold, 0, 1, &s.XTCThreshold},
		{"mirostat_tau", c.MirostatTau, 0, maxFactor, &s.MirostatTau},
		{"mirostat_eta", c.MirostatEta, 0, 1, &s.MirostatEta},
		{"presence_penalty", c.PresencePenalty, -maxPenalty, maxPenalty, &s.Penalties.Presence},
		{"frequency_penalty", c.FrequencyPenalty, -maxPenalty, maxPenalty, &s.Penalties.Frequency},
		{"repetition_penalty", c.RepetitionPenalty, 0, maxFactor, &s.Penalties.Repeat},
		{"repeat_penalty", c.RepeatPenalty, 0, maxFactor, &s.Penalties.Repeat},
		{"dry_multiplier", c.DRYMultiplier, 0, maxFactor, &s.DRY.Multiplier},
		{"dry_base", c.DRYBase, 0, maxFactor, &s.DRY.Base},
	} {
		if f.sent == nil {
			continue
		}
		if err := wire.Within(f.param, *f.sent, f.low, f.high); err != nil {
			return s, err
		}
		*f.to = float32(*f.sent)
	}
	// 0 would leave the step out; the client means the likeliest token alone.
	for sent, to := range map[*float64]*float32{c.TopP: &s.TopP, c.TypicalP: &s.TypicalP} {
		if sent != nil {
			*to = max(*to, math.SmallestNonzeroFloat32)
		}
	}
	s.TopNSigma = max(s.TopNSigma, 0) // -1: off
	if err := c.wholes(&s); err != nil {
		return s, err
	}
	if err := c.breakers(&s.DRY); err != nil {
		return s, err
	}
	if c.LogitBias != nil {
		s.Bias = c.LogitBias
	}
	c.complete(&s)
	s.Seed = c.seed(d)
	return s, nil
}

// wholes takes the fields with whole numbers.
func (c *Sampling) wholes(s *ask.Sampling) error {
	for _, f := range []struct {
		param     string
		sent      *Int
		low, high int64
		to        *int
	}{
		{"top_k", c.TopK, -1, math.MaxInt32, &s.TopK},
		{"mirostat", c.Mirostat, 0, 2, &s.Mirostat},
		{"min_keep", c.MinKeep, 0, math.MaxInt32, &s.MinKeep},
		{"repeat_last_n", c.RepeatLastN, -1, math.MaxInt32, &s.Penalties.LastTokens},
		{"dry_allowed_length", c.DRYAllowedLength, 0, math.MaxInt32, &s.DRY.AllowedLength},
		{"dry_penalty_last_n", c.DRYPenaltyLastN, -1, math.MaxInt32, &s.DRY.LastTokens},
	} {
		if f.sent == nil {
			continue
		}
		v, err := within(f.param, *f.sent, f.low, f.high)
		if err != nil {
			return err
		}
		*f.to = v
	}
	s.TopK = max(s.TopK, 0) // -1 and 0: off
	return nil
}

func (c *Sampling) breakers(d *ask.DRY) error {
	if c.DRYBreakers == nil {
		return nil
	}
	d.Breakers = *c.DRYBreakers
	if len(d.Breakers) > maxBreakers {
		return wire.Invalid("dry_sequence_breakers", "%d strings, at most %d are allowed", len(d.Breakers), maxBreakers)
	}
	for i, b := range d.Breakers {
		if b == "" || len(b) > ask.MaxStopBytes {
			return wire.Invalid("dry_sequence_breakers", "string %d has %d bytes, 1 to %d are allowed", i, len(b), ask.MaxStopBytes)
		}
	}
	return nil
}

// complete gives the steps that are asked for what is not said of them.
func (c *Sampling) complete(s *ask.Sampling) {
	p := &s.Penalties
	if (p.Repeat != 0 && p.Repeat != 1 || p.Presence != 0 || p.Frequency != 0) && p.LastTokens == 0 && c.RepeatLastN == nil {
		p.LastTokens = defaultPenaltyTokens
	}
	if s.DRY.Multiplier != 0 {
		if s.DRY.Base == 0 {
			s.DRY.Base = defaultDRYBase
		}
		if s.DRY.AllowedLength == 0 && c.DRYAllowedLength == nil {
			s.DRY.AllowedLength = defaultDRYAllowed
		}
		if s.DRY.LastTokens == 0 && c.DRYPenaltyLastN == nil {
			s.DRY.LastTokens = defaultDRYTokens
		}
		if s.DRY.Breakers == nil {
			s.DRY.Breakers = defaultBreakers
		}
	}
	for _, f := range []struct {
		on    bool
		sent  *float64
		to    *float32
		value float32
	}{
		{s.XTCProbability != 0, c.XTCThreshold, &s.XTCThreshold, defaultXTCThreshold},
		{s.Mirostat != 0, c.MirostatTau, &s.MirostatTau, defaultMirostatTau},
		{s.Mirostat != 0, c.MirostatEta, &s.MirostatEta, defaultMirostatEta},
		{s.DynatempRange != 0, c.DynatempExponent, &s.DynatempExponent, defaultTempExponent},
	} {
		if f.on && f.sent == nil && *f.to == 0 {
			*f.to = f.value
		}
	}
}

func (c *Sampling) seed(d Defaults) uint32 {
	seed := d.Seed
	if c.Seed != nil {
		seed = int64(*c.Seed)
	}
	if seed < 0 {
		return rand.Uint32()
	}
	return uint32(seed) ^ uint32(seed>>32)
}
