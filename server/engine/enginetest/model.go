package enginetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/engine"
)

// The vocabulary: token n < 256 is the byte n.
const (
	BOS       engine.Token = 256 // "<|bos|>"
	EOS       engine.Token = 257 // "<|eos|>", ends a generation
	Separator engine.Token = 258 // "<|sep|>", a control token
	VocabSize              = 259
)

// specials are the texts that Tokenize reads as one token.
var specials = []struct {
	text  string
	token engine.Token
}{{"<|bos|>", BOS}, {"<|eos|>", EOS}, {"<|sep|>", Separator}}

// Options choose how the fake behaves. The zero value is a model that
// generates bytes for ever and never fails.
type Options struct {
	// TrainedContext is the model's context in tokens. Default 4096.
	TrainedContext int
	// ChatTemplate is reported by Info.
	ChatTemplate string
	// Printable keeps generated tokens to printable ASCII, so that the text
	// is valid UTF-8.
	Printable bool
	// EndEvery ends a generation after EndEvery tokens on average, at a place
	// that follows from the tokens. 0 is never.
	EndEvery int
	// Next, if not nil, is asked for the likeliest token after tokens, and
	// answers -1 to leave it to the hash. It must be a pure function.
	Next func(tokens []engine.Token) engine.Token
	// CacheTokens is how many tokens fit in the KV cache of a context, where
	// that is fewer than ContextTokens: Decode then gives ErrNoCacheSpace.
	CacheTokens int
	// Delay is how long a Decode takes. Abort cuts it short.
	Delay func(*engine.Batch) time.Duration
	// Gate, if not nil, is received from once by each Decode.
	Gate <-chan struct{}
	// Fault is asked before each Decode, counted from 0; its error is what
	// Decode returns. Unless it is ErrNoCacheSpace, half the batch is in the
	// cache by then, as after a real failure.
	Fault func(step int, b *engine.Batch) error
	// LogitsFault is asked before each Logits, counted from 0.
	LogitsFault func(read int) error
	// Threads, if not nil, is told by each Decode what it would compute on.
	Threads func(engine.Threads)
	// Operations, if not nil, is how many operations of a Decode have begun. Any
	// goroutine.
	Operations func() uint32
	// Ranks, if not nil, is a reranker.
	Ranks *engine.Ranking
	// NoState is a model whose sequences' states cannot be had.
	NoState bool
	// NoPartialRemoval is one whose sequences can only be removed whole.
	NoPartialRemoval bool
	// NoCopies is one whose sequences cannot be copied.
	NoCopies bool
	// NoShifts is one whose sequences cannot be shifted.
	NoShifts bool
	// Tokenizing, if not nil, is called by each Tokenize with its context.
	Tokenizing func(context.Context)
	// Reloading, if not nil, is called by each Reload with its context, and may fail.
	Reloading func(context.Context) error
}

// Model is a fake engine.Model.
type Model struct {
	opts     Options
	contexts atomic.Int32
	cached   atomic.Int64
	closed   atomic.Bool
	unloaded atomic.Bool
}

var _ engine.SleepingModel = (*Model)(nil)

// New makes a model.
func New(opts Options) *Model {
	if opts.TrainedContext == 0 {
		opts.TrainedContext = 4096
	}
	return &Model{opts: opts}
}

// Info implements engine.Model.
func (m *Model) Info() engine.Info {
	return engine.Info{
		Name:           "fake",
		Description:    "fake 0B bytes",
		Path:           "fake.gguf",
		SizeBytes:      VocabSize,
		Parameters:     VocabSize,
		VocabSize:      VocabSize,
		TrainedContext: m.opts.TrainedContext,
		EmbeddingSize:  EmbeddingSize,
		BOS:            BOS,
		EOS:            EOS,
		ChatTemplate:   m.opts.ChatTemplate,
	}
}

