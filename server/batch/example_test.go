package batch_test

import (
	"context"
	"fmt"
	"io"
	"log"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// A request from its prompt to its last token.
func ExampleLoop() {
	model := enginetest.New(enginetest.Options{Next: enginetest.ReplyAfter("Question? ", "Answer.")})
	loop, err := batch.New(model, engine.ContextConfig{}, batch.Config{MaxSequences: 8})
	if err != nil {
		log.Fatal(err)
	}
	defer loop.Close()

	ctx := context.Background()
	prompt, err := model.Tokenize(nil, "Question? ", true, false)
	if err != nil {
		log.Fatal(err)
	}
	generation, err := loop.Submit(ctx, &ask.Request{Prompt: ask.Prompt{Tokens: prompt}, TopLogprobs: -1})
	if err != nil {
		log.Fatal(err)
	}
	var results [32]batch.Result
	var text []byte
	for {
		n, err := generation.Next(ctx, results[:])
		for _, r := range results[:n] {
			text = model.AppendPiece(text, r.Token, false)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	finish := generation.Finish()
	fmt.Printf("%s (%s after %d tokens)\n", text, finish.Reason, finish.CompletionTokens)
	// Output: Answer. (stop after 7 tokens)
}
