package local

import (
	"context"
	"fmt"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/generate"
)

// Batching bounds how requests are decoded together; see package batch.
type Batching = batch.Config

// Stats is a snapshot of the engine's goroutine; see package batch.
type Stats = batch.Stats

// Config is how a model is served.
type Config struct {
	// ID is the model's name in the API.
	ID string
	// Template renders chats; nil refuses requests with messages.
	Template *chat.Template
	// Context sizes the engine's context.
	Context engine.ContextConfig
	// Batching bounds the requests.
	Batching Batching
	// Tokenizing bounds what is asked of the vocabulary.
	Tokenizing Tokenizing
}

// Generator generates with one model. It implements generate.Generator,
// generate.Checker and generate.Tokenizer.
type Generator struct {
	model    engine.Model
	bos      engine.Token
	about    ask.Model
	template *chat.Template
	loop     *batch.Loop

	tokenizing Tokenizing
	open       context.Context // done when the generator is closed
	shut       context.CancelFunc
}

// New makes an engine context over model and starts the engine's goroutine. The
// caller closes the model after the generator.
func New(model engine.Model, cfg Config) (*Generator, error) {
	loop, err := batch.New(model, cfg.Context, cfg.Batching)
	if err != nil {
		return nil, err
	}
	info := model.Info()
	g := &Generator{
		model: model,
		bos:   info.BOS,
		about: ask.Model{
			ID: cfg.ID, VocabSize: info.VocabSize, TrainedContext: info.TrainedContext,
			ContextTokens: loop.Limits().SequenceTokens, EmbeddingSize: info.EmbeddingSize,
			Parameters: info.Parameters, SizeBytes: info.SizeBytes,
		},
		template:   cfg.Template,
		loop:       loop,
		tokenizing: cfg.Tokenizing.withDefaults(loop.Limits()),
	}
	g.open, g.shut = context.WithCancel(context.Background())
	return g, nil
}

// Model implements generate.Generator.
func (g *Generator) Model() ask.Model { return g.about }

// Limits returns the sizes of the engine's context in force.
func (g *Generator) Limits() engine.Limits { return g.loop.Limits() }

// Stats returns the state of the engine's goroutine; it never waits.
func (g *Generator) Stats() Stats { return g.loop.Stats() }

// Check implements generate.Checker.
func (g *Generator) Check() error { return g.loop.Check() }

// EndAll ends all generations and all tokenising and takes no more; it does not
// wait for the engine.
func (g *Generator) EndAll() {
	g.shut()
	g.loop.EndAll()
}

// Close is EndAll, and frees the engine's context; with a stuck engine it does not
// return.
func (g *Generator) Close() error {
	g.shut()
	return g.loop.Close()
}

// Submit implements generate.Generator.
func (g *Generator) Submit(ctx context.Context, r *ask.Request) (generate.Stream, error) {
	if err := generate.CheckModel(g.about, r.Model); err != nil {
		return nil, err
	}
	if n := g.about.VocabSize; r.TopLogprobs > n {
		return nil, ask.Invalid("top_logprobs", fmt.Sprintf("%d is out of range: 0 to %d", r.TopLogprobs, n))
	}
	if err := g.tokenizePrompt(ctx, r); err != nil {
		return nil, err
	}
	// The generation outlives the call: it ends by Cancel.
	generation, err := g.loop.Submit(r)
	if err != nil {
		return nil, err
	}
	s := &stream{model: g.model, generation: generation, scored: r.TopLogprobs >= 0}
	s.text.Reset(r.Stop)
	s.end.PromptTokens = len(r.Prompt.Tokens)
	// The batch has its own copy: prompt and conversation need not live as
	// long as the answer.
	r.Prompt, r.Messages = ask.Prompt{}, nil
	return s, nil
}
