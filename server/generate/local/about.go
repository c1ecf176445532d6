package local

import (
	"context"
	"slices"
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/generate"
)

// Render implements generate.Renderer.
func (g *Generator) Render(ctx context.Context, r *ask.Request, open bool) (string, error) {
	if err := generate.CheckModel(g.about, r.Model); err != nil {
		return "", err
	}
	if g.template == nil {
		return "", &ask.Fault{
			Kind: ask.TemplateMissing, Param: "messages", What: "this model has no chat template",
			Remedy: "serve with --chat-template-file",
		}
	}
	pieces, err := g.render(ctx, r, open)
	if err != nil {
		return "", err
	}
	return chat.Text(pieces), nil
}

// Properties implements generate.Describer.
func (g *Generator) Properties() generate.Properties {
	p := generate.Properties{Path: g.path, Sequences: g.loop.Limits().MaxSequences, Ends: g.loop.Ends()}
	if g.template != nil {
		p.ChatTemplate = g.template.Source()
	}
	info := g.model.Info()
	for token, text := range map[engine.Token]*string{info.BOS: &p.BOS, info.EOS: &p.EOS} {
		if token >= 0 {
			*text = string(g.model.AppendPiece(nil, token, true))
		}
	}
	return p
}

// Sequences implements generate.Watcher.
func (g *Generator) Sequences() []generate.Sequence {
	states := g.loop.Sequences()
	all := make([]generate.Sequence, len(states))
	for i, s := range states {
		all[i] = generate.Sequence(s)
	}
	return all
}

// Load implements generate.Watcher.
func (g *Generator) Load() generate.Load {
	s := g.loop.Stats()
	return generate.Load{
		Busy: s.Active, Waiting: s.Waiting, Decodes: s.Steps + s.EmbeddingSteps, Generated: s.CompletionTokens, Embedded: s.EmbeddedTokens,
		Drafts: s.Drafts, Drafted: s.DraftTokens, Accepted: s.AcceptedTokens,
	}
}

// FillTokens implements generate.Filler.
func (g *Generator) FillTokens() generate.FillTokens { return g.fill() }

// fillers are how models name the tokens: their keys in a model's file, an older
// key, and the texts by which they are found where there is none.
var fillers = []struct {
	key, older string
	texts      []string
	to         func(*generate.FillTokens) *ask.Token
}{
	{"fim_pre", "prefix", []string{"<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<|code_prefix|>", "▁<PRE>", "<PRE>"}, func(f *generate.FillTokens) *ask.Token { return &f.Prefix }},
	{"fim_suf", "suffix", []string{"<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<|code_suffix|>", "▁<SUF>", "<SUF>"}, func(f *generate.FillTokens) *ask.Token { return &f.Suffix }},
	{"fim_mid", "middle", []string{"<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<|code_middle|>", "▁<MID>", "<MID>"}, func(f *generate.FillTokens) *ask.Token { return &f.Middle }},
	{"fim_rep", "", []string{"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"}, func(f *generate.FillTokens) *ask.Token { return &f.Repository }},
	{"fim_sep", "", []string{"<|file_sep|>"}, func(f *generate.FillTokens) *ask.Token { return &f.File }},
}

// fillTokens finds the tokens by which a model is asked to fill a gap.
func fillTokens(model engine.Model) generate.FillTokens {
	f := generate.FillTokens{Begin: -1, Prefix: -1, Suffix: -1, Middle: -1, Repository: -1, File: -1}
	size := model.Info().VocabSize
	for _, filler := range fillers {
		to := filler.to(&f)
		for _, key := range []string{filler.key, filler.older} {
			text, ok := model.Metadata("tokenizer.ggml." + key + "_token_id")
			if id, err := strconv.ParseInt(text, 10, 32); ok && err == nil && id >= 0 && int(id) < size && *to < 0 {
				*to = ask.Token(id)
			}
		}
		at := slices.IndexFunc(filler.texts, func(text string) bool { return *to < 0 && controlToken(model, text) >= 0 })
		if at >= 0 {
			*to = controlToken(model, filler.texts[at])
		}
	}
	begin, err := model.Tokenize(context.Background(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: ""})
	if err == nil && len(begin) > 0 && begin[0] == model.Info().BOS {
		f.Begin = begin[0]
	}
	return f
}

// controlToken returns the control token that text stands for, or -1.
func controlToken(model engine.Model, text string) ask.Token {
	read := func(control bool) []engine.Token {
		tokens, err := model.Tokenize(context.Background(), nil, engine.Tokenizing{}, engine.Span{Text: text, Control: control})
		if err != nil {
			return nil
		}
		return tokens
	}
	if one := read(true); len(one) == 1 && len(read(false)) != 1 {
		return one[0]
	}
	return -1
}
