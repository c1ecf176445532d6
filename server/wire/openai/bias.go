package openai

import (
	"encoding/json/jsontext"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Bias is what is added to the logits of tokens: OpenAI's object from a token to a
// number, and llama-server's forms, see [wire.ReadBias].
type Bias []ask.Bias

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (b *Bias) UnmarshalJSONFrom(d *jsontext.Decoder) (err error) {
	switch *b = nil; d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case '{', '[':
		*b, err = wire.ReadBias(d, func(format string, args ...any) error { return wire.InvalidHere(format, args...) })
		return err
	}
	return wire.WrongKind(d, "an object from tokens to numbers")
}
