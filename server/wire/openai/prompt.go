package openai

import (
	"encoding/json/jsontext"
	"encoding/json/v2"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Prompts are what completions continue: each is text or tokens.
type Prompts []ask.Prompt

// UnmarshalJSONFrom implements json.UnmarshalerFrom. OpenAI's four forms are a
// string, an array of strings, an array of tokens and an array of arrays of
// tokens.
func (p *Prompts) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*p = nil
	switch d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case '"':
		var text string
		if err := json.UnmarshalDecode(d, &text); err != nil {
			return err
		}
		if text != "" {
			*p = Prompts{{Text: text}}
		}
		return nil
	case '[':
	default:
		return wire.WrongKind(d, "a string or an array of tokens")
	}
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	if err := wire.RefuseNull(value); err != nil {
		return err
	}
	var texts []string
	if json.Unmarshal(value, &texts) == nil {
		if err := p.make(len(texts)); err != nil {
			return err
		}
		for i, text := range texts {
			(*p)[i].Text = text
		}
		return nil
	}
	var tokens []ask.Token
	if json.Unmarshal(value, &tokens) == nil {
		*p = Prompts{{Tokens: tokens}}
		return nil
	}
	var lists [][]ask.Token
	if json.Unmarshal(value, &lists) == nil {
		if err := p.make(len(lists)); err != nil {
			return err
		}
		for i, list := range lists {
			(*p)[i].Tokens = list
		}
		return nil
	}
	return wire.InvalidHere("expected a string, an array of tokens, or an array of either")
}

// maxPrompts is as many as OpenAI embeds at once.
const maxPrompts = 2048

func (p *Prompts) make(n int) error {
	if n > maxPrompts {
		return wire.InvalidHere("%d texts, at most %d are allowed", n, maxPrompts)
	}
	*p = make(Prompts, n)
	return nil
}
