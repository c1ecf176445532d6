package engine

import (
	"context"
	"errors"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/ask"
)

// Token is an index into a model's vocabulary.
type Token = ask.Token

// SequenceID names one sequence of a context, in [0, MaxSequences).
type SequenceID int32

// Errors that callers tell apart. Engines wrap them.
var (
	// ErrNoCacheSpace: the KV cache cannot hold the batch. Remove a sequence
	// or decode a smaller batch, then try again; the context is unchanged.
	ErrNoCacheSpace = errors.New("engine: no space in the KV cache")
	// ErrAborted: Decode ended early because of Abort. What the batch put in
	// the cache is undefined: remove its sequences.
	ErrAborted = errors.New("engine: decode aborted")
	// ErrTooManyTokens: a text has more than Tokenizing.LimitTokens.
	ErrTooManyTokens = errors.New("engine: too many tokens")
	// ErrClosed: the model or context has been closed.
	ErrClosed = errors.New("engine: closed")
)

// Model is a loaded model. All methods but Close may be called concurrently.
type Model interface {
	// Info returns the facts fixed when the model was loaded.
	Info() Info

	// Metadata returns the value stored under a GGUF key such as
	// "general.name", formatted as a string.
	Metadata(key string) (value string, ok bool)

	// Tokenize appends the tokens of a text to dst, as one text whatever spans
	// it comes in. Errors are ErrTooManyTokens, a *TextError, ErrClosed and
	// ctx's, which is looked at every few milliseconds of work; dst keeps what
	// it had.
	Tokenize(ctx context.Context, dst []Token, how Tokenizing, text ...Span) ([]Token, error)

	// AppendPiece appends the bytes of one token to dst. A piece may be part
	// of a UTF-8 character. Control tokens give nothing unless special is set.
	AppendPiece(dst []byte, token Token, special bool) []byte

	// AppendText appends what a token that follows another, -1 for none, is in
	// the text that Tokenize reads as these tokens: its piece, control tokens
	// included, without a space that Tokenize adds by itself.
	AppendText(dst []byte, before, token Token) []byte

	// IsEndOfGeneration reports whether the token ends a generation.
	IsEndOfGeneration(token Token) bool

	// NewContext makes a context. Memory for the KV cache is taken now.
	NewContext(ContextConfig) (Context, error)

	// Close frees the weights. It fails while contexts are open.
	Close() error
}

// Span is a part of a text.
type Span struct {
	Text string
	// Control reads "<|im_start|>" and its like as one token. Without it they
	// are text like any other, as what a client wrote must be.
	Control bool
}

// Tokenizing says how to tokenise.
type Tokenizing struct {
	// AddSpecial adds the model's own begin and end tokens as its metadata says.
	AddSpecial bool
	// LimitTokens is how many tokens are enough to know that there are too
	// many. 0 is no limit. The work stops soon after; a text that cannot have
	// fewer is refused before it begins.
	LimitTokens int
	// Background is a text of somebody who lets others go first. Of these one at a
	// time is in front of others' texts, with one piece.
	Background bool
}

// TextError is a text that a model's vocabulary cannot be asked for.
type TextError struct {
	What string // is wrong with it, for who wrote it
}

func (e *TextError) Error() string { return "engine: tokenize: " + e.What }

// Info describes a loaded model.
type Info struct {
	Name           string // general.name, or the file's base name
	Description    string // architecture, size class and quantisation
	Path           string
	SizeBytes      uint64
	Parameters     uint64
	VocabSize      int
	TrainedContext int // tokens, as trained
	EmbeddingSize  int
	BOS, EOS       Token  // -1 if the model has none
	ChatTemplate   string // Jinja source, "" if the model has none
}

// ContextConfig sizes a context. The zero value of a field takes its default.
type ContextConfig struct {
	// ContextTokens is the KV cache's size in tokens for all sequences
	// together; each sequence gets ContextTokens/MaxSequences. Default: the
	// model's trained context for each sequence.
	ContextTokens int
	// MaxSequences is the number of sequences that may be live at once,
	// at most 256. Default 1.
	MaxSequences int
	// BatchTokens is the largest batch Decode takes. Default 2048, or the
	// context's size if that is smaller.
	BatchTokens int
	// MicroBatchTokens is the largest piece of a batch computed at once.
	// Default 512.
	MicroBatchTokens int
	// FixedShape makes the logits of a row depend on the tokens of its sequence alone,
	// bit for bit: not on what else is decoded, on how the tokens came in batches, on the
	// place, nor on whether they were copied, or saved and restored. NewContext fails if
	// the engine cannot do that, or not without flash attention where that is off. A
	// sequence may be a token shorter for it.
	FixedShape bool
	// Threads computes single-token batches, BatchThreads larger ones.
	// Default: the cores this process may use, less one, at least one;
	// BatchThreads as Threads.
	Threads, BatchThreads int
	// FlashAttention says how attention is computed. Default: as is faster where
	// most steps are of a token a sequence.
	FlashAttention FlashAttention
	// Decoding, if not nil, is the group that the goroutine is in while a
	// Decode computes: one with ggroup.WithCompute, as a rule. What else a
	// Context does is done in the caller's.
	Decoding *ggroup.Group
}

