package openai

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"iter"
	"math"
	"slices"
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// EmbeddingRequest is the body of POST /v1/embeddings.
type EmbeddingRequest struct {
	Model      string                    `json:"model"`
	Input      Inputs                    `json:"input"`
	Format     string                    `json:"encoding_format"`
	Dimensions *Int                      `json:"dimensions"`
	Rest       map[string]jsontext.Value `json:",embed"`
}

// Inputs are the texts that vectors are wanted of, each in parts: a string, tokens,
// or both in turns. An empty text is one: models begin each with a token of their own.
type Inputs [][]ask.Prompt

// UnmarshalJSONFrom implements json.UnmarshalerFrom: OpenAI's four forms, and
// llama-server's arrays of tokens and strings.
func (in *Inputs) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*in = nil
	switch d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case '"', '[':
	default:
		return wire.WrongKind(d, "a string or an array of tokens")
	}
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	var elements []jsontext.Value
	if value.Kind() == '[' {
		if err := json.Unmarshal(value, &elements); err != nil {
			return err
		}
	}
	var one []ask.Prompt
	switch {
	case value.Kind() == '"':
		one, err = wire.ReadPrompt(value)
	case slices.ContainsFunc(elements, func(e jsontext.Value) bool { return e.Kind() == '0' }):
		one, err = wire.ReadMixed(elements)
	}
	if one != nil || err != nil {
		*in = Inputs{one}
		return err
	}
	if len(elements) > maxPrompts {
		return wire.InvalidHere("%d texts, at most %d are allowed", len(elements), maxPrompts)
	}
	*in = make(Inputs, len(elements))
	for i, e := range elements {
		if (*in)[i], err = wire.ReadPrompt(e); err != nil {
			return err
		}
	}
	return nil
}

// Check checks the form of the request and returns how many dimensions the
// vectors are to keep, 0 for all. The error is an *ask.Fault.
func (r *EmbeddingRequest) Check() (dimensions int, err error) {
	if len(r.Input) == 0 {
		return 0, wire.Missing("input", "a string or an array of tokens, or an array of either, not empty")
	}
	for i, parts := range r.Input {
		if len(parts) == 0 {
			return 0, wire.Invalid("input", "text %d has no tokens", i)
		}
	}
	if r.Format != "" {
		if err := oneOf("encoding_format", r.Format, []string{"float", "base64"}); err != nil {
			return 0, err
		}
	}
	if err := checkRest(r.Rest, embeddingFields); err != nil {
		return 0, err
	}
	if r.Dimensions == nil {
		return 0, nil
	}
	return within("dimensions", *r.Dimensions, 1, math.MaxInt32)
}

// Base64 reports whether vectors are to be written in base64: float32, little
// endian.
func (r *EmbeddingRequest) Base64() bool { return r.Format == "base64" }

// Ignored gives the fields that were sent and have no effect, by names of a
// closed set.
func (r *EmbeddingRequest) Ignored() iter.Seq[string] { return ignored(r.Rest, embeddingFields) }

// EmbeddingsBegin begins the answer; the vectors follow, separated by commas, and
// then AppendEmbeddingsEnd.
const EmbeddingsBegin = `{"object":"list","data":[`

// AppendEmbedding appends vector number i.
func AppendEmbedding(dst []byte, i int, vector []float32, inBase64 bool) []byte {
	dst = append(dst, `{"object":"embedding","index":`...)
	dst = strconv.AppendInt(dst, int64(i), 10)
	dst = append(dst, `,"embedding":`...)
	if inBase64 {
		raw := make([]byte, 0, 4*len(vector))
		for _, v := range vector {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		dst = base64.StdEncoding.AppendEncode(append(dst, '"'), raw)
		return append(dst, `"}`...)
	}
	return append(wire.AppendVector(dst, vector), '}')
}

// AppendEmbeddingsEnd ends the answer.
func AppendEmbeddingsEnd(dst []byte, model string, tokens int) []byte {
	dst = append(dst, `],"model":`...)
	dst = wire.AppendJSONString(dst, model)
	dst = append(dst, `,"usage":{"prompt_tokens":`...)
	dst = strconv.AppendInt(dst, int64(tokens), 10)
	dst = append(dst, `,"total_tokens":`...)
	dst = strconv.AppendInt(dst, int64(tokens), 10)
	return append(dst, "}}"...)
}
