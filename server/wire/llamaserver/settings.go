package llamaserver

import (
	"math"
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// AppendSettings appends the options in force, as the members of an object behind
// its seed, and closes it: it is generation_settings of an answer and params of
// /props.
func (c *Completion) AppendSettings(dst []byte, r *ask.Request) []byte {
	o := object{dst: dst}
	s := &r.Sampling
	o.number("temperature", s.Temperature)
	o.number("dynatemp_range", s.DynatempRange)
	o.number("dynatemp_exponent", s.DynatempExponent)
	o.whole("top_k", s.TopK)
	o.number("top_p", s.TopP)
	o.number("min_p", s.MinP)
	o.number("top_n_sigma", orOff(s.TopNSigma))
	o.number("xtc_probability", s.XTCProbability)
	o.number("xtc_threshold", s.XTCThreshold)
	o.number("typical_p", s.TypicalP)
	o.whole("repeat_last_n", s.Penalties.LastTokens)
	o.number("repeat_penalty", s.Penalties.Repeat)
	o.number("presence_penalty", s.Penalties.Presence)
	o.number("frequency_penalty", s.Penalties.Frequency)
	o.number("dry_multiplier", s.DRY.Multiplier)
	o.number("dry_base", s.DRY.Base)
	o.whole("dry_allowed_length", s.DRY.AllowedLength)
	o.whole("dry_penalty_last_n", s.DRY.LastTokens)
	o.texts("dry_sequence_breakers", s.DRY.Breakers)
	o.whole("mirostat", s.Mirostat)
	o.number("mirostat_tau", s.MirostatTau)
	o.number("mirostat_eta", s.MirostatEta)
	o.number("adaptive_target", -1) // off, as are all of its kind
	o.number("adaptive_decay", 0.9)
	o.texts("stop", r.Stop)
	o.whole("max_tokens", c.predict)
	o.whole("n_predict", c.predict)
	o.whole("n_keep", r.Shift.Keep)
	o.whole("n_discard", r.Shift.Discard)
	o.truth("ignore_eos", r.IgnoreEOS)
	o.truth("stream", c.stream)
	o.name("logit_bias")
	o.dst = c.appendBiases(o.dst, r)
	o.whole("n_probs", max(r.TopLogprobs, 0))
	o.whole("min_keep", s.MinKeep)
	grammar := ""
	if r.Format.Kind == ask.FormatGrammar {
		grammar = r.Format.Source
	}
	o.text("grammar", grammar)
	o.truth("grammar_lazy", false)
	o.texts("grammar_triggers", nil)
	o.texts("preserved_tokens", nil)
	o.text("chat_format", "Content-only")
	o.text("reasoning_format", "none")
	o.truth("reasoning_in_content", false)
	o.text("generation_prompt", "")
	o.texts("samplers", c.samplers.names())
	o.whole("speculative.n_max", c.drafts.Most)
	o.whole("speculative.n_min", c.drafts.Least)
	o.number("speculative.p_min", c.drafts.LeastChance)
	o.truth("timings_per_token", c.timingsPerToken)
	o.truth("post_sampling_probs", c.Request.PostSampling)
	o.texts("lora", nil)
	return append(o.dst, '}')
}

// orOff is a number of a step that is off at 0 here, and at -1 with llama-server.
func orOff(v float32) float32 {
	if v <= 0 {
		return -1
	}
	return v
}

// appendBiases appends what is added to logits; null stands for what forbids a token.
func (c *Completion) appendBiases(dst []byte, r *ask.Request) []byte {
	biases := r.Sampling.Bias
	if r.IgnoreEOS {
		for _, end := range c.Ends {
			biases = append(biases[:len(biases):len(biases)], ask.Bias{Token: end, Add: float32(math.Inf(-1))})
		}
	}
	dst = append(dst, '[')
	for i, b := range biases {
		if i > 0 {
			dst = append(dst, ',')
		}
		o := object{dst: append(dst, '{')}
		if math.IsInf(float64(b.Add), -1) {
			o.raw("bias", []byte("null"))
		} else {
			o.number("bias", b.Add)
		}
		if b.Text != "" {
			o.text("token", b.Text)
		} else {
			o.whole("token", int(b.Token))
		}
		dst = append(o.dst, '}')
	}
	return append(dst, ']')
}

// object appends the members of a JSON object.
type object struct {
	dst   []byte
	begun bool
}

func (o *object) name(name string) {
	if o.begun {
		o.dst = append(o.dst, ',')
	}
	o.begun = true
	o.dst = append(wire.AppendJSONString(o.dst, name), ':')
}

func (o *object) raw(name string, value []byte) {
	o.name(name)
	o.dst = append(o.dst, value...)
}

func (o *object) whole(name string, v int) {
	o.name(name)
	o.dst = strconv.AppendInt(o.dst, int64(v), 10)
}

// number appends a number; JSON has no infinity.
func (o *object) number(name string, v float32) {
	o.name(name)
	o.dst = appendNumber(o.dst, float64(v), 32)
}

func appendNumber(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		v = 0
	case math.IsInf(v, 0):
		v = math.Copysign(math.MaxFloat32, v)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, bits)
}

func (o *object) truth(name string, v bool) {
	o.name(name)
	o.dst = strconv.AppendBool(o.dst, v)
}

func (o *object) text(name, v string) {
	o.name(name)
	o.dst = wire.AppendJSONString(o.dst, v)
}

func (o *object) texts(name string, v []string) {
	o.name(name)
	o.dst = append(o.dst, '[')
	for i, text := range v {
		if i > 0 {
			o.dst = append(o.dst, ',')
		}
		o.dst = wire.AppendJSONString(o.dst, text)
	}
	o.dst = append(o.dst, ']')
}
