package llamaserver

import (
	"encoding/json/jsontext"
	"encoding/json/v2"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Prompts are what completions continue. Each is made of parts, one after the
// other.
type Prompts [][]ask.Prompt

// MaxAnswers is how many answers one request may ask for.
const MaxAnswers = 256

// UnmarshalJSONFrom implements json.UnmarshalerFrom. A prompt is a string, an
// array of tokens, an array of tokens and strings, or an object with the string as
// prompt_string; several are an array of such, in which strings alone are several.
func (p *Prompts) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*p = nil
	switch d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case '"', '[', '{':
	default:
		return wire.WrongKind(d, "a string, an array of tokens and strings, or an array of such")
	}
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	if value.Kind() != '[' {
		one, err := wire.ReadPrompt(value)
		*p = Prompts{one}
		return err
	}
	var elements []jsontext.Value
	if err := json.Unmarshal(value, &elements); err != nil {
		return err
	}
	if len(elements) == 0 {
		return wire.InvalidHere("the array is empty: send at least one prompt")
	}
	for _, e := range elements {
		if e.Kind() == '0' { // then all of it is one prompt
			one, err := wire.ReadMixed(elements)
			*p = Prompts{one}
			return err
		}
	}
	if len(elements) > MaxAnswers {
		return wire.InvalidHere("%d prompts, at most %d are allowed: send several requests, they are batched", len(elements), MaxAnswers)
	}
	for _, e := range elements {
		one, err := wire.ReadPrompt(e)
		if err != nil {
			return err
		}
		*p = append(*p, one)
	}
	return nil
}

// Mixed is one text: a string, or an array of strings and tokens, in parts.
type Mixed []ask.Prompt

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (m *Mixed) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*m = nil
	switch d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case '"', '[':
	default:
		return wire.WrongKind(d, "a string or an array of strings and tokens")
	}
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	*m, err = wire.ReadPrompt(value)
	return err
}
