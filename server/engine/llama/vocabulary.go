package llama

import (
	"context"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// Vocabulary is a model without its weights: what a file says of tokens.
type Vocabulary struct{ m *model }

// LoadVocabulary reads the metadata and the vocabulary of the GGUF model at
// path and no weights, which takes milliseconds. See [Library.Load].
func (l *Library) LoadVocabulary(ctx context.Context, path string) (*Vocabulary, error) {
	m, err := l.load(ctx, path, engine.ModelConfig{}, func(p *sys.ModelParams) { p.VocabOnly = true })
	if err != nil {
		return nil, err
	}
	return &Vocabulary{m}, nil
}

// LoadChecked is [Library.Load], and has the library look at every weight of
// the file for numbers that are none.
func (l *Library) LoadChecked(ctx context.Context, path string, cfg engine.ModelConfig) (engine.Model, error) {
	m, err := l.load(ctx, path, cfg, func(p *sys.ModelParams) { p.CheckTensors = true })
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Info returns the facts of the model that do not depend on weights.
func (v *Vocabulary) Info() engine.Info { return v.m.Info() }

// Tokenize is [engine.Model]'s.
func (v *Vocabulary) Tokenize(ctx context.Context, dst []engine.Token, how engine.Tokenizing, text ...engine.Span) ([]engine.Token, error) {
	return v.m.Tokenize(ctx, dst, how, text...)
}

// Close frees it.
func (v *Vocabulary) Close() error { return v.m.Close() }
