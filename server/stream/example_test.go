package stream_test

import (
	"fmt"
	"log"

	"github.com/weirgo/weir/server/stream"
)

// Tokens that cut a character and a stop string in two.
func ExampleText() {
	var text stream.Text
	if err := text.Reset([]string{"\nUser:"}); err != nil {
		log.Fatal(err)
	}
	var delta []byte
	for _, token := range []string{"Price: 5 ", "\xe2\x82", "\xac", ".\n", "User", ": "} {
		stopped := text.Add([]byte(token))
		var tokens int
		if delta, tokens = text.Take(delta[:0]); len(delta) > 0 {
			fmt.Printf("%q of %d tokens\n", delta, tokens)
		}
		if stopped {
			break
		}
	}
	// Output:
	// "Price: 5 " of 1 tokens
	// "€" of 2 tokens
	// "." of 0 tokens
}

func ExampleAppendFrame() {
	data := append([]byte(`{"text":`), stream.AppendJSONString(nil, "say \"hi\"\n")...)
	fmt.Printf("%q\n", stream.AppendFrame(nil, append(data, '}')))
	// Output: "data: {\"text\":\"say \\\"hi\\\"\\n\"}\n\n"
}
