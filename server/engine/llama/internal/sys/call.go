package sys

import (
	"math"
	"unsafe"

	"github.com/ebitengine/purego"
)

// A struct larger than 16 bytes goes by value in the memory part of the
// argument list. The System V ABI puts the first six integers in registers,
// so with the unused registers filled up the struct's words follow as the
// seventh argument and on.
const registers = 6

// words returns a struct as the 8-byte words it is passed as.
func words[T any](s *T) []uintptr {
	return unsafe.Slice((*uintptr)(unsafe.Pointer(s)), unsafe.Sizeof(*s)/unsafe.Sizeof(uintptr(0)))
}

// byValue calls fn with one integer argument and a struct by value.
func (l *Library) byValue(fn, first uintptr, structWords []uintptr) uintptr {
	var args [registers + 20]uintptr
	args[0] = first
	n := copy(args[registers:], structWords)
	r, _, _ := purego.SyscallN(fn, args[:registers+n]...)
	return r
}

// ModelDefaults returns llama_model_default_params().
func (l *Library) ModelDefaults() ModelParams {
	p := new(ModelParams)
	purego.SyscallN(l.c.modelDefaults, uintptr(unsafe.Pointer(p)))
	return *p
}

// ContextDefaults returns llama_context_default_params().
func (l *Library) ContextDefaults() ContextParams {
	p := new(ContextParams)
	purego.SyscallN(l.c.contextDefaults, uintptr(unsafe.Pointer(p)))
	return *p
}

// QuantizeDefaults returns llama_model_quantize_default_params().
func (l *Library) QuantizeDefaults() QuantizeParams {
	p := new(QuantizeParams)
	purego.SyscallN(l.c.quantizeDefaults, uintptr(unsafe.Pointer(p)))
	return *p
}

// Load reads a model file; 0 if that failed. What params point to must stay.
func (l *Library) Load(path string, params ModelParams) Model {
	// The path goes as the one register argument, the struct by value.
	cpath := append([]byte(path), 0)
	w := words(&params)
	r, _, _ := purego.SyscallN(l.c.modelLoad, uintptr(unsafe.Pointer(&cpath[0])), 0, 0, 0, 0, 0,
		w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9])
	return Model(r)
}

// Free frees a model, of which no context may be left.
func (l *Library) Free(m Model) { purego.SyscallN(l.c.modelFree, uintptr(m)) }

// Quantize writes the model at src to dst as params say; 0 means success.
func (l *Library) Quantize(src, dst string, params QuantizeParams) uint32 {
	from, to, p := append([]byte(src), 0), append([]byte(dst), 0), new(QuantizeParams)
	*p = params
	r, _, _ := purego.SyscallN(l.c.modelQuantize, uintptr(unsafe.Pointer(&from[0])),
		uintptr(unsafe.Pointer(&to[0])), uintptr(unsafe.Pointer(p)))
	return uint32(int32Of(r))
}

// Vocab returns the vocabulary of a model.
func (l *Library) Vocab(m Model) Vocab { return Vocab(l.ask(l.c.modelVocab, uintptr(m))) }

// ModelSize returns the size of all tensors in bytes.
func (l *Library) ModelSize(m Model) uint64 { return uint64(l.ask(l.c.modelSize, uintptr(m))) }

// Parameters returns the number of parameters.
func (l *Library) Parameters(m Model) uint64 {
	return uint64(l.ask(l.c.modelParameters, uintptr(m)))
}

// TrainedContext returns the tokens of context a model was trained with.
func (l *Library) TrainedContext(m Model) int32 {
	return int32Of(l.ask(l.c.modelContext, uintptr(m)))
}

// EmbeddingSize returns the width of the hidden state.
func (l *Library) EmbeddingSize(m Model) int32 {
	return int32Of(l.ask(l.c.modelEmbedding, uintptr(m)))
}

// HasDecoder reports whether a model can generate.
func (l *Library) HasDecoder(m Model) bool { return boolOf(l.ask(l.c.modelHasDecoder, uintptr(m))) }

// HasEncoder reports whether a model wants its input encoded first.
func (l *Library) HasEncoder(m Model) bool { return boolOf(l.ask(l.c.modelHasEncoder, uintptr(m))) }

