package gbnf_test

import (
	"context"
	"fmt"

	"github.com/weirgo/weir/server/grammar/gbnf"
)

func Example() {
	_, err := gbnf.Compile(context.Background(), "root ::= greeting \"!\"\ngreeting ::= \"hello\" | [hH] \"i\"", gbnf.Names{})
	fmt.Println(err)
	_, err = gbnf.Compile(context.Background(), "root ::= greeting \"!\"", gbnf.Names{})
	fmt.Println(err)
	// Output:
	// <nil>
	// grammar: line 1, column 10: the rule "greeting" is not defined: define it, as greeting ::= …
}
