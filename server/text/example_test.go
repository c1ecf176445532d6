package text_test

import (
	"fmt"

	"github.com/weirgo/weir/server/text"
)

// Tokens that cut a character and a stop string in two.
func ExampleText() {
	var t text.Text
	t.Reset([]string{"\nUser:"})
	for _, token := range []string{"Price: 5 ", "\xe2\x82", "\xac", ".\n", "User", ": "} {
		stopped := t.Add([]byte(token))
		if delta, tokens := t.Take(); len(delta) > 0 {
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
