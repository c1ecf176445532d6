package llama

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// model implements engine.Model.
type model struct {
	lib    *Library
	info   engine.Info
	pieces *pieces
	source source
	tokenizer

	// mu is held shared by calls into the library, and exclusively by what changes
	// the following.
	mu       sync.RWMutex
	handle   sys.Model // 0 while unloaded, and once closed
	vocab    sys.Vocab
	gone     bool       // closed
	files    *heldFiles // what the weights are mapped from, or were
	contexts atomic.Int32
}

var _ engine.Model = (*model)(nil)

func newModel(lib *Library, handle sys.Model, path string, cfg engine.ModelConfig) (*model, error) {
	vocab := lib.c.Vocab(handle)
	switch {
	case lib.c.VocabType(vocab) == sys.VocabNone:
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
	if err := m.openTokenizer(cfg); err != nil {
		return nil, err
	}
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

func (m *model) closed() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.handle == 0
}

// AppendPiece appends the bytes of one token to dst: a look-up in memory of
// this process, also after Close. A token out of range gives nothing.
func (m *model) AppendPiece(dst []byte, token engine.Token, special bool) []byte {
	return m.pieces.append(dst, token, special)
}

// AppendText appends what a token adds to a text after another: a look-up like
// AppendPiece.
func (m *model) AppendText(dst []byte, before, token engine.Token) []byte {
	begin := len(dst)
	dst = m.pieces.append(dst, token, true)
	if m.leadingSpace && (before < 0 || m.pieces.special(before)) && !m.pieces.special(token) &&
		len(dst) > begin && dst[begin] == ' ' {
		dst = append(dst[:begin], dst[begin+1:]...)
	}
	return dst
}

// IsEndOfGeneration reports whether the token ends a generation.
func (m *model) IsEndOfGeneration(token engine.Token) bool { return m.pieces.ends(token) }

// Close frees the weights. It fails while contexts are open; closing again
// does nothing.
func (m *model) Close() error {
	m.mu.Lock()
	if m.gone {
		m.mu.Unlock()
		return nil
	}
	if err := m.free(); err != nil {
		m.mu.Unlock()
		return fmt.Errorf("llama: close model: %w", err)
	}
	m.gone = true
	m.mu.Unlock()
	m.closeTokenizer() // who is at a desk may wait for the lock
	return nil
}
