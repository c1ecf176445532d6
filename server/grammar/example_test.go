package grammar_test

import (
	"context"
	"fmt"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/grammar"
)

func Example() {
	texts := []string{"{", "}", `"a":`, "1", "2", "x", `{"a":`, "<end>"}
	v := grammar.NewVocabulary(len(texts),
		func(dst []byte, t ask.Token) []byte { return append(dst, texts[t]...) },
		func(t ask.Token) bool { return texts[t] == "<end>" })

	format := ask.Format{Kind: ask.FormatSchema, Source: `{"properties": {"a": {"enum": [1, 12]}}, "required": ["a"]}`}
	g, err := grammar.NewCompiler(v, grammar.Config{}).Compile(context.Background(), grammar.Form{Format: format})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := g.Matcher()
	for _, said := range []ask.Token{6, 3, 4, 1, 7} {
		allowed := m.Allowed()
		for t, text := range texts {
			if allowed[0]&(1<<t) != 0 {
				fmt.Print(" ", text)
			}
		}
		fmt.Println(" →", texts[said])
		m.Accept(said)
	}
	// Output:
	//  { {"a": → {"a":
	//  1 → 1
	//  } 2 → 2
	//  } → }
	//  <end> → <end>
}