// Kinds of tokenizer (enum llama_vocab_type).
const (
	VocabNone          = 0
	VocabSentencePiece = 1
	VocabBytePair      = 2
	VocabRWKV          = 5
)

// VocabType returns the kind of tokenizer.
func (l *Library) VocabType(v Vocab) int32 { return int32Of(l.ask(l.c.vocabType, uintptr(v))) }

// VocabSize returns the number of tokens.
func (l *Library) VocabSize(v Vocab) int32 { return int32Of(l.ask(l.c.vocabSize, uintptr(v))) }

// BOS returns the token that begins a text, or -1.
func (l *Library) BOS(v Vocab) int32 { return int32Of(l.ask(l.c.vocabBOS, uintptr(v))) }

// EOS returns the token that ends a text, or -1.
func (l *Library) EOS(v Vocab) int32 { return int32Of(l.ask(l.c.vocabEOS, uintptr(v))) }

// AddsBOS reports whether tokenizing adds BOS.
func (l *Library) AddsBOS(v Vocab) bool { return boolOf(l.ask(l.c.vocabAddBOS, uintptr(v))) }

// Separator returns the token between two texts, or -1.
func (l *Library) Separator(v Vocab) int32 { return int32Of(l.ask(l.c.vocabSep, uintptr(v))) }

// AddsEOS reports whether tokenizing adds EOS.
func (l *Library) AddsEOS(v Vocab) bool { return boolOf(l.ask(l.c.vocabAddEOS, uintptr(v))) }

// AddsSeparator reports whether tokenizing two texts adds a separator.
func (l *Library) AddsSeparator(v Vocab) bool { return boolOf(l.ask(l.c.vocabAddSep, uintptr(v))) }

// Attributes of a token (enum llama_token_attr).
const (
	AttrUnknown     = 1 << 0
	AttrNormal      = 1 << 2
	AttrControl     = 1 << 3
	AttrUserDefined = 1 << 4
	AttrStripLeft   = 1 << 7
	AttrStripRight  = 1 << 8
)

// Attr returns the attributes of a token of the vocabulary.
func (l *Library) Attr(v Vocab, token int32) uint32 {
	r, _, _ := purego.SyscallN(l.c.vocabAttr, uintptr(v), uintptr(token))
	return uint32(int32Of(r))
}

// Text returns the text of a token as the vocabulary has it.
func (l *Library) Text(v Vocab, token int32) string {
	r, _, _ := purego.SyscallN(l.c.vocabText, uintptr(v), uintptr(token))
	return GoString(Pointer(r))
}

// IsEOG reports whether a token ends a generation.
func (l *Library) IsEOG(v Vocab, token int32) bool {
	r, _, _ := purego.SyscallN(l.c.vocabIsEOG, uintptr(v), uintptr(token))
	return boolOf(r)
}

// ChatTemplate returns the model's default chat template, "" if it has none.
func (l *Library) ChatTemplate(m Model) string {
	r, _, _ := purego.SyscallN(l.c.modelTemplate, uintptr(m), 0)
	return GoString(Pointer(r))
}

