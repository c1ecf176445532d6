package llama

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// model implements engine.Model.
type model struct {
	lib    *Library
	info   engine.Info
	pieces *pieces
	files  *heldFiles // what the weights are mapped from

	// mu is held shared by calls into the library, and exclusively by Close.
	mu       sync.RWMutex
	handle   sys.Model // 0 once closed
	vocab    sys.Vocab
	contexts atomic.Int32
}

var _ engine.Model = (*model)(nil)

func newModel(lib *Library, handle sys.Model, path string) (*model, error) {
	vocab := lib.c.Vocab(handle)
	switch {
	case lib.c.VocabType(vocab) == 0:
		return nil, errors.New("it has no vocabulary; use a complete model file")
	case lib.c.HasEncoder(handle) || !lib.c.HasDecoder(handle):
		return nil, errors.New("it does not generate text by itself; use a decoder-only model")
	}
	m := &model{lib: lib, handle: handle, vocab: vocab}
	m.info = engine.Info{
		Description:    describe(lib.c, handle),
		Path:           path,
		SizeBytes:      lib.c.ModelSize(handle),
		Parameters:     lib.c.Parameters(handle),
		VocabSize:      int(lib.c.VocabSize(vocab)),
		TrainedContext: int(lib.c.TrainedContext(handle)),
		EmbeddingSize:  int(lib.c.EmbeddingSize(handle)),
		BOS:            engine.Token(lib.c.BOS(vocab)),
		EOS:            engine.Token(lib.c.EOS(vocab)),
		ChatTemplate:   lib.c.ChatTemplate(handle),
	}
	name, _ := m.Metadata("general.name")
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	m.info.Name = name
	m.pieces = newPieces(lib.c, vocab, m.info.VocabSize)
	return m, nil
}

func describe(c *sys.Library, handle sys.Model) string {
	buf := make([]byte, 256)
	n := c.Description(handle, buf)
	return string(buf[:max(0, min(int(n), len(buf)-1))])
}

// Info returns the facts fixed when the model was loaded.
func (m *model) Info() engine.Info { return m.info }

// Metadata returns the value of a GGUF key as a string. Arrays are not to be
// had. After Close there is none.
func (m *model) Metadata(key string) (value string, ok bool) {
	if strings.ContainsRune(key, 0) {
		return "", false
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.handle == 0 {
		return "", false
	}
	buf := make([]byte, 256)
	for {
		n := int(m.lib.c.Metadata(m.handle, key, buf))
		if n < 0 {
			return "", false
		}
		if n < len(buf) {
			return string(buf[:n]), true
		}
		buf = make([]byte, n+1)
	}
}

// maxTextBytes keeps lengths within a C int with room for the extra tokens.
const maxTextBytes = math.MaxInt32 / 2

// Tokenize appends the tokens of text to dst. Bytes that are not UTF-8 count
// as U+FFFD: what the library's pre-tokenizers make of them is not defined.
func (m *model) Tokenize(dst []engine.Token, text string, addSpecial, parseSpecial bool) ([]engine.Token, error) {
	if len(text) > maxTextBytes {
		return dst, fmt.Errorf("llama: tokenize: text of %d bytes is longer than %d", len(text), maxTextBytes)
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.handle == 0 {
		return dst, fmt.Errorf("llama: tokenize: %w", engine.ErrClosed)
	}
	const special = 4 // room for begin and end tokens
	dst = slices.Grow(dst, len(text)/2+special)
	for {
		room := dst[len(dst):cap(dst)]
		out := unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(room))), len(room))
		n := int(m.lib.c.Tokenize(m.vocab, text, out, addSpecial, parseSpecial))
		switch {
		case n == math.MinInt32:
			return dst, errors.New("llama: tokenize: the text has too many tokens")
		case n >= 0:
			return dst[:len(dst)+n], nil
		}
		dst = slices.Grow(dst, -n)
	}
}

// AppendPiece appends the bytes of one token to dst: a look-up in memory of
// this process, also after Close. A token out of range gives nothing.
func (m *model) AppendPiece(dst []byte, token engine.Token, special bool) []byte {
	return m.pieces.append(dst, token, special)
}

// IsEndOfGeneration reports whether the token ends a generation.
func (m *model) IsEndOfGeneration(token engine.Token) bool { return m.pieces.ends(token) }

// Close frees the weights. It fails while contexts are open; closing again
// does nothing.
func (m *model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.handle == 0 {
		return nil
	}
	if n := m.contexts.Load(); n > 0 {
		return fmt.Errorf("llama: close model: %d contexts are open; close them first", n)
	}
	m.files.close()
	m.lib.c.Free(m.handle)
	m.handle, m.vocab = 0, 0
	return nil
}
