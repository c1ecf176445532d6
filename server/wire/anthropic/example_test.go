package anthropic_test

import (
	"fmt"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
	"github.com/weirgo/weir/server/wire/anthropic"
)

func Example() {
	var body anthropic.Request
	err := wire.Decode([]byte(`{"model":"tiny","max_tokens":9,"system":"be brief","messages":[{"role":"user","content":"hi"}]}`), &body)
	if err != nil {
		panic(err)
	}
	request, err := body.Ask(wire.Defaults{})
	if err != nil {
		panic(err)
	}
	fmt.Println(request.Messages[0].Role, request.Messages[1].Content, request.MaxTokens)

	answer := anthropic.NewAnswer(anthropic.Head{ID: "msg_1", Model: "tiny"})
	rest := answer.Append(nil, &ask.Event{Text: []byte("Hello.")})
	rest = answer.Append(rest, &ask.Event{End: &ask.End{PromptTokens: 8, CompletionTokens: 2}})
	fmt.Printf("%s%s\n", answer.Head(), rest)
	// Output:
	// system hi 9
	// {"id":"msg_1","type":"message","role":"assistant","model":"tiny","content":[{"type":"text","text":"Hello."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":8,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2}}
}
