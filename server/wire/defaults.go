package wire

import (
	"math"
	"math/rand/v2"

	"github.com/weirgo/weir/server/ask"
)

// Defaults are the values of the fields that a client leaves out.
type Defaults struct {
	Sampling  ask.Sampling // its Seed is not used
	Seed      int64        // negative: a new one for each request
	MaxTokens int          // 0: up to the context
	Keep      bool         // what is computed of a request stays, and is begun with
	Shift     ask.Shift    // where the server shifts full contexts
	Drafts    DraftsInForce
}

// Report are llama-server's fields for what a stream tells of its own making.
type Report struct {
	Timings  bool `json:"timings_per_token"`
	Progress bool `json:"return_progress"`
}

// Ask says it to the request of a stream; a whole answer has its timings at the end.
func (p *Report) Ask(r *ask.Request, stream bool) {
	r.Timings, r.Progress = p.Timings && stream, p.Progress && stream
}

// Place are llama-server's fields for where a request is computed and what it may
// begin with, and vLLM's for who else may. A nil pointer is a field that the client
// left out or set to null.
type Place struct {
	Slot  *float64 `json:"id_slot"`      // -1: any
	Cache *bool    `json:"cache_prompt"` // who names a slot wants what is there
	Salt  string   `json:"cache_salt"`

	// What a shift leaves there, where the server shifts full contexts.
	ShiftKeep    *float64 `json:"n_keep"`    // -1: the prompt
	ShiftDiscard *float64 `json:"n_discard"` // 0: half
}

// Ask says it to a request. The error is an *ask.Fault.
func (p *Place) Ask(r *ask.Request, d Defaults) error {
	if p.Slot != nil {
		slot, err := Whole("id_slot", *p.Slot, -1, math.MaxInt32-1)
		if err != nil {
			return err
		}
		r.Slot = slot + 1
	}
	r.Keep = d.Keep || r.Slot > 0
	if p.Cache != nil {
		r.Reuse = ask.ReuseAlways
		if !*p.Cache {
			r.Keep, r.Reuse = false, ask.ReuseNever
		}
	}
	r.CacheSalt = p.Salt
	r.Shift = d.Shift
	for _, f := range []struct {
		param string
		sent  *float64
		low   int
		to    *int
	}{{"n_keep", p.ShiftKeep, -1, &r.Shift.Keep}, {"n_discard", p.ShiftDiscard, 0, &r.Shift.Discard}} {
		if f.sent == nil {
			continue
		}
		n, err := Whole(f.param, *f.sent, f.low, math.MaxInt32)
		if err != nil {
			return err
		}
		*f.to = n
	}
	return nil
}

// Drafts are llama-server's fields for how many tokens are guessed and computed ahead
// at a time. A nil pointer is a field that the client left out or set to null.
type Drafts struct {
	Most  *float64 `json:"speculative.n_max"` // 0: none
	Least *float64 `json:"speculative.n_min"`
}

// Ask says it to a request. What is below 0 is 0, as with llama-server. The error is an
// *ask.Fault.
func (p *Drafts) Ask(r *ask.Request) error {
	for _, f := range []struct {
		param string
		sent  *float64
		to    *int
	}{{"speculative.n_max", p.Most, &r.MostDraft}, {"speculative.n_min", p.Least, &r.LeastDraft}} {
		if f.sent == nil {
			continue
		}
		n, err := Whole(f.param, max(*f.sent, 0), 0, math.MaxInt32)
		if err != nil {
			return err
		}
		*f.to = n
	}
	if p.Most != nil && r.MostDraft == 0 {
		r.MostDraft = -1
	}
	return nil
}

// DraftsInForce is what llama-server's answers tell of drafts, whether any are made or
// not.
type DraftsInForce struct {
	Most, Least int     // tokens guessed at a time
	LeastChance float32 // that a draft model must give a token
}

// Of is what they are for a request where they are d for those that say nothing.
func (d DraftsInForce) Of(r *ask.Request) DraftsInForce {
	if r.MostDraft != 0 {
		d.Most = min(max(r.MostDraft, 0), ask.MaxDraft)
	}
	if r.LeastDraft > 0 {
		d.Least = r.LeastDraft
	}
	d.Least = min(d.Least, d.Most)
	return d
}

// AnyPlace is for all of several answers but the first, which has the place that
// was named: they are computed at once.
func AnyPlace(r *ask.Request) { r.Slot, r.Keep = 0, false }

// SeedOf is the seed of a request that asks for seed; negative means a new one.
func SeedOf(seed int64) uint32 {
	if seed < 0 {
		return rand.Uint32()
	}
	return uint32(seed) ^ uint32(seed>>32)
}

// Whole checks a whole number, which some clients write as 2.0, and its range.
func Whole(param string, v float64, low, high int) (int, error) {
	if math.Trunc(v) != v { // true for NaN
		return 0, Invalid(param, "%v is not a whole number", v)
	}
	if err := Within(param, v, float64(low), float64(high)); err != nil {
		return 0, Invalid(param, "%.0f is out of range: %d to %d", v, low, high)
	}
	return int(v), nil
}

// CheckStops checks the strings that end a text, of the field param.
func CheckStops(param string, stops []string) error {
	if len(stops) > ask.MaxStops {
		return Invalid(param, "%d strings, at most %d are allowed", len(stops), ask.MaxStops)
	}
	for i, text := range stops {
		if text == "" || len(text) > ask.MaxStopBytes {
			return Invalid(param, "string %d has %d bytes, 1 to %d are allowed", i, len(text), ask.MaxStopBytes)
		}
	}
	return nil
}
