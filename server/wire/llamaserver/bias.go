package llamaserver

import (
	"encoding/json/jsontext"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Bias is what is added to the logits of tokens, see [wire.ReadBias]. As with
// llama-server, what is none is passed over.
type Bias []ask.Bias

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (b *Bias) UnmarshalJSONFrom(d *jsontext.Decoder) (err error) {
	switch *b = nil; d.PeekKind() {
	case '{', '[':
		*b, err = wire.ReadBias(d, func(string, ...any) error { return nil })
		return err
	}
	return d.SkipValue()
}