// Metadata implements engine.Model.
func (m *Model) Metadata(key string) (string, bool) {
	switch key {
	case "general.name":
		return "fake", true
	case "general.architecture":
		return "fake", true
	case "tokenizer.chat_template":
		return m.opts.ChatTemplate, m.opts.ChatTemplate != ""
	}
	return "", false
}

// Tokenize implements engine.Model: a byte a token.
func (m *Model) Tokenize(ctx context.Context, dst []engine.Token, how engine.Tokenizing, text ...engine.Span) ([]engine.Token, error) {
	if m.opts.Tokenizing != nil {
		m.opts.Tokenizing(ctx)
	}
	switch {
	case m.closed.Load() || m.unloaded.Load():
		return dst, engine.ErrClosed
	case ctx.Err() != nil:
		return dst, ctx.Err()
	}
	before := len(dst)
	if how.AddSpecial {
		dst = append(dst, BOS)
	}
	for _, span := range text {
		dst = tokenize(dst, span)
	}
	if how.LimitTokens > 0 && len(dst)-before > how.LimitTokens {
		return dst[:before], engine.ErrTooManyTokens
	}
	return dst, nil
}

func tokenize(dst []engine.Token, span engine.Span) []engine.Token {
	text := span.Text
next:
	for len(text) > 0 {
		if span.Control && text[0] == '<' {
			for _, s := range specials {
				if rest, ok := strings.CutPrefix(text, s.text); ok {
					dst, text = append(dst, s.token), rest
					continue next
				}
			}
		}
		dst, text = append(dst, engine.Token(text[0])), text[1:]
	}
	return dst
}

// AppendPiece implements engine.Model.
func (m *Model) AppendPiece(dst []byte, token engine.Token, special bool) []byte {
	if token >= 0 && token < 256 {
		return append(dst, byte(token))
	}
	for _, s := range specials {
		if special && s.token == token {
			return append(dst, s.text...)
		}
	}
	return dst
}

// AppendText implements engine.Model.
func (m *Model) AppendText(dst []byte, _, token engine.Token) []byte {
	return m.AppendPiece(dst, token, true)
}

// IsEndOfGeneration implements engine.Model.
func (m *Model) IsEndOfGeneration(token engine.Token) bool { return token == EOS }

// Close implements engine.Model.
func (m *Model) Close() error {
	if n := m.contexts.Load(); n > 0 {
		return fmt.Errorf("enginetest: close model: %d contexts are open", n)
	}
	if m.closed.Swap(true) {
		return errors.New("enginetest: close model: closed twice")
	}
	return nil
}

// Open returns how many contexts are open.
func (m *Model) Open() (contexts int) { return int(m.contexts.Load()) }

// CachedTokens returns how many tokens the KV caches hold. Tokens still there
// when a context is closed stay counted: they were leaked.
func (m *Model) CachedTokens() int { return int(m.cached.Load()) }

// ReplyAfter returns a function for Options.Next that makes the model say
// reply after the last occurrence of marker in the sequence, and end.
func ReplyAfter(marker, reply string) func([]engine.Token) engine.Token {
	if marker == "" {
		panic("enginetest: ReplyAfter with an empty marker")
	}
	return func(tokens []engine.Token) engine.Token {
		at := lastIndex(tokens, marker)
		if at < 0 {
			return -1
		}
		said := len(tokens) - at - len(marker)
		if said >= len(reply) {
			return EOS
		}
		return engine.Token(reply[said])
	}
}

// lastIndex is strings.LastIndex over byte tokens.
func lastIndex(tokens []engine.Token, text string) int {
	for at := len(tokens) - len(text); at >= 0; at-- {
		i := 0
		for i < len(text) && tokens[at+i] == engine.Token(text[i]) {
			i++
		}
		if i == len(text) {
			return at
		}
	}
	return -1
}

// CacheLimit returns Options.CacheTokens.
func (m *Model) CacheLimit() int { return m.opts.CacheTokens }
