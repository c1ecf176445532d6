package local

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/generate"
)

var _ generate.Ranker = (*Generator)(nil)

// rankingOf returns how the model ranks, nil if it does not. It is an error to be
// told that it does.
func rankingOf(model engine.Model, pooling engine.Pooling) (*engine.Ranking, error) {
	if pooling != engine.PoolingModel && pooling != engine.PoolingRank {
		return nil, nil
	}
	if m, ok := model.(engine.RankingModel); ok {
		if r, ok := m.Ranking(); ok {
			return &r, nil
		}
	}
	if pooling == engine.PoolingRank {
		return nil, errors.New("local: the model is no reranker: serve one, or leave --reranking and --pooling rank out")
	}
	return nil, nil
}

// Rank implements generate.Ranker. What a client wrote is text, also where it
// looks like a control token.
func (g *Generator) Rank(ctx context.Context, query string, documents []string) (scores []float32, tokens int, err error) {
	if g.ranking == nil {
		return nil, 0, &ask.Fault{Kind: ask.NotServed, What: "This server does not support reranking", Remedy: "Start it with --reranking, and with a model that has learnt it"}
	}
	if err := g.sleep.enter(ctx); err != nil {
		return nil, 0, err
	}
	defer g.sleep.leave()
	inputs := make([][]engine.Token, len(documents))
	for i, document := range documents {
		if inputs[i], err = g.pair(ctx, query, document); err != nil {
			return nil, 0, err
		}
		tokens += len(inputs[i])
	}
	vectors, err := g.loop.Embed(ctx, inputs)
	if f, ok := errors.AsType[*ask.Fault](err); ok && f.Param == "input" {
		of := *f
		of.Param = "documents"
		return nil, 0, &of
	}
	if err != nil {
		return nil, 0, asFault(err)
	}
	scores = make([]float32, len(vectors))
	for i, v := range vectors {
		scores[i] = v[0][0]
	}
	return scores, tokens, nil
}

// pair returns the tokens of a query and a document.
func (g *Generator) pair(ctx context.Context, query, document string) ([]engine.Token, error) {
	r := g.ranking
	if r.Template != "" {
		return g.promptTokens(ctx, "documents", g.tokenizing.PromptTokens, spansOf(r.Template, query, document)...)
	}
	how := engine.Tokenizing{LimitTokens: g.tokenizing.PromptTokens}
	var texts [2][]engine.Token
	for i, text := range [2]string{query, document} {
		var err error
		if texts[i], err = g.tokens(ctx, "documents", how, engine.Span{Text: text}); errors.Is(err, engine.ErrTooManyTokens) {
			return nil, &ask.Fault{Kind: ask.ContextExceeded, Param: "documents", What: "the query or a document is too long for this server", Remedy: "send it in parts"}
		} else if err != nil {
			return nil, err
		}
	}
	return slices.Concat(r.Begin, texts[0], r.Between, texts[1], r.End), nil
}

// spansOf fills a template; its own text alone may name control tokens.
func spansOf(template, query, document string) (spans []engine.Span) {
	values := map[string]string{"{query}": query, "{document}": document}
	for template != "" {
		at, next := len(template), ""
		for name := range values {
			if i := strings.Index(template, name); i >= 0 && i < at {
				at, next = i, name
			}
		}
		spans = append(spans, engine.Span{Text: template[:at], Control: true})
		if next == "" {
			break
		}
		spans = append(spans, engine.Span{Text: values[next]})
		template = template[at+len(next):]
	}
	return spans
}