// FlashAttention is whether attention is computed in one pass over the cache, or by
// products of whole matrices. The results differ by rounding alone.
type FlashAttention uint8

const (
	FlashAttentionAuto FlashAttention = iota
	FlashAttentionOn
	FlashAttentionOff
)

// Context is the state of several sequences over one model. It belongs to one
// goroutine; only Abort may be called from another.
type Context interface {
	// Limits returns the sizes in force, which the engine may have rounded.
	Limits() Limits

	// Decode runs the batch through the model and adds it to the KV cache.
	// Logits of the flagged rows are valid until the next Decode.
	Decode(*Batch) error

	// Abort makes a running Decode return ErrAborted soon, and every later
	// one at once until Resume. Safe from any goroutine.
	Abort()
	// Resume takes back Abort.
	Resume()

	// Logits returns the logits of a row, VocabSize values, in the engine's
	// memory: read only, by any goroutine, valid until the next Decode.
	Logits(row int) ([]float32, error)

	// RemoveSequence drops positions [from, to) of a sequence from the KV
	// cache; to < 0 means to the end. It reports false if the engine cannot
	// remove just that part, or could not go on from what would be left; the
	// sequence is as it was then.
	RemoveSequence(seq SequenceID, from, to int) bool

	// CopySequence gives an empty sequence what is computed of the first tokens of
	// another, as many as it has or fewer. It reports false, and to is empty, if the
	// engine cannot do that. A Decode comes before any other use of what was copied,
	// but for further copies and RemoveSequence.
	CopySequence(to, from SequenceID, tokens int) bool
	// CanCopy reports whether CopySequence is of use at all.
	CanCopy() bool
	// CanCut reports whether RemoveSequence removes the last tokens of a sequence
	// whatever was decoded since the others, and what is left can be gone on from.
	CanCut() bool

	// Close frees the cache.
	Close() error
}

// CountingContext is a Context that tells how far a Decode is.
type CountingContext interface {
	Context
	// Progress returns a number that changes with each of the many operations that a
	// Decode consists of. It reports false if it cannot say so, as where a GPU
	// computes. Safe from any goroutine.
	Progress() (operations uint32, ok bool)
}

// Threads are what Decodes compute on, as in ContextConfig.
type Threads struct {
	Threads, BatchThreads int
	Decoding              *ggroup.Group
}

// ThreadedContext is a Context whose threads can be changed between two Decodes.
type ThreadedContext interface {
	Context
	// SetThreads has later Decodes compute on other threads.
	SetThreads(Threads)
}

// Limits are a context's sizes in force.
type Limits struct {
	ContextTokens    int // all sequences together
	SequenceTokens   int // one sequence
	MaxSequences     int
	BatchTokens      int
	MicroBatchTokens int
	Threads          int
	BatchThreads     int
}

// Loader opens models of one kind of engine.
type Loader interface {
	// Load reads the model at path. Cancelling ctx stops the load and frees
	// what it had taken.
	Load(ctx context.Context, path string, cfg ModelConfig) (Model, error)
}

// ModelConfig says how to load a model.
type ModelConfig struct {
	// GPULayers is how many layers go to the GPU; negative means all.
	GPULayers int
	// Tokenizing, if not nil, is the group that a goroutine is in while it has
	// a piece of text tokenised: one with ggroup.WithCompute, as a rule.
	Tokenizing *ggroup.Group
	// NoRepack leaves the weights in the file's order, instead of one that suits the
	// processor better and needs memory of its own.
	NoRepack bool
	// NoMemoryMap reads the file instead of mapping it.
	NoMemoryMap bool
	// LockMemory keeps the weights from being swapped out.
	LockMemory bool
	// Tokenizers is how many texts are tokenised at once, others wait. Default:
	// the cores that a context's threads leave free by default, at least one.
	Tokenizers int
	// Progress, if not nil, is called with the share loaded in [0, 1].
	Progress func(share float32)
}
