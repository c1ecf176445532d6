package ollama

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"math"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Options are the "options" of a request.
type Options struct {
	NumPredict       *float64                  `json:"num_predict"`
	NumKeep          *float64                  `json:"num_keep"`
	Seed             *float64                  `json:"seed"`
	Temperature      *float64                  `json:"temperature"`
	TopK             *float64                  `json:"top_k"`
	TopP             *float64                  `json:"top_p"`
	MinP             *float64                  `json:"min_p"`
	TypicalP         *float64                  `json:"typical_p"`
	RepeatLastN      *float64                  `json:"repeat_last_n"`
	RepeatPenalty    *float64                  `json:"repeat_penalty"`
	PresencePenalty  *float64                  `json:"presence_penalty"`
	FrequencyPenalty *float64                  `json:"frequency_penalty"`
	Mirostat         *float64                  `json:"mirostat"`
	MirostatTau      *float64                  `json:"mirostat_tau"`
	MirostatEta      *float64                  `json:"mirostat_eta"`
	Stop             Stop                      `json:"stop"`
	Rest             map[string]jsontext.Value `json:",embed"`
}

// optionFields are those that say how a model is loaded and run, which is the
// server's affair, and those that are not there any more.
var optionFields = map[string]wire.Rule{
	"num_ctx": wire.Ignored, "num_batch": wire.Ignored, "num_gpu": wire.Ignored, "main_gpu": wire.Ignored,
	"num_thread": wire.Ignored, "num_gqa": wire.Ignored, "numa": wire.Ignored, "low_vram": wire.Ignored, "f16_kv": wire.Ignored,
	"use_mmap": wire.Ignored, "use_mlock": wire.Ignored, "draft_num_predict": wire.Ignored,
	"rope_frequency_base": wire.Ignored, "rope_frequency_scale": wire.Ignored,
	"logits_all":       wire.Neutral("false"),
	"vocab_only":       wire.Neutral("false"),
	"embedding_only":   wire.Neutral("false"),
	"penalize_newline": wire.Neutral("true"),
	"tfs_z":            wire.Neutral("1", "1.0"),
}

// Stop is the strings that end a generation: one string or an array.
type Stop []string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *Stop) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*s = nil
	switch d.PeekKind() {
	case '"':
		*s = make(Stop, 1)
		return json.UnmarshalDecode(d, &(*s)[0])
	case '[', 'n':
		return json.UnmarshalDecode(d, (*[]string)(s))
	}
	return wire.WrongKind(d, "a string or an array of strings")
}

// Ranges of options. Temperatures and penalties beyond them make noise.
const (
	maxTemperature = 100
	maxPenalty     = 100
	repeatLastN    = 64 // ollama's default, where only a penalty is asked for
	mirostatTau    = 5  // and these
	mirostatEta    = 0.1
)

// ask sets what the options ask for.
func (o *Options) ask(a *ask.Request, d wire.Defaults) error {
	if err := wire.CheckRest(o.Rest, optionFields); err != nil {
		return wire.Inside("options", err)
	}
	a.MaxTokens = d.MaxTokens
	if v := o.NumPredict; v != nil {
		n, err := wire.Whole("options.num_predict", *v, -2, math.MaxInt32) // -2 to 0: as many as fit
		if err != nil {
			return err
		}
		a.MaxTokens = max(n, 0)
	}
	a.Shift = d.Shift
	if v := o.NumKeep; v != nil {
		n, err := wire.Whole("options.num_keep", *v, -1, math.MaxInt32)
		if err != nil {
			return err
		}
		a.Shift.Keep = n
	}
	a.Sampling = d.Sampling
	a.Sampling.Seed = wire.SeedOf(d.Seed)
	if v := o.Seed; v != nil {
		if math.Trunc(*v) != *v {
			return wire.Invalid("options.seed", "%v is not a whole number", *v)
		}
		a.Sampling.Seed = wire.SeedOf(int64(min(max(*v, -1), 1<<62))) // -1: a new one
	}
	a.Stop = o.Stop
	if err := wire.CheckStops("options.stop", o.Stop); err != nil {
		return err
	}
	if err := o.fractions(&a.Sampling); err != nil {
		return err
	}
	return o.counts(&a.Sampling)
}

// fractions sets the options that are numbers of any kind.
func (o *Options) fractions(s *ask.Sampling) error {
	for _, f := range []struct {
		name      string
		from      *float64
		to        *float32
		low, high float64
	}{
		{"temperature", o.Temperature, &s.Temperature, 0, maxTemperature},
		{"top_p", o.TopP, &s.TopP, 0, 1},
		{"min_p", o.MinP, &s.MinP, 0, 1},
		{"typical_p", o.TypicalP, &s.TypicalP, 0, 1},
		{"repeat_penalty", o.RepeatPenalty, &s.Penalties.Repeat, 0, maxPenalty},
		{"presence_penalty", o.PresencePenalty, &s.Penalties.Presence, -maxPenalty, maxPenalty},
		{"frequency_penalty", o.FrequencyPenalty, &s.Penalties.Frequency, -maxPenalty, maxPenalty},
		{"mirostat_tau", o.MirostatTau, &s.MirostatTau, 0, maxPenalty},
		{"mirostat_eta", o.MirostatEta, &s.MirostatEta, 0, 1},
	} {
		if f.from == nil {
			continue
		}
		if err := wire.Within("options."+f.name, *f.from, f.low, f.high); err != nil {
			return err
		}
		*f.to = float32(*f.from)
	}
	// 0 would leave the step out; the client means the likeliest token alone.
	if o.TopP != nil {
		s.TopP = max(s.TopP, math.SmallestNonzeroFloat32)
	}
	if o.TypicalP != nil {
		s.TypicalP = max(s.TypicalP, math.SmallestNonzeroFloat32)
	}
	return nil
}

// counts sets the options that are whole numbers.
func (o *Options) counts(s *ask.Sampling) error {
	for _, f := range []struct {
		name      string
		from      *float64
		to        *int
		low, high int
	}{
		{"top_k", o.TopK, &s.TopK, -1, math.MaxInt32},
		{"repeat_last_n", o.RepeatLastN, &s.Penalties.LastTokens, -1, math.MaxInt32},
		{"mirostat", o.Mirostat, &s.Mirostat, 0, 2},
	} {
		if f.from == nil {
			continue
		}
		n, err := wire.Whole("options."+f.name, *f.from, f.low, f.high)
		if err != nil {
			return err
		}
		*f.to = n
	}
	s.TopK = max(s.TopK, 0) // -1 and 0: off
	if o.RepeatLastN == nil && s.Penalties.LastTokens == 0 && (o.RepeatPenalty != nil || o.PresencePenalty != nil || o.FrequencyPenalty != nil) {
		s.Penalties.LastTokens = repeatLastN
	}
	if s.Mirostat > 0 {
		if s.MirostatTau == 0 && o.MirostatTau == nil {
			s.MirostatTau = mirostatTau
		}
		if s.MirostatEta == 0 && o.MirostatEta == nil {
			s.MirostatEta = mirostatEta
		}
	}
	return nil
}
