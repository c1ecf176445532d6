package syntax_test

import (
	"context"
	"fmt"

	"github.com/weirgo/weir/server/grammar/syntax"
)

func Example() {
	var g syntax.Grammar
	list := g.Rule("list")
	item := syntax.Repeat(syntax.Class(syntax.Range{Low: 'a', High: 'z'}), 1, syntax.Unbounded)
	g.Define(list, syntax.Seq(item, syntax.Optional(syntax.Seq(syntax.Text(","), syntax.Ref(list)))))
	g.Root = list
	p, err := syntax.Compile(context.Background(), &g)
	if err != nil {
		fmt.Println(err)
		return
	}
	begin := p.Code[p.Start]
	fmt.Println(begin.Op == syntax.Byte, p.Sets[begin.A].Has('q'), p.Sets[begin.A].Has(','))
	// Output: true true false
}
