package llama

import (
	"slices"
	"strings"
	"sync"

	"github.com/weirgo/weir/server/engine"
)

// memo is the tokens of short raw texts. The library compiles its regular
// expressions anew for each raw text, up to 2 ms with some pre-tokenizers, and a
// conversation has two for each message that are always the same: a role, and
// what stands between two turns.
type memo struct {
	mu     sync.Mutex
	tokens map[string][]engine.Token
}

const (
	memoBytes   = 32   // the longest text
	memoEntries = 1024 // then it begins anew
)

// append appends the tokens of a text to dst, if they are known.
func (m *memo) append(dst []engine.Token, text string) (_ []engine.Token, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	tokens, known := m.tokens[text]
	return append(dst, tokens...), known
}

// keep remembers the tokens of a text.
func (m *memo) keep(text string, tokens []engine.Token) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tokens == nil || len(m.tokens) >= memoEntries {
		m.tokens = make(map[string][]engine.Token)
	}
	m.tokens[strings.Clone(text)] = slices.Clone(tokens) // neither holds on to what it is part of
}
