package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
)

// Tokenizing bounds what is asked of the vocabulary. The zero value of a field
// takes its default.
type Tokenizing struct {
	// PromptTokens is how far a prompt that is too long is counted, so that
	// its client can be told by how much. Default twice the context.
	PromptTokens int
	// TextTokens is how many tokens a text may have that is only tokenised.
	// Default 1 Mi, several times the largest contexts.
	TextTokens int
}

func (t Tokenizing) withDefaults(limits engine.Limits) Tokenizing {
	return Tokenizing{
		PromptTokens: cmp.Or(t.PromptTokens, 2*limits.SequenceTokens),
		TextTokens:   cmp.Or(t.TextTokens, 1<<20),
	}
}

// tokenizePrompt replaces what a request goes on from by its tokens.
//
// A completion's prompt is all the client's own, control tokens included: who
// asks for a completion has put the marks of a chat there, as with llama-server
// and vLLM. In a conversation they are the template's alone.
func (g *Generator) tokenizePrompt(ctx context.Context, r *ask.Request) (err error) {
	switch {
	case r.Messages != nil:
		r.Prompt.Tokens, err = g.tokenizeChat(ctx, r.Messages)
	case r.Prompt.Tokens != nil:
		err = g.checkTokens(r.Prompt.Tokens)
	default:
		r.Prompt.Tokens, err = g.promptTokens(ctx, "prompt", engine.Span{Text: r.Prompt.Text, Control: true})
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
	text := make([]engine.Span, len(pieces))
	for i, p := range pieces {
		text[i] = engine.Span{Text: p.Text, Control: p.Trusted}
	}
	tokens, err := g.promptTokens(ctx, "messages", text...)
	// Templates write the token that the tokenizer adds as well: one is enough.
	if len(tokens) > 1 && g.bos >= 0 && tokens[0] == g.bos && tokens[1] == g.bos {
		tokens = tokens[1:]
	}
	return tokens, err
}

// promptTokens tokenises what a generation goes on from.
func (g *Generator) promptTokens(ctx context.Context, param string, text ...engine.Span) ([]engine.Token, error) {
	limit := g.tokenizing.PromptTokens
	tokens, err := g.tokens(ctx, param, engine.Tokenizing{AddSpecial: true, LimitTokens: limit}, text...)
	if errors.Is(err, engine.ErrTooManyTokens) {
		return nil, &ask.Fault{
			Kind: ask.ContextExceeded, Param: param,
			What:   fmt.Sprintf("the prompt has more than %d tokens and leaves no room to generate in a context of %d tokens", limit, g.about.ContextTokens),
			Remedy: "shorten it, or serve with a larger -c",
		}
	}
	return tokens, err
}

// Tokenize implements generate.Tokenizer.
func (g *Generator) Tokenize(ctx context.Context, text string, addSpecial, parseSpecial bool) ([]ask.Token, error) {
	how := engine.Tokenizing{AddSpecial: addSpecial, LimitTokens: g.tokenizing.TextTokens}
	tokens, err := g.tokens(ctx, "prompt", how, engine.Span{Text: text, Control: parseSpecial})
	if errors.Is(err, engine.ErrTooManyTokens) {
		return nil, ask.Invalid("prompt", fmt.Sprintf("the text has more than %d tokens: send it in parts", how.LimitTokens))
	}
	return tokens, err
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

// AppendText implements generate.Tokenizer.
func (g *Generator) AppendText(dst []byte, before ask.Token, tokens ...ask.Token) ([]byte, error) {
	if err := g.checkTokens(tokens); err != nil {
		return dst, err
	}
	for _, t := range tokens {
		dst, before = g.model.AppendText(dst, before, t), t
	}
	return dst, nil
}

// tokens tokenises until ctx is done or the generator is closed. Its errors are
// faults, save for engine.ErrTooManyTokens.
func (g *Generator) tokens(ctx context.Context, param string, how engine.Tokenizing, text ...engine.Span) ([]engine.Token, error) {
	bytes := 0
	for _, span := range text {
		bytes += len(span.Text)
	}
	if bytes > longBytes {
		bound, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(g.open, cancel)()
		ctx = bound
	}
	tokens, err := g.model.Tokenize(ctx, []engine.Token{}, how, text...)
	bad, refused := errors.AsType[*engine.TextError](err)
	switch {
	case err == nil, errors.Is(err, engine.ErrTooManyTokens):
		return tokens, err
	case refused:
		return nil, ask.Invalid(param, bad.What)
	case g.open.Err() != nil:
		return nil, ask.Closing()
	case ctx.Err() != nil:
		return nil, ask.GivenUp(err)
	}
	return nil, ask.Failed(fmt.Errorf("local: tokenize: %w", err))
}

// longBytes is from where on a text takes long enough for a shutdown to stop it.
const longBytes = 8 << 10

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