// Metadata writes the value of a key to buf as a C string and returns its
// length, which may be more than fits, or a negative number if there is none.
func (l *Library) Metadata(m Model, key string, buf []byte) int32 {
	ckey := append([]byte(key), 0)
	r, _, _ := purego.SyscallN(l.c.modelMetadata, uintptr(m), uintptr(unsafe.Pointer(&ckey[0])),
		uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
	return int32Of(r)
}

// Description writes a model's architecture, size and type to buf, like
// [Library.Metadata].
func (l *Library) Description(m Model, buf []byte) int32 {
	r, _, _ := purego.SyscallN(l.c.modelDesc, uintptr(m), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
	return int32Of(r)
}

// Tokenize writes the tokens of text to dst, which is not empty, and returns
// their number; if dst is too small, minus the number needed, and math.MinInt32
// if that is too large.
func (l *Library) Tokenize(v Vocab, text string, dst []int32, addSpecial, parseSpecial bool) int32 {
	r, _, _ := purego.SyscallN(l.c.tokenize, uintptr(v),
		uintptr(unsafe.Pointer(unsafe.StringData(text))), uintptr(len(text)),
		uintptr(unsafe.Pointer(&dst[0])), uintptr(len(dst)), boolArg(addSpecial), boolArg(parseSpecial))
	return int32Of(r)
}

// Piece writes the bytes of a token to buf and returns their number, or minus
// the number needed.
func (l *Library) Piece(v Vocab, token int32, buf []byte, special bool) int32 {
	const leadingSpaces = 0
	r, _, _ := purego.SyscallN(l.c.tokenToPiece, uintptr(v), uintptr(token),
		uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), leadingSpaces, boolArg(special))
	return int32Of(r)
}

// NewContext makes a context; 0 if that failed. What params point to must
// stay as long as it lives.
func (l *Library) NewContext(m Model, params ContextParams) Context {
	return Context(l.byValue(l.c.contextNew, uintptr(m), words(&params)))
}

// FreeContext frees a context.
func (l *Library) FreeContext(c Context) { purego.SyscallN(l.c.contextFree, uintptr(c)) }

// ContextTokens returns the size of the KV cache of all sequences together.
func (l *Library) ContextTokens(c Context) int { return l.size(l.c.contextTokens, c) }

// SequenceTokens returns the size of the KV cache of one sequence.
func (l *Library) SequenceTokens(c Context) int { return l.size(l.c.sequenceTokens, c) }

// BatchTokens returns the most tokens one Decode takes.
func (l *Library) BatchTokens(c Context) int { return l.size(l.c.batchTokens, c) }

// MicroBatchTokens returns the most tokens computed at once.
func (l *Library) MicroBatchTokens(c Context) int { return l.size(l.c.microBatchTokens, c) }

// MaxSequences returns the number of sequences.
func (l *Library) MaxSequences(c Context) int { return l.size(l.c.maxSequences, c) }

// SequencesLimit is the most sequences any context can have.
func (l *Library) SequencesLimit() int {
	r, _, _ := purego.SyscallN(l.c.sequencesLimit)
	return int(r)
}

// Memory returns the KV cache of a context.
func (l *Library) Memory(c Context) Memory { return Memory(l.ask(l.c.memory, uintptr(c))) }

// RemoveSequence drops positions [from, to) of a sequence; to < 0 is the end.
func (l *Library) RemoveSequence(m Memory, sequence, from, to int32) bool {
	r, _, _ := purego.SyscallN(l.c.sequenceRemove, uintptr(m), uintptr(sequence), uintptr(from), uintptr(to))
	return boolOf(r)
}

// CopySequence makes all of a sequence another's, too. With a cache for each sequence
// the keys and values follow at the next Decode.
func (l *Library) CopySequence(m Memory, from, to int32) {
	// A part of a sequence fails an assertion where it has a cache of its own.
	all := int32(-1)
	purego.SyscallN(l.c.sequenceCopy, uintptr(m), uintptr(from), uintptr(to), uintptr(all), uintptr(all))
}

// MovePositions adds delta to the positions [from, to) of a sequence; the keys follow at
// the next Decode.
func (l *Library) MovePositions(m Memory, sequence, from, to, delta int32) {
	purego.SyscallN(l.c.sequenceAdd, uintptr(m), uintptr(sequence), uintptr(from), uintptr(to), uintptr(delta))
}

// CanMove reports whether the keys of a cache can follow their positions.
func (l *Library) CanMove(m Memory) bool { return boolOf(l.ask(l.c.memoryCanShift, uintptr(m))) }

// Recurs reports whether a model has a state that all tokens before are in.
func (l *Library) Recurs(m Model) bool {
	return boolOf(l.ask(l.c.modelRecurs, uintptr(m))) || boolOf(l.ask(l.c.modelHybrid, uintptr(m)))
}

// FirstPosition is the least position of a sequence from which on all are in the
// cache, -1 if there is none.
func (l *Library) FirstPosition(m Memory, sequence int32) int32 {
	r, _, _ := purego.SyscallN(l.c.sequenceFirst, uintptr(m), uintptr(sequence))
	return int32Of(r)
}

func (l *Library) ask(fn, a uintptr) uintptr {
	r, _, _ := purego.SyscallN(fn, a)
	return r
}

func (l *Library) size(fn uintptr, c Context) int {
	return int(uint32(l.ask(fn, uintptr(c)) & math.MaxUint32))
}
