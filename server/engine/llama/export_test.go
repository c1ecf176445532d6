package llama

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/ebitengine/purego"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
	"github.com/weirgo/weir/server/gguf/check"
)

// OpenAnew opens a library as Open does, and never the one already open.
func OpenAnew(dir string) (*Library, error) { return open(dir, nil) }

// LogSink is the receiver of the library's messages.
type LogSink = logSink

// NewLogSink makes one that writes to logger.
func NewLogSink(logger *slog.Logger) *LogSink {
	s := new(logSink)
	s.setLogger(logger)
	return s
}

// Write takes a piece of a message.
func (s *logSink) Write(level int, text string) { s.write(level, []byte(text)) }

// WriteBytes is Write without a copy.
func (s *logSink) WriteBytes(level int, text []byte) { s.write(level, text) }

// LogMark is a place in the log.
type LogMark = logMark

// Begin and End enclose a call whose errors, or all warnings too, go to its
// caller.
func (s *logSink) Begin(warnings bool) LogMark {
	if warnings {
		return s.begin(levelWarn)
	}
	return s.begin(levelError)
}
func (s *logSink) End(mark LogMark) string { return s.end(mark) }

// Callback returns the sink as a C function.
func (s *logSink) Callback() uintptr { return purego.NewCallback(s.message) }

// LoadUnchecked loads what any file has of a model without its weights.
func (l *Library) LoadUnchecked(path string, cfg engine.ModelConfig) (engine.Model, error) {
	params := l.c.ModelDefaults()
	params.VocabOnly = true
	handle := l.c.Load(path, params)
	if handle == 0 {
		return nil, fmt.Errorf("load the vocabulary of %s", path)
	}
	m, err := newModel(l, handle, path, cfg)
	if err != nil {
		l.c.Free(handle)
		return nil, err
	}
	m.files = &heldFiles{Model: new(check.Model)}
	return m, nil
}

// TokenizeWhole gives what the library makes of a text in one call.
func TokenizeWhole(m engine.Model, text string, addSpecial, parseSpecial bool) []engine.Token {
	out := make([]int32, len(text)+16)
	return tokensOf(out[:m.(*model).lib.c.Tokenize(m.(*model).vocab, text, out, addSpecial, parseSpecial)])
}

// TokenizeDeep is TokenizeWhole of raw text that needs much stack.
func TokenizeDeep(m engine.Model, text string) []engine.Token {
	stack, err := sys.NewStack(64 << 20)
	if err != nil {
		panic(err)
	}
	defer stack.Close()
	out := make([]int32, len(text)+16)
	return tokensOf(out[:stack.Tokenize(m.(*model).lib.c, m.(*model).vocab, text, out)])
}

func tokensOf(out []int32) []engine.Token {
	tokens := make([]engine.Token, len(out))
	for i := range tokens {
		tokens[i] = engine.Token(out[i])
	}
	return tokens
}

// Breaks reports whether a model's texts may be cut at a place.
func Breaks(m engine.Model, text string, at int) bool { return m.(*model).rules.Breaks(text, at) }

// TakeDesk takes a desk until leave.
func TakeDesk(ctx context.Context, m engine.Model, long bool) (leave func(), err error) {
	d := m.(*model).desks
	free, err := d.take(ctx, queueing{long: long})
	return func() { d.leave(free, queueing{long: long}) }, err
}

// OpenDesks makes desks and frees them.
func OpenDesks(n int) (int, error) {
	d, err := newDesks(n, nil)
	if err != nil {
		return 0, err
	}
	defer d.close(cap(d.free))
	return cap(d.free), nil
}

// Remembered returns how many short texts' tokens are kept.
func Remembered(m engine.Model) int { return len(m.(*model).memo.tokens) }

// SlowFlashAttention reports whether this machine computes this model's attention
// faster without.
func SlowFlashAttention(m engine.Model) bool { return m.(*model).slowFlashAttention() }

// HeadSize is the size of a head's keys.
func HeadSize(m engine.Model) int { return m.(*model).headSize() }

// Arranged is the sequences of a batch's rows in the order in which the library gets
// them, where passPlaces places cost as much as a pass.
func Arranged(batch *engine.Batch, sequences, passPlaces int) []engine.SequenceID {
	b := newCBatch(batch.Len(), sequences)
	b.passPlaces = passPlaces
	b.fill(batch)
	return b.sequences
}

// PassPlaces is how many places cost as much as a pass over the weights.
func PassPlaces(m engine.Model) int { return m.(*model).passPlaces() }
