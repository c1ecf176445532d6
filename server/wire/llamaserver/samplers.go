package llamaserver

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"slices"
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Samplers are the steps of sampling that are used, by llama-server's names, in
// the order of its default. A step that is not named is left out.
type Samplers []string

// sampler is a step, by its name and its letter.
type sampler struct {
	name, letter string
	leaveOut     func(*ask.Sampling)
}

// samplers are all, in the order in which they are applied.
var samplers = []sampler{
	{"penalties", "e", func(s *ask.Sampling) { s.Penalties = ask.Penalties{} }},
	{"dry", "d", func(s *ask.Sampling) { s.DRY = ask.DRY{} }},
	{"top_n_sigma", "s", func(s *ask.Sampling) { s.TopNSigma = 0 }},
	{"top_k", "k", func(s *ask.Sampling) { s.TopK = 0 }},
	{"typ_p", "y", func(s *ask.Sampling) { s.TypicalP = 1 }},
	{"top_p", "p", func(s *ask.Sampling) { s.TopP = 1 }},
	{"min_p", "m", func(s *ask.Sampling) { s.MinP = 0 }},
	{"xtc", "x", func(s *ask.Sampling) { s.XTCProbability = 0 }},
	{"temperature", "t", func(s *ask.Sampling) { s.Temperature, s.DynatempRange = 1, 0 }},
}

// other names that llama-server takes for them.
var otherNames = map[string]string{
	"top-n-sigma": "top_n_sigma", "top-k": "top_k", "top-p": "top_p", "nucleus": "top_p", "typical-p": "typ_p", "typical_p": "typ_p",
	"typical": "typ_p", "typ-p": "typ_p", "typ": "typ_p", "min-p": "min_p", "temp": "temperature",
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom: an array of names, or a
// string of letters.
func (s *Samplers) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*s = nil
	switch d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case '"':
		var letters string
		if err := json.UnmarshalDecode(d, &letters); err != nil {
			return err
		}
		names, err := SamplersOf(letters)
		*s = names
		return err
	case '[':
		names := []string{}
		if err := json.UnmarshalDecode(d, &names); err != nil {
			return err
		}
		*s = names
		return nil
	}
	return wire.WrongKind(d, "an array of names or a string of letters")
}

// SamplersOf reads samplers that are given by a letter each.
func SamplersOf(letters string) (Samplers, error) {
	names := Samplers{}
	for _, letter := range letters {
		at := slices.IndexFunc(samplers, func(s sampler) bool { return s.letter == string(letter) })
		if at < 0 {
			return nil, wire.InvalidHere("%q stands for no sampler: give some of edskypmxt", letter)
		}
		names = append(names, samplers[at].name)
	}
	return names, nil
}

// Choose leaves the steps out that are not named. The error is an *ask.Fault.
func (s Samplers) Choose(steps *ask.Sampling) error {
	used := make([]bool, len(samplers))
	last := -1
	for _, name := range s {
		name = strings.TrimSpace(name)
		if other, ok := otherNames[name]; ok {
			name = other
		}
		at := slices.IndexFunc(samplers, func(s sampler) bool { return s.name == name })
		if at < 0 {
			return wire.Invalid("samplers", "%q is no sampler: give some of %s", ask.Clip(name, ask.QuotedBytes), allSamplers())
		}
		if at <= last {
			return &ask.Fault{
				Kind: ask.Unsupported, Param: "samplers", What: "samplers: " + name + " is applied before " + samplers[last].name + ", and once",
				Remedy: "name those that are used in the order of " + allSamplers(),
			}
		}
		used[at], last = true, at
	}
	for i, u := range used {
		if !u {
			samplers[i].leaveOut(steps)
		}
	}
	return nil
}

// names are the samplers in use, nil being all.
func (s Samplers) names() []string {
	if s != nil {
		return s
	}
	all := make([]string, len(samplers))
	for i := range samplers {
		all[i] = samplers[i].name
	}
	return all
}

func allSamplers() string { return strings.Join(Samplers(nil).names(), ", ") }
