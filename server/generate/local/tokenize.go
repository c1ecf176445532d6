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
	"github.com/weirgo/weir/server/generate"
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
//
// It returns what a conversation's prompt leaves open. A prompt of more tokens
// than limit is refused.
func (g *Generator) tokenizePrompt(ctx context.Context, r *ask.Request, limit int) (o opening, err error) {
	switch {
	case r.Messages != nil:
		r.Prompt.Tokens, o, err = g.tokenizeChat(ctx, r, limit)
	case r.Prompt.Tokens != nil:
		err = g.checkTokens("prompt", r.Prompt.Tokens)
	default:
		r.Prompt.Tokens, err = g.promptTokens(ctx, "prompt", limit, engine.Span{Text: r.Prompt.Text, Control: true})
	}
	return o, err
}

// tokenizeChat renders a conversation through the model's template into tokens.
func (g *Generator) tokenizeChat(ctx context.Context, r *ask.Request, limit int) (tokens []engine.Token, o opening, err error) {
	if g.template == nil {
		return nil, o, &ask.Fault{
			Kind: ask.TemplateMissing, Param: "messages",
			What:   "this model has no chat template",
			Remedy: "use /v1/completions, or serve with --chat-template-file",
		}
	}
	pieces, err := g.render(ctx, r, true)
	if err != nil {
		return nil, o, err
	}
	if n := len(pieces); n > 0 && pieces[n-1].Trusted {
		o.end = pieces[n-1].Text
	}
	if o.hold, err = g.hold(r, o.end); err != nil {
		return nil, o, err
	}
	text := make([]engine.Span, len(pieces))
	for i, p := range pieces {
		text[i] = engine.Span{Text: p.Text, Control: p.Trusted}
	}
	if begun := o.begun(); begun != "" {
		text = append(text, engine.Span{Text: begun, Control: true})
	}
	tokens, err = g.promptTokens(ctx, "messages", limit, text...)
	// Templates write the token that the tokenizer adds as well: one is enough.
	if len(tokens) > 1 && g.bos >= 0 && tokens[0] == g.bos && tokens[1] == g.bos {
		tokens = tokens[1:]
	}
	return tokens, o, err
}

// promptTokens tokenises what a generation goes on from.
func (g *Generator) promptTokens(ctx context.Context, param string, limit int, text ...engine.Span) ([]engine.Token, error) {
	tokens, err := g.tokens(ctx, param, engine.Tokenizing{AddSpecial: true, LimitTokens: limit}, text...)
	if errors.Is(err, engine.ErrTooManyTokens) {
		return nil, g.tooLong(param, limit)
	}
	return tokens, err
}

// tooLong is the fault of a text of more than limit tokens, which were not counted
// further.
func (g *Generator) tooLong(param string, limit int) *ask.Fault {
	f := &ask.Fault{
		Kind: ask.ContextExceeded, Param: param,
		What:   fmt.Sprintf("the prompt has more than %d tokens and leaves no room to generate in a context of %d tokens", limit, g.about.ContextTokens),
		Remedy: "shorten it, or serve with a larger -c",

		PromptTokens: limit + 1, ContextTokens: g.about.ContextTokens,
	}
	if param == "input" { // whose vector is wanted
		f.What = fmt.Sprintf("the input is too large: it has more than %d tokens, in a context of %d", limit, g.about.ContextTokens)
		f.Remedy = "send it in parts, or serve with a larger -c"
	}
	return f
}

// Count implements generate.Counter.
func (g *Generator) Count(ctx context.Context, r *ask.Request) (int, error) {
	if err := generate.CheckModel(g.about, r.Model); err != nil {
		return 0, err
	}
	_, err := g.tokenizePrompt(ctx, r, g.tokenizing.TextTokens) // nothing is to fit the context
	return len(r.Prompt.Tokens), err
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
	if err := g.checkTokens("prompt", tokens); err != nil {
		return dst, err
	}
	for _, t := range tokens {
		dst = g.model.AppendPiece(dst, t, true)
	}
	return dst, nil
}

// AppendText implements generate.Tokenizer.
func (g *Generator) AppendText(dst []byte, before ask.Token, tokens ...ask.Token) ([]byte, error) {
	if err := g.checkTokens("prompt", tokens); err != nil {
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
	if err := g.sleep.enter(ctx); err != nil {
		return nil, err
	}
	defer g.sleep.leave()
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
	how.Background = ask.TierOf(ctx) == ask.TierBackground
	var tokens []engine.Token
	var err error
	g.behind(ctx, func() { tokens, err = g.model.Tokenize(ctx, []engine.Token{}, how, text...) })
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

// render renders a conversation through the model's template, which there is. Without
// open nothing begins an answer at its end.
func (g *Generator) render(ctx context.Context, r *ask.Request, open bool) (pieces []chat.Piece, err error) {
	in, err := g.conversation(r)
	if err != nil {
		return nil, err
	}
	in.AddGenerationPrompt = in.AddGenerationPrompt && open
	g.behind(ctx, func() { pieces, err = g.template.Render(ctx, in) })
	if err != nil {
		return nil, templateFault(err)
	}
	return pieces, nil
}

// behind calls f in the group of what is done for the background tier, if ctx is that
// tier's and there is one. f must hold nothing that others wait for.
func (g *Generator) behind(ctx context.Context, f func()) {
	if ask.TierOf(ctx) != ask.TierBackground || g.background == nil || g.background.Do(f) != nil { // then it has not called f
		f()
	}
}

// longBytes is from where on a text takes long enough for a shutdown to stop it.
const longBytes = 8 << 10

// checkTokens refuses tokens outside the vocabulary: the engine would read
// memory that is not there.
func (g *Generator) checkTokens(param string, tokens []engine.Token) error {
	size := g.about.VocabSize
	outside := func(t engine.Token) bool { return t < 0 || int(t) >= size }
	if i := slices.IndexFunc(tokens, outside); i >= 0 {
		return ask.Invalid(param, fmt.Sprintf("token %d at index %d is outside the vocabulary of %d tokens", tokens[i], i, size))
	}
	return nil
}
