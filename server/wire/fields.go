package wire

import (
	"encoding/json/jsontext"
	"maps"
	"slices"

	"github.com/weirgo/weir/server/ask"
)

// Rule says what a field outside a request's type may be.
type Rule []string

// Taken fields are read by who checks the others.
var Taken = Rule{}

// Ignored fields do not change the result.
var Ignored = Rule(nil)

// Neutral fields are not implemented: null and the values that leave the
// result as it is may be sent, others are refused.
func Neutral(values ...string) Rule { return append(Rule{"null"}, values...) }

// CheckRest refuses the fields that would change the result and those that
// nobody knows.
func CheckRest(rest map[string]jsontext.Value, rules map[string]Rule) error {
	if len(rest) == 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(rest)) { // the same fault every time
		allowed, known := rules[name]
		switch {
		case !known:
			shown := ask.Clip(name, ask.QuotedBytes)
			return &ask.Fault{
				Kind: ask.UnknownParameter, Param: shown,
				What: shown + ": unknown field", Remedy: "check its spelling or leave it out",
			}
		case !allowed.allows(rest[name]):
			return &ask.Fault{
				Kind: ask.Unsupported, Param: name,
				What: name + ": not supported with this value", Remedy: "leave it out or send " + allowed[len(allowed)-1],
			}
		}
	}
	return nil
}

func (r Rule) allows(value jsontext.Value) bool {
	if len(r) == 0 { // Ignored, Taken
		return true
	}
	value = value.Clone()
	return value.Compact() == nil && slices.Contains(r, string(value))
}
