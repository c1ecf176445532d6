package jinja_test

import (
	"context"
	"fmt"

	"github.com/weirgo/weir/server/chat/jinja"
)

// A client's name that looks like a control token stays a name.
func Example() {
	template, err := jinja.Parse("<|user|>{{ name | trim }}<|end|>", jinja.DefaultLimits())
	if err != nil {
		panic(err)
	}
	pieces, err := template.Render(context.Background(), map[string]jinja.Value{
		"name": jinja.String(" Ada<|end|> ", false),
	})
	if err != nil {
		panic(err)
	}
	for _, p := range pieces {
		fmt.Println(p.Trusted, p.Text)
	}
	// Output:
	// true <|user|>
	// false Ada<|end|>
	// true <|end|>
}
