package openai

import (
	"encoding/json/jsontext"
	"errors"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// askFor decodes a body as each kind of request, and calls what its handler calls.
var askFor = []func(body []byte) error{
	func(body []byte) error {
		var r ChatRequest
		if err := wire.Decode(body, &r); err != nil {
			return err
		}
		all, err := r.Ask(testDefaults)
		if err == nil && len(all) != r.Shape().Choices {
			return errors.New("answers without a place")
		}
		return err
	},
	func(body []byte) error {
		var r CompletionRequest
		if err := wire.Decode(body, &r); err != nil {
			return err
		}
		all, err := r.Ask(testDefaults)
		if err == nil && (len(all) != r.Shape().Choices || len(all)%r.PerPrompt() != 0) {
			return errors.New("answers without a place")
		}
		return err
	},
	func(body []byte) error {
		var r ResponseRequest
		if err := wire.Decode(body, &r); err != nil {
			return err
		}
		a, err := r.Ask(testDefaults)
		if err != nil {
			return err
		}
		object := r.Head(testHead, a).append(nil, state{status: "completed"}, nil)
		if !jsontext.Value(object).IsValid() {
			return errors.New("an object that is no JSON: " + string(object))
		}
		return nil
	},
	func(body []byte) error {
		var r EmbeddingRequest
		if err := wire.Decode(body, &r); err != nil {
			return err
		}
		_, err := r.Check()
		return err
	},
}

// Whatever is sent, it is a request, or a fault of the client with a short text.
func FuzzBodies(f *testing.F) {
	for field := range strings.Lines(harmless) {
		f.Add([]byte(`{` + hello + `,` + strings.TrimSpace(field) + `}`))
	}
	f.Add([]byte(`{` + hello + `,` + two + `,"tool_choice":{"type":"allowed_tools","tools":[{"name":"a"}]}}`))
	f.Add([]byte(`{"prompt":["a",[1]],"logit_bias":[[1,false],["x",2]],"n":2.0,"logprobs":false}`))
	f.Add([]byte(`{"input":[{"role":"user","content":[{"type":"input_text","text":"x"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"x"}],"text":{"format":{"type":"json_schema","schema":{}}},"metadata":{"a":"b"}}`))
	f.Add([]byte(`{"input":[[1],[2]],"dimensions":3,"encoding_format":"base64"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for i, decode := range askFor {
			err := decode(body)
			if err == nil {
				continue
			}
			fault, ok := errors.AsType[*ask.Fault](err)
			if !ok || fault.Kind == ask.Internal || fault.Error() == "" {
				t.Fatalf("%d: %q: %T %v", i, body, err, err)
			}
			if out := AppendFault(nil, fault); !jsontext.Value(out).IsValid() || len(out) > 16<<10 {
				t.Fatalf("%d: %q: %d bytes: %s", i, body, len(out), out)
			}
		}
	})
}

// A choice's text is a GBNF literal that is closed where it ends.
func FuzzLiteral(f *testing.F) {
	f.Add("a\"b\\\n")
	f.Fuzz(func(t *testing.T, text string) {
		var b strings.Builder
		appendLiteral(&b, text)
		inside := b.String()[1 : b.Len()-1]
		for i := 0; i < len(inside); i++ {
			switch {
			case inside[i] == '\\':
				i++
			case inside[i] == '"' || inside[i] < ' ':
				t.Fatalf("%q has %q at %d", inside, inside[i], i)
			}
		}
	})
}
