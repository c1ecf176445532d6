package llama_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/sampling"
)

// Continue a text greedily, up to 32 tokens.
func Example() {
	dir, err := llama.FindLibrary()
	if err != nil {
		log.Fatal(err) // says what to install
	}
	lib, err := llama.Open(dir, slog.Default())
	if err != nil {
		log.Fatal(err)
	}
	model, err := lib.Load(context.Background(), "build/models/tiny.gguf", engine.ModelConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	llm, err := model.NewContext(engine.ContextConfig{ContextTokens: 512})
	if err != nil {
		log.Fatal(err)
	}
	defer llm.Close()

	tokens, err := model.Tokenize(context.Background(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: "Once upon a time"})
	if err != nil {
		log.Fatal(err)
	}
	batch := engine.NewBatch(len(tokens))
	for pos, token := range tokens {
		batch.Add(token, pos, 0, pos == len(tokens)-1)
	}
	sampler, row, text := sampling.New(ask.Sampling{}), sampling.Row{}, []byte(nil)
	for pos := len(tokens); pos < len(tokens)+32; pos++ {
		if err := llm.Decode(batch); err != nil {
			log.Fatal(err)
		}
		logits, err := llm.Logits(batch.Len() - 1)
		if err != nil {
			log.Fatal(err)
		}
		next, err := sampler.Next(&row, logits)
		if err != nil {
			log.Fatal(err)
		}
		if model.IsEndOfGeneration(next) {
			break
		}
		text = model.AppendPiece(text, next, false)
		batch.Reset()
		batch.Add(next, pos, 0, true)
	}
	fmt.Printf("%s\n", text)
}
