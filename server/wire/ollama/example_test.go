package ollama_test

import (
	"fmt"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
	"github.com/weirgo/weir/server/wire/ollama"
)

func Example() {
	var body ollama.ChatRequest
	err := wire.Decode([]byte(`{"model":"tiny","messages":[{"role":"user","content":"hi"}],"options":{"num_predict":9}}`), &body)
	if err != nil {
		panic(err)
	}
	request, err := body.Ask(wire.Defaults{})
	if err != nil {
		panic(err)
	}
	fmt.Println(request.Messages[0].Content, request.MaxTokens, body.Streams())

	stream := ollama.NewStream(ollama.Head{Model: "tiny", Created: time.Unix(0, 0)}, true)
	lines := stream.Append(nil, &ask.Event{Text: []byte("Hello.")})
	fmt.Print(string(lines))
	// Output:
	// hi 9 true
	// {"model":"tiny","created_at":"1970-01-01T00:00:00Z","message":{"role":"assistant","content":"Hello."},"done":false}
}
