package wire

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"

	"github.com/weirgo/weir/server/ask"
)

// ReadPrompt reads one prompt in llama-server's forms: a string, an array of tokens
// and strings, or an object with the string as prompt_string. It comes in parts.
func ReadPrompt(value jsontext.Value) ([]ask.Prompt, error) {
	switch value.Kind() {
	case '"':
		var text string
		err := json.Unmarshal(value, &text)
		return []ask.Prompt{{Text: text}}, err
	case '[':
		var elements []jsontext.Value
		if err := json.Unmarshal(value, &elements); err != nil {
			return nil, err
		}
		return ReadMixed(elements)
	case '{':
		var object struct {
			Text  *string        `json:"prompt_string"`
			Media jsontext.Value `json:"multimodal_data"`
		}
		if err := json.Unmarshal(value, &object); err != nil || object.Text == nil {
			return nil, InvalidHere("an object has the text as its prompt_string")
		}
		var media []jsontext.Value
		if object.Media != nil && (json.Unmarshal(object.Media, &media) != nil || len(media) > 0) {
			return nil, InvalidHere("multimodal_data: this model reads text only")
		}
		return []ask.Prompt{{Text: *object.Text}}, nil
	}
	return nil, InvalidHere("a prompt is a string, an array of tokens and strings, or an object, not a JSON %s", KindName(value.Kind()))
}

// Tokens is an array of tokens.
type Tokens []ask.Token

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *Tokens) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	if err := RefuseNull(value); err != nil {
		return err
	}
	return json.Unmarshal(value, (*[]ask.Token)(t))
}

// RefuseNull finds a null in an array of texts or tokens, which would be read as an
// empty text or as the first token.
func RefuseNull(array jsontext.Value) error {
	if array.Kind() != '[' || !bytes.Contains(array, []byte("null")) {
		return nil
	}
	for d := jsontext.NewDecoder(bytes.NewReader(array)); ; {
		if d.PeekKind() == 'n' {
			return InvalidHere("null is neither a text nor a token: leave it out")
		}
		if _, err := d.ReadToken(); err != nil {
			return nil
		}
	}
}

// ReadMixed reads a prompt of tokens and strings; tokens that follow each other
// are one part.
func ReadMixed(elements []jsontext.Value) (parts []ask.Prompt, err error) {
	for i, e := range elements {
		switch e.Kind() {
		case '"':
			var text string
			if err := json.Unmarshal(e, &text); err != nil {
				return nil, err
			}
			parts = append(parts, ask.Prompt{Text: text})
		case '0':
			var token ask.Token
			if err := json.Unmarshal(e, &token); err != nil {
				return nil, InvalidHere("element %d: %s is no token", i, ask.Clip(string(e), ask.QuotedBytes))
			}
			if n := len(parts); n == 0 || parts[n-1].Tokens == nil {
				parts = append(parts, ask.Prompt{})
			}
			last := &parts[len(parts)-1]
			last.Tokens = append(last.Tokens, token)
		default:
			return nil, InvalidHere("element %d is a JSON %s: a prompt has tokens and strings", i, KindName(e.Kind()))
		}
	}
	return parts, nil
}
