package local

import (
	"context"
	"fmt"
	"slices"

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
}

// Generator generates with one model. It implements generate.Generator,
// generate.Checker and generate.Tokenizer.
type Generator struct {
	model    engine.Model
	bos      engine.Token
	about    ask.Model
	template *chat.Template
	loop     *batch.Loop
}

// New makes an engine context over model and starts the engine's goroutine. The
// caller closes the model after the generator.
func New(model engine.Model, cfg Config) (*Generator, error) {
	loop, err := batch.New(model, cfg.Context, cfg.Batching)
	if err != nil {
		return nil, err
	}
	info := model.Info()
	return &Generator{
		model: model,
		bos:   info.BOS,
		about: ask.Model{
			ID: cfg.ID, VocabSize: info.VocabSize, TrainedContext: info.TrainedContext,
			ContextTokens: loop.Limits().SequenceTokens, EmbeddingSize: info.EmbeddingSize,
			Parameters: info.Parameters, SizeBytes: info.SizeBytes,
		},
		template: cfg.Template,
		loop:     loop,
	}, nil
}

// Model implements generate.Generator.
func (g *Generator) Model() ask.Model { return g.about }

// Limits returns the sizes of the engine's context in force.
func (g *Generator) Limits() engine.Limits { return g.loop.Limits() }

// Stats returns the state of the engine's goroutine; it never waits.
func (g *Generator) Stats() Stats { return g.loop.Stats() }

// Check implements generate.Checker.
func (g *Generator) Check() error { return g.loop.Check() }

// EndAll ends all generations and takes no more; it does not wait for the engine.
func (g *Generator) EndAll() { g.loop.EndAll() }

// Close ends all generations and frees the engine's context; with a stuck engine it
// does not return.
func (g *Generator) Close() error { return g.loop.Close() }

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

// tokenizePrompt replaces what a request goes on from by its tokens.
func (g *Generator) tokenizePrompt(ctx context.Context, r *ask.Request) (err error) {
	switch {
	case r.Messages != nil:
		r.Prompt.Tokens, err = g.tokenizeChat(ctx, r.Messages)
	case r.Prompt.Tokens != nil:
		err = g.checkTokens(r.Prompt.Tokens)
	default:
		r.Prompt.Tokens, err = g.tokenize(r.Prompt.Text, true, true)
	}
	return err
}

// tokenizeChat renders messages through the model's template into tokens.
func (g *Generator) tokenizeChat(ctx context.Context, messages []ask.Message) ([]engine.Token, error) {
	if g.template == nil {
		return nil, &ask.Fault{
			Kind: ask.TemplateMissing, Param: "messages",
			What:   "this model has no chat template",
			Remedy: "use /v1/completions, or serve with --chat-template-file",
		}
	}
	pieces, err := g.template.Render(ctx, chat.Input{Messages: messages, AddGenerationPrompt: true})
	if err != nil {
		return nil, templateFault(err)
	}
	tokens, err := g.tokenize(chat.Text(pieces), true, true)
	// Templates write the token that the tokenizer adds as well: one is enough.
	if len(tokens) > 1 && g.bos >= 0 && tokens[0] == g.bos && tokens[1] == g.bos {
		tokens = tokens[1:]
	}
	return tokens, err
}

// Tokenize implements generate.Tokenizer.
func (g *Generator) Tokenize(_ context.Context, text string, addSpecial, parseSpecial bool) ([]ask.Token, error) {
	return g.tokenize(text, addSpecial, parseSpecial)
}

func (g *Generator) tokenize(text string, addSpecial, parseSpecial bool) ([]engine.Token, error) {
	tokens, err := g.model.Tokenize([]engine.Token{}, text, addSpecial, parseSpecial)
	if err != nil {
		return nil, ask.Failed(fmt.Errorf("local: tokenize: %w", err))
	}
	return tokens, nil
}

// Spell implements generate.Tokenizer.
func (g *Generator) Spell(dst []byte, tokens ...ask.Token) ([]byte, error) {
	if err := g.checkTokens(tokens); err != nil {
		return dst, err
	}
	for _, t := range tokens {
		dst = g.model.AppendPiece(dst, t, true)
	}
	return dst, nil
}

// checkTokens refuses tokens outside the vocabulary: the engine would read
// memory that is not there.
func (g *Generator) checkTokens(tokens []engine.Token) error {
	size := g.about.VocabSize
	outside := func(t engine.Token) bool { return t < 0 || int(t) >= size }
	if i := slices.IndexFunc(tokens, outside); i >= 0 {
		return ask.Invalid("prompt", fmt.Sprintf("token %d at index %d is outside the vocabulary of %d tokens", tokens[i], i, size))
	}
	return nil
}
