package protobuf

import (
	"math"
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
	"github.com/weirgo/weir/server/wire/openai"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// sampling reads how tokens are drawn: by OpenAI's fields, ranges included.
func sampling(r *weirv1.GenerateRequest, d wire.Defaults) (ask.Sampling, error) {
	s := r.Sampling
	if s == nil {
		s = new(weirv1.Sampling)
	}
	of := openai.Sampling{
		Temperature: number(s.Temperature), TopP: number(s.TopP), TopK: whole(s.TopK), MinP: number(s.MinP),
		PresencePenalty: number(s.PresencePenalty), FrequencyPenalty: number(s.FrequencyPenalty),
		RepeatPenalty: number(s.RepeatPenalty), RepeatLastN: whole(s.RepeatLastN),
		TypicalP: number(s.TypicalP), TopNSigma: number(s.TopNSigma),
		DynatempRange: number(s.DynatempRange), DynatempExponent: number(s.DynatempExponent),
		XTCProbability: number(s.XtcProbability), XTCThreshold: number(s.XtcThreshold),
		Mirostat: whole(s.Mirostat), MirostatTau: number(s.MirostatTau), MirostatEta: number(s.MirostatEta), MinKeep: whole(s.MinKeep),
		DRYMultiplier: number(s.DryMultiplier), DRYBase: number(s.DryBase),
		DRYAllowedLength: whole(s.DryAllowedLength), DRYPenaltyLastN: whole(s.DryPenaltyLastN),
	}
	if len(s.DrySequenceBreakers) > 0 {
		of.DRYBreakers = &s.DrySequenceBreakers
	}
	a, err := of.Ask(d)
	if err == nil {
		a.Bias, err = biases(s.LogitBias, a.Bias)
	}
	if err != nil {
		return a, wire.Inside("sampling", err)
	}
	seed := d.Seed
	if r.Seed != nil {
		seed = *r.Seed
	}
	a.Seed = wire.SeedOf(seed)
	return a, nil
}

// biases gives those that were sent, or the defaults where none were.
func biases(sent []*weirv1.LogitBias, defaults []ask.Bias) ([]ask.Bias, error) {
	if len(sent) == 0 {
		return defaults, nil
	}
	if len(sent) > wire.MaxBiases {
		return nil, wire.Invalid("logit_bias", "%d tokens, at most %d are allowed", len(sent), wire.MaxBiases)
	}
	all := make([]ask.Bias, len(sent))
	for i, b := range sent {
		at := "logit_bias[" + strconv.Itoa(i) + "]"
		switch {
		case b.TokenId > math.MaxInt32:
			return nil, wire.Invalid(at+".token_id", "%d is no token", b.TokenId)
		case !(b.Bias <= math.MaxFloat32): // NaN too
			return nil, wire.Invalid(at+".bias", "%v cannot be added to a logit", b.Bias)
		}
		all[i] = ask.Bias{Token: ask.Token(b.TokenId), Add: b.Bias}
	}
	return all, nil
}

func number(v *float32) *float64 {
	if v == nil {
		return nil
	}
	n := float64(*v)
	return &n
}

func whole(v *int32) *openai.Int {
	if v == nil {
		return nil
	}
	n := openai.Int(*v)
	return &n
}
