package draft

import (
	"fmt"

	"github.com/weirgo/weir/server/ask"
)

// Config is for whom something is drafted, and how. The zero value is for nobody.
type Config struct {
	// Lookup finds drafts in the sequence itself.
	Lookup bool
	// Most is how many tokens a draft has at most, up to MostTokens, where a request
	// does not say. Default 32: where what is said repeats, long ones are as good as
	// their rows are cheap. Below 0 there is none unless a request asks.
	Most int
	// Least is how many a draft has at least: where fewer are worth their time, none is.
	Least int
	// LeastChance ends a draft of a model before the first token that the model gives a
	// smaller chance, from 0 to 1.
	LeastChance float64
	// Match is how many tokens match at least, up to MostMatch. Default 3.
	Match int
}

const (
	// MostTokens bounds a draft.
	MostTokens = ask.MaxDraft

	defaultMost  = 32
	defaultMatch = 3
)

// WithDefaults fills in zero fields.
func (c Config) WithDefaults() Config {
	if c.Most == 0 {
		c.Most = defaultMost
	}
	if c.Match == 0 {
		c.Match = defaultMatch
	}
	return c
}

// Check reports the first field out of range.
func (c Config) Check() error {
	if !(c.LeastChance >= 0 && c.LeastChance <= 1) {
		return fmt.Errorf("draft: check config: LeastChance is %v, allowed are 0 to 1", c.LeastChance)
	}
	for _, f := range []struct {
		name             string
		value, low, high int
	}{{"Most", c.Most, -1, MostTokens}, {"Least", c.Least, 0, MostTokens}, {"Match", c.Match, 0, MostMatch}} {
		if f.value < f.low || f.value > f.high {
			return fmt.Errorf("draft: check config: %s is %d, allowed are %d to %d", f.name, f.value, f.low, f.high)
		}
	}
	return nil
}
