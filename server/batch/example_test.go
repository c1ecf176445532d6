package batch_test

import (
	"context"
	"fmt"
	"io"
	"log"

	"github.com/weirgo/weir/sched/mailbox"
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

	prompt, err := model.Tokenize(context.Background(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: "Question? "})
	if err != nil {
		log.Fatal(err)
	}
	generation, err := loop.Submit(&ask.Request{Prompt: ask.Prompt{Tokens: prompt}, TopLogprobs: -1})
	if err != nil {
		log.Fatal(err)
	}
	feed, entry := mailbox.NewFeed(), new(mailbox.Entry)
	entry.Init(feed, generation)
	generation.Announce(entry)
	var results [32]batch.Result
	var text []byte
	for {
		n, err := generation.Poll(results[:])
		if err == io.EOF {
			break
		}
		for _, r := range results[:n] {
			text = model.AppendPiece(text, r.Token, false)
		}
		if n == 0 {
			feed.Wait()
			feed.Take(nil) // names the generation; a feed serves many
		}
	}
	finish := generation.Finish()
	fmt.Printf("%s (%s after %d tokens)\n", text, finish.Reason, finish.CompletionTokens)
	// Output: Answer. (stop after 7 tokens)
}
